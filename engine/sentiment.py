"""How a news text sounds, by counting words of two lists. Crude, and the same for everyone, live and in replay.

The lists are ours: words that companies' news uses with one meaning. A word after "no", "not", "without" or
"denies" counts for the other side. Changing a list changes what fires: it is a new engine version.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Sentiment = Literal["positive", "negative", "neutral"]
SENTIMENTS: tuple[Sentiment, ...] = ("positive", "negative", "neutral")

_POSITIVE = """
accelerate accelerates accelerated approval approve approves approved award awarded awards beat beats beating
boost boosts boosted breakthrough bullish buyback buybacks climb climbs climbed exceed exceeds exceeded expand
expands expanded expansion gain gains gained grow grows growing growth grew improve improves improved
improvement jump jumps jumped outperform outperforms outperformed profit profits profitable profitability
raise raises raised rally rallies rallied rebound rebounds rebounded record recover recovers recovered
recovery rise rises rising rose soar soars soared strong stronger strength succeed succeeds success successful
surge surges surged surpass surpasses surpassed top tops topped upbeat upgrade upgrades upgraded win wins won
"""
_NEGATIVE = """
accuse accuses accused bankrupt bankruptcy bearish breach breached breaches cancel cancels canceled cancelled
charges crash crashes crashed cut cuts cutting decline declines declined declining default defaults defaulted
deficit delay delays delayed delist delisted delisting disappoint disappoints disappointed disappointing
downbeat downgrade downgrades downgraded drop drops dropped fail fails failed failing failure fall falls
falling fell fine fined fines fraud halt halts halted hack hacked investigate investigates investigated
investigation lawsuit lawsuits layoff layoffs liquidation lose loses losing loss losses lost miss misses missed
missing penalty plunge plunges plunged probe probes recall recalls recalled reject rejects rejected resign
resigns resigned restate restates restated scandal shortfall shutdown slash slashes slashed slide slides slid
slump slumps slumped sue sues sued suspend suspends suspended tumble tumbles tumbled underperform
underperforms underperformed violation violations warn warns warned warning weak weaker weakness worse worst
"""
POSITIVE = frozenset(_POSITIVE.split())
NEGATIVE = frozenset(_NEGATIVE.split())
_TURNING = frozenset(("no", "not", "never", "without", "denies", "denied", "deny", "avoids", "avoid", "avoided"))


def score(words: Sequence[str]) -> int:
    """Return positive words less negative ones, of case-folded words in their order."""
    total = 0
    before = ""
    for word in words:
        value = (word in POSITIVE) - (word in NEGATIVE)
        total += -value if before in _TURNING else value
        before = word
    return total


def sentiment(words: Sequence[str]) -> Sentiment:
    """Return `positive` above 0, `negative` below, `neutral` else."""
    found = score(words)
    return "positive" if found > 0 else "negative" if found < 0 else "neutral"
