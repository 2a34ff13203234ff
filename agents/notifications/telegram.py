"""Telegram by a bot: the address is `BOT_TOKEN/CHAT_ID`; text is sent plain, so that nothing in it is markup."""

from __future__ import annotations

import msgspec

from agents.notifications.http import Post
from agents.notifications.message import Message, Refused

API_URL = "https://api.telegram.org"
_MOST_CHARACTERS = 4_096


class Telegram:
    """`api_url`: of the bot API, or of a server of one's own (telegram-bot-api)."""

    def __init__(self, post: Post, api_url: str = API_URL) -> None:
        self._post = post
        self._api_url = api_url

    def send(self, message: Message, address: str) -> str:
        token, _, chat = address.rpartition("/")
        if not token or not chat:
            raise Refused("the address is not BOT_TOKEN/CHAT_ID")
        text = "\n".join(part for part in (message.title, message.body, message.link) if part)
        body = {"chat_id": chat, "text": text[:_MOST_CHARACTERS], "link_preview_options": {"is_disabled": True}}
        return self._post(f"{self._api_url}/bot{token}/sendMessage", msgspec.json.encode(body))
