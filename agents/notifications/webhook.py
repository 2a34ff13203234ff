"""A signed webhook, by the Standard Webhooks specification (standardwebhooks.com).

`webhook-id`, `webhook-timestamp` (seconds) and `webhook-signature`: `v1,` and the base64 of HMAC-SHA256 over
`id.timestamp.body`. The receiver checks it with any library of that specification, and drops ids it has seen.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets

import msgspec

from agents.notifications.http import Post, check_url
from agents.notifications.message import Message, Refused
from core.clock import Clock

_PREFIX = "whsec_"


class WebhookAddress(msgspec.Struct, frozen=True):
    """`secret`: `whsec_` and base64 of 24 to 64 bytes; the user is shown it once."""

    url: str
    secret: str


def new_secret() -> str:
    return _PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def encode_address(url: str, secret: str) -> str:
    """Raises: Refused: not an http URL."""
    check_url(url)
    return msgspec.json.encode(WebhookAddress(url, secret)).decode()


class Webhook:
    def __init__(self, post: Post, clock: Clock) -> None:
        self._post = post
        self._clock = clock

    def send(self, message: Message, address: str) -> str:
        try:
            to = msgspec.json.decode(address, type=WebhookAddress)
        except msgspec.MsgspecError:
            raise Refused("the address is not of a webhook") from None
        body = msgspec.json.encode(
            {
                "type": f"notification.{message.kind}",
                "timestamp": message.created_at,
                "data": {
                    "id": message.id,
                    "title": message.title,
                    "body": message.body,
                    "link": message.link,
                    **message.payload,
                },
            }
        )
        stamp = str(self._clock.now_ms() // 1000)
        headers = {
            "webhook-id": str(message.id),
            "webhook-timestamp": stamp,
            "webhook-signature": "v1," + signature(to.secret, str(message.id), stamp, body),
        }
        return self._post(to.url, body, headers)


def signature(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    """Raises: Refused: the secret is not one of a webhook."""
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise Refused("the secret is not base64") from None
    signed = f"{message_id}.{stamp}.".encode() + body
    return base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
