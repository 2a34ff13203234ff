"""The technical trigger: records the firing it made in the stream."""

from __future__ import annotations

from agents.builtin.trigger import TriggerAgent


class TechnicalTrigger(TriggerAgent):
    agent_type = "technical_trigger"
