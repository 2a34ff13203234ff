"""Brings notifications out: takes what is due, sends, and writes down what came of it.

At least once: a process that dies between sending and writing sends again. Attempts come later each time, for about
a day; what is refused for good is given up at once. One slow receiver holds up no other.
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta

from agents.notifications.email import Email
from agents.notifications.http import Post
from agents.notifications.message import Channel, Message, Refused
from agents.notifications.slack import Slack
from agents.notifications.telegram import Telegram
from agents.notifications.webhook import Webhook
from core.clock import Clock, to_datetime
from core.errors import ConfigError, Unavailable
from core.observability import logger
from core.sealing.envelope import CannotOpen
from core.sealing.keys import master_keys
from core.settings import Settings
from core.store import notifications
from core.store.notifications import ChannelType, Delivery
from core.store.postgres import Engine

_log = logger(__name__)
_AT_ONCE = 8
_CLAIM = timedelta(seconds=90)
"""Longer than any attempt takes."""
_LATER_S = (5, 30, 120, 600, 1_800, 3_600, 7_200, 14_400, 28_800, 28_800)
"""Before the second attempt, the third, ...; after the last the delivery is given up."""


def channels_of(settings: Settings, clock: Clock) -> dict[ChannelType, Channel]:
    """Return the channels that the settings allow: email only where a mail server is set.

    Raises:
        ConfigError: the mail server's URL is none.
    """
    post = Post(allow_private=settings.notify_private_addresses)
    found: dict[ChannelType, Channel] = {
        "webhook": Webhook(post, clock),
        "slack": Slack(post),
        "telegram": Telegram(post, settings.telegram_url),
    }
    if server := settings.smtp_url.get_secret_value():
        found["email"] = Email(server, settings.mail_from)
    return found


@dataclass(slots=True)
class Deliverer:
    """One a process; several processes share the work."""

    settings: Settings
    engine: Engine
    channels: Mapping[ChannelType, Channel]
    clock: Clock

    def deliver(self) -> int:
        """Make one attempt for each delivery that is due; return how many got there.

        Raises:
            Unavailable: Postgres does not answer.
        """
        at = to_datetime(self.clock.now_ms())
        with self.engine.begin() as tx:
            due = notifications.claim(tx, at, put_off=_CLAIM, limit=_AT_ONCE)
        if not due:
            return 0
        with ThreadPoolExecutor(len(due), thread_name_prefix="notify") as pool:
            return sum(pool.map(self._attempt, due))

    def loop(self, stopped: threading.Event, *, every_s: float = 1.0) -> None:
        """Deliver until told to stop."""
        is_failing = False
        while not stopped.is_set():
            try:
                done = self.deliver()
                is_failing = False
            except Unavailable as error:
                done = 0
                if not is_failing:
                    _log.warning("notifications wait", reason=str(error))
                is_failing = True
            except Exception:  # noqa: BLE001 - the outermost of a thread that must go on
                done = 0
                _log.exception("a notification could not be delivered, going on")
            if not done:
                stopped.wait(every_s)

    def _attempt(self, delivery: Delivery) -> bool:
        try:
            channel = self.channels.get(delivery.channel_type)
            if channel is None:
                raise Refused("no mail server is set: TAPEWATCH_SMTP_URL")
            address = notifications.address_of(master_keys(self.settings), delivery)
            answer = channel.send(self._message(delivery), address)
        except Refused as error:
            return self._failed(delivery, str(error))
        except (CannotOpen, ConfigError):
            return self._failed(delivery, "its address cannot be opened; enter it again")
        except Unavailable as error:
            return self._put_off(delivery, str(error))
        with self.engine.begin() as tx:
            notifications.record_delivered(tx, delivery, answer=answer, at=to_datetime(self.clock.now_ms()))
        return True

    def _message(self, delivery: Delivery) -> Message:
        execution_id = delivery.payload.get("execution_id")
        return Message(
            id=delivery.notification_id,
            kind=delivery.kind,
            title=delivery.title,
            body=delivery.body,
            link=f"{self.settings.origin}/executions/{execution_id}" if execution_id else "",
            payload=delivery.payload,
            created_at=delivery.created_at,
        )

    def _failed(self, delivery: Delivery, answer: str) -> bool:
        with self.engine.begin() as tx:
            notifications.record_failed(tx, delivery, answer=answer)
        _log.warning("a notification is given up", channel=str(delivery.channel_id), reason=answer)
        return False

    def _put_off(self, delivery: Delivery, answer: str) -> bool:
        if delivery.attempts >= len(_LATER_S):
            return self._failed(delivery, f"given up after {delivery.attempts + 1} attempts: {answer}")
        next_at = to_datetime(self.clock.now_ms()) + timedelta(seconds=_LATER_S[delivery.attempts])
        with self.engine.begin() as tx:
            notifications.record_put_off(tx, delivery, answer=answer, next_at=next_at)
        return False
