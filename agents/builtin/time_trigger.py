"""The time trigger: records the moment that came."""

from __future__ import annotations

from agents.builtin.trigger import TriggerAgent
from core.clock import to_datetime
from engine.firing import Firing


class TimeTrigger(TriggerAgent):
    agent_type = "time_trigger"

    def describe(self, firing: Firing) -> str:
        if firing.kind == "manual":
            return super().describe(firing)
        return f"it was {to_datetime(firing.decided_ms):%Y-%m-%d %H:%M:%S} UTC"
