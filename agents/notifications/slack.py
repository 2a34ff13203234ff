"""Slack by an incoming webhook: the address is the hook's URL, which is a secret."""

from __future__ import annotations

import msgspec

from agents.notifications.http import Post
from agents.notifications.message import Message


class Slack:
    def __init__(self, post: Post) -> None:
        self._post = post

    def send(self, message: Message, address: str) -> str:
        text = f"*{escaped(message.title)}*\n{escaped(message.body)}".strip()
        if message.link:
            text += f"\n<{message.link}|open>"
        return self._post(address, msgspec.json.encode({"text": text}))


def escaped(text: str) -> str:
    """Escape what Slack reads as a control: `&`, `<`, `>` (api.slack.com, formatting). Foreign text mentions nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
