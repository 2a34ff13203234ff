"""A news item, and what makes two of them the same story (T34)."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit

_WORD = re.compile(r"[^\W_]+")
_LONGEST_TEXT = 20_000
_TRACKING = re.compile(r"utm_.*|fbclid|gclid|mc_[a-z]+|ref|ref_src|cmpid|guccounter|soc_(?:src|trk)|\.tsrc")
_PORTS = {"http": ":80", "https": ":443"}


@dataclass(frozen=True, slots=True)
class NewsItem:
    """One item as it was received. Its text is data, never an instruction.

    news_id       the feed's own id; it is the `seq` of firings
    symbols       what the item is about, as our symbols
    published_ms  publication by the feed, recv_ms our receipt: epoch milliseconds UTC
    """

    news_id: str
    symbols: tuple[str, ...]
    published_ms: int
    recv_ms: int
    headline: str
    summary: str = ""
    source: str = ""
    url: str = ""


def words_of(text: str) -> tuple[str, ...]:
    """Return the words of a text: runs of letters and digits, case-folded, compatible forms made one.

    "S&P" is two words, "Acme's" is "acme" and "s"; what is between words does not count.
    """
    folded = unicodedata.normalize("NFKC", text[:_LONGEST_TEXT]).casefold()
    return tuple(_WORD.findall(folded))


def source_of(name: str) -> str:
    """Return a source's name as it is compared: "Reuters" and " REUTERS " are one."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def normal_url(url: str) -> str:
    """Return the part of a URL that names the page, "" where there is none.

    Without scheme, `www.`, default port, fragment, closing slash and what only says where a reader came from;
    the rest of the query sorted. Two addresses of one page are one text.
    """
    try:
        parts = urlsplit(url.strip())
        host = (parts.hostname or "").removeprefix("www.")
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return ""
    if not host:
        return ""
    kept = sorted((k, v) for k, v in parse_qsl(parts.query, keep_blank_values=True) if not _TRACKING.fullmatch(k))
    query = f"?{urlencode(kept)}" if kept else ""
    return host + (port if port != _PORTS.get(parts.scheme, "") else "") + parts.path.rstrip("/") + query


def marks_of(item: NewsItem, symbol: str) -> tuple[int, ...]:
    """Return what an item about a symbol is known by: hashes of id, URL and headline, those that it has."""
    named = (("id", item.news_id), ("url", normal_url(item.url)), ("headline", " ".join(words_of(item.headline))))
    return tuple(_hash(f"{kind}\0{text}\0{symbol}") for kind, text in named if text)


def _hash(text: str) -> int:
    # A lone surrogate, which JSON can hold, has no UTF-8: it is hashed by its escape.
    data = text.encode("utf-8", "backslashreplace")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "little", signed=True)
