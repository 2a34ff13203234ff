"""Email through the SMTP server of the settings: TLS where it offers it, always where there is a password."""

from __future__ import annotations

import smtplib
import ssl
from email.message import EmailMessage
from email.utils import format_datetime
from urllib.parse import unquote, urlsplit

from agents.notifications.message import Message, Refused
from core.errors import ConfigError, Unavailable

_TIMEOUT_S = 20.0


class Email:
    """`server`: smtp://USER:PASSWORD@HOST:PORT (STARTTLS) or smtps://… (TLS from the start)."""

    def __init__(self, server: str, sender: str) -> None:
        self._server = urlsplit(server)
        self._sender = sender
        if self._server.scheme not in ("smtp", "smtps") or not self._server.hostname:
            raise ConfigError("TAPEWATCH_SMTP_URL: should be smtp://USER:PASSWORD@HOST:PORT or smtps://…")

    def send(self, message: Message, address: str) -> str:
        try:
            with self._connected() as server:
                server.send_message(self._written(message, address))
        except smtplib.SMTPRecipientsRefused as error:
            code, _ = next(iter(error.recipients.values()))
            raise _as_error(code, "the recipient was refused") from None
        except smtplib.SMTPResponseException as error:
            raise _as_error(error.smtp_code, "the mail server refused") from None
        except (smtplib.SMTPException, OSError) as error:
            raise Unavailable(f"the mail server does not answer: {type(error).__name__}") from None
        return "taken by the mail server"

    def _connected(self) -> smtplib.SMTP:
        host = self._server.hostname or ""
        context = ssl.create_default_context()
        if self._server.scheme == "smtps":
            server: smtplib.SMTP = smtplib.SMTP_SSL(host, self._server.port or 465, timeout=_TIMEOUT_S, context=context)
        else:
            server = smtplib.SMTP(host, self._server.port or 587, timeout=_TIMEOUT_S)
            server.ehlo()
            if server.has_extn("starttls"):
                server.starttls(context=context)
            elif self._server.password:
                server.close()
                raise Refused("the mail server offers no TLS, and a password is not sent without")
        if self._server.username and self._server.password:
            server.login(unquote(self._server.username), unquote(self._server.password))
        return server

    def _written(self, message: Message, address: str) -> EmailMessage:
        mail = EmailMessage()
        mail["From"] = self._sender
        mail["To"] = address
        mail["Subject"] = " ".join(message.title.split())
        mail["Date"] = format_datetime(message.created_at)
        mail["Message-ID"] = f"<{message.id}@tapewatch>"
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content("\n\n".join(part for part in (message.title, message.body, message.link) if part) + "\n")
        return mail


def _as_error(code: int, text: str) -> Refused | Unavailable:
    """A reply of 5xx stays as it is, one of 4xx may pass (RFC 5321, 4.2.1)."""
    return Refused(f"{text}: {code}") if code >= 500 else Unavailable(f"{text} for now: {code}")
