"""The price trigger: records the firing it made in the stream."""

from __future__ import annotations

from agents.builtin.trigger import TriggerAgent


class PriceTrigger(TriggerAgent):
    agent_type = "price_trigger"
