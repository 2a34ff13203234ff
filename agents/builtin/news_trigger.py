"""The news trigger: records the firing it made in the stream."""

from __future__ import annotations

from agents.builtin.trigger import TriggerAgent


class NewsTrigger(TriggerAgent):
    agent_type = "news_trigger"
