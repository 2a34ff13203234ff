"""Whether an item is what a news trigger looks for, part by part (T34)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from engine.condition import NewsMatch
from engine.firing import LeafEvidence, Side
from engine.news_item import NewsItem, source_of, words_of
from engine.sentiment import score

_LIMIT = " \0 "
"""Between headline and summary: no phrase reaches from one into the other."""


class NewsText:
    """An item's words, made once for all triggers that look at it."""

    def __init__(self, item: NewsItem) -> None:
        headline, summary = words_of(item.headline), words_of(item.summary)
        self.joined = f" {' '.join(headline)}{_LIMIT}{' '.join(summary)} "
        self.score = score(headline) + score(summary)
        self.source = source_of(item.source)

    def has(self, phrase: str) -> bool:
        """Return whether the words of a phrase stand in the text, whole and one after the other."""
        return f" {phrase} " in self.joined


@dataclass(frozen=True, slots=True)
class NewsQuery:
    """A NewsMatch made ready: keywords as words of `words_of`, joined by one space."""

    match: NewsMatch
    all: tuple[str, ...]
    any: tuple[str, ...]
    none: tuple[str, ...]
    sources: frozenset[str]

    @classmethod
    def of(cls, match: NewsMatch) -> NewsQuery:
        every, some, none = (tuple(phrases(words)) for words in (match.all, match.any, match.none))
        return cls(match, every, some, none, frozenset(source_of(name) for name in match.sources))

    def takes(self, text: NewsText) -> bool:
        """Return whether the item is one of those looked for, whatever its age."""
        return (
            all(map(text.has, self.all))
            and (not self.any or any(map(text.has, self.any)))
            and not any(map(text.has, self.none))
            and (not self.sources or text.source in self.sources)
            and is_of_sentiment(self.match, text.score)
        )

    def evidence(self, item: NewsItem, text: NewsText) -> tuple[LeafEvidence, ...]:
        """Return one line for each part of the match, with the words that were found; age last."""
        return tuple(self._parts(item, text))

    def _parts(self, item: NewsItem, text: NewsText) -> Iterator[LeafEvidence]:
        match = self.match
        for kind, given, wanted in (("all", match.all, self.all), ("any", match.any, self.any),
                                    ("none", match.none, self.none)):  # fmt: skip
            if wanted:
                found = [word for word, phrase in zip(given, wanted, strict=True) if text.has(phrase)]
                need = {"all": len(wanted), "any": 1, "none": 0}[kind]
                result = not found if kind == "none" else len(found) >= need
                said = f"contains_{kind} of {', '.join(map(repr, given))}"
                yield _line(f"match.{kind}", said, f"found {', '.join(map(repr, found)) or 'none'}", len(found), need,
                            result=result)  # fmt: skip
        if self.sources:
            is_one = text.source in self.sources
            yield _line("sources", f"one of {', '.join(match.sources)}", f"source {item.source!r}", int(is_one), 1,
                        result=is_one)  # fmt: skip
        if match.sentiment:
            yield _line("sentiment", match.sentiment, "positive less negative words", text.score,
                        0 if match.sentiment == "neutral" else match.min_score if match.sentiment == "positive"
                        else -match.min_score, result=is_of_sentiment(match, text.score))  # fmt: skip
        age_ms = item.recv_ms - item.published_ms
        yield _line("max_age_minutes", "<=", "age_ms", age_ms, match.max_age_ms, result=age_ms <= match.max_age_ms)


def phrases(keywords: Iterable[str]) -> Iterator[str]:
    """Yield each keyword as it is looked for; one without a letter or digit is ""."""
    for keyword in keywords:
        yield " ".join(words_of(keyword))


def is_of_sentiment(wanted: NewsMatch, found: int) -> bool:
    """Return whether a score fits: at least `min_score` of the side asked for; neutral is below it on both."""
    match wanted.sentiment:
        case "positive":
            return found >= wanted.min_score
        case "negative":
            return found <= -wanted.min_score
        case "neutral":
            return abs(found) < wanted.min_score
        case _:
            return True


def _line(path: str, operator: str, left: str, now: int, right: int, *, result: bool) -> LeafEvidence:
    sides = Side(left, None, float(now)), Side(repr(float(right)), float(right), float(right))
    return LeafEvidence(path, operator, *sides, None, result)
