"""News triggers (T34): which items are copies, which are looked for, and what the evidence says of each."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from tests.oracle.facts import Fact
from tests.oracle.records import News

DAY_MS = 86_400_000
GOOD = {"beats", "raises", "growth", "upgrade"}
BAD = {"cuts", "misses", "lawsuit", "weak"}
TURNS = {"no", "without"}
"""Some words of the lists (ADR 0007): texts that are compared use no other of them."""


def words_of(text: str) -> list[str]:
    """Return runs of letters and digits, case-folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return "".join(c if c.isalnum() else " " for c in folded).split()


def page_of(url: str) -> str:
    """Return what names the page: no scheme, `www.`, fragment, closing slash, nor who sent the reader."""
    address = url.partition("://")[2].partition("#")[0]
    path, _, query = address.partition("?")
    kept = sorted(part for part in query.split("&") if part and not part.startswith("utm_"))
    return path.removeprefix("www.").rstrip("/") + ("?" + "&".join(kept) if kept else "")


class Known:
    """Every item of the past, one by one."""

    def __init__(self) -> None:
        self._taken: list[tuple[News, str]] = []

    def take(self, item: News, symbol: str) -> bool:
        """Note an item about a symbol; return whether none of the last day's is the same story."""
        is_new = not any(
            about == symbol and item.recv_ms - old.recv_ms < DAY_MS and _is_same(old, item)
            for old, about in self._taken
        )
        self._taken.append((item, symbol))
        return is_new


def _is_same(one: News, other: News) -> bool:
    pairs = (
        (one.news_id, other.news_id), (page_of(one.url), page_of(other.url)),
        (words_of(one.headline), words_of(other.headline)),
    )  # fmt: skip
    return any(a and a == b for a, b in pairs)


def has(item: News, keyword: str) -> bool:
    """Return whether the words of a keyword stand in headline or summary, one after the other."""
    wanted = words_of(keyword)
    for text in (item.headline, item.summary):
        words = words_of(text)
        if any(words[i : i + len(wanted)] == wanted for i in range(len(words))):
            return True
    return False


def score(item: News) -> int:
    total = 0
    for text in (item.headline, item.summary):
        words = words_of(text)
        for before, word in zip(["", *words], words, strict=False):
            value = 1 if word in GOOD else -1 if word in BAD else 0
            total += -value if before in TURNS else value
    return total


def age_limit_ms(config: dict[str, Any]) -> int:
    return round(config.get("max_age_minutes", 30) * 60_000)


def parts(config: dict[str, Any], item: News) -> list[Fact]:
    """Return one line for each thing that a trigger asks of an item, its age last."""
    return list(_parts(config, item))


def is_wanted(config: dict[str, Any], item: News) -> bool:
    return all(part["result"] for part in parts(config, item) if part["path"] != "max_age_minutes")


def _parts(config: dict[str, Any], item: News) -> Iterator[Fact]:
    match = config.get("match", {})
    for kind in ("all", "any", "none"):
        given: Sequence[str] = match.get(kind, ())
        if given:
            found = [keyword for keyword in given if has(item, keyword)]
            need = {"all": len(given), "any": 1, "none": 0}[kind]
            said = f"contains_{kind} of {', '.join(map(repr, given))}"
            result = not found if kind == "none" else len(found) >= need
            yield _line(f"match.{kind}", said, f"found {', '.join(map(repr, found)) or 'none'}", len(found), need,
                        result=result)  # fmt: skip
    if config.get("sources"):
        names = config["sources"]
        is_one = words_of(item.source) in [words_of(name) for name in names]
        yield _line("sources", f"one of {', '.join(names)}", f"source {item.source!r}", int(is_one), 1, result=is_one)
    if config.get("sentiment"):
        side, least = config["sentiment"], config.get("sentiment_score", 1)
        bound = {"positive": least, "negative": -least, "neutral": 0}[side]
        found_score = score(item)
        fits = {"positive": found_score >= least, "negative": found_score <= -least}
        yield _line("sentiment", side, "positive less negative words", found_score, bound,
                    result=fits.get(side, abs(found_score) < least))  # fmt: skip
    age, limit = item.recv_ms - item.published_ms, age_limit_ms(config)
    yield _line("max_age_minutes", "<=", "age_ms", age, limit, result=age <= limit)


def _line(path: str, operator: str, left: str, now: int, right: int, *, result: bool) -> Fact:
    bound = float(right)
    return {
        "path": path,
        "operator": operator,
        "left": {"operand": left, "before": None, "now": float(now), "candle": None},
        "right": {"operand": repr(bound), "before": bound, "now": bound, "candle": None},
        "upper": None,
        "result": result,
    }
