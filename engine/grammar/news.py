"""What a news trigger looks for: keywords, sources, sentiment, age (T34)."""

from __future__ import annotations

from typing import Literal

from engine.condition import NewsMatch
from engine.grammar.fields import Fields
from engine.news_item import words_of
from engine.sentiment import SENTIMENTS

KEYWORD_LISTS = ("all", "any", "none")
MOST_TEXTS = 64
LONGEST_TEXT = 100
_MINUTE_MS = 60_000


def read_news(fields: Fields) -> NewsMatch:
    """Return what the trigger's items must be; unusable parts are reported."""
    sources = _texts(fields, "sources", example='["Reuters"]')
    max_age_ms = fields.milliseconds("max_age_minutes", unit_ms=_MINUTE_MS, default=30 * _MINUTE_MS, above=0)
    sentiment: Literal["", "positive", "negative", "neutral"] = fields.choice("sentiment", SENTIMENTS, "")
    score = fields.integer("sentiment_score", default=1, at_least=1, at_most=1000)
    if fields.has("sentiment_score") and not fields.has("sentiment"):
        fields.add("sentiment_score", "goes with sentiment: positive, negative or neutral")
    every, some, none = _read_match(fields)
    return NewsMatch(every, some, none, sources, max_age_ms, sentiment, score)


def _read_match(fields: Fields) -> tuple[tuple[str, ...], ...]:
    match = fields.child("match", example='{"any": ["guidance"]}')
    if match is None:
        return (), (), ()
    found = tuple(_texts(match, key, example='["guidance"]') for key in KEYWORD_LISTS)
    for key, keywords in zip(KEYWORD_LISTS, found, strict=True):
        for i, keyword in enumerate(keywords):
            if not words_of(keyword):
                match.problems.add(f"{match.at(key)}[{i}]", keyword, "write a word: letters or digits")
    match.finish()
    if not any(match.has(key) for key in KEYWORD_LISTS):
        fields.add("match", "one of all, any, none with words, or leave match out: every item then")
    return found


def _texts(fields: Fields, key: str, *, example: str) -> tuple[str, ...]:
    texts = fields.texts(key, example=example)
    if len(texts) > MOST_TEXTS:
        fields.add(key, f"at most {MOST_TEXTS}")
    for i, text in enumerate(texts):
        if len(text) > LONGEST_TEXT:
            fields.problems.add(f"{fields.at(key)}[{i}]", text, f"at most {LONGEST_TEXT} characters")
    return texts
