"""The news trigger: records the firing it made in the stream."""

from __future__ import annotations

from agents.builtin.trigger import TriggerAgent
from engine.firing import Firing

_LONGEST_HEADLINE = 200


class NewsTrigger(TriggerAgent):
    agent_type = "news_trigger"

    def describe(self, firing: Firing) -> str:
        """Return the headline as quoted data, with its source."""
        item = firing.evidence.news
        if item is None:
            return super().describe(firing)
        # Quoted, on one line and short: a headline is data, and this text is read by models too.
        headline = repr(" ".join(item.headline.split())[:_LONGEST_HEADLINE])
        return f"news: {headline}" + (f" ({' '.join(item.source.split())[:50]})" if item.source else "")
