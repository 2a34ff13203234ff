"""The grammar of triggers: JSON in, TriggerSpec out, or every problem with its path."""

from engine.grammar.fields import Problem
from engine.grammar.trigger import AGENT_TYPES, InvalidTrigger, parse_trigger

__all__ = ["AGENT_TYPES", "InvalidTrigger", "Problem", "parse_trigger"]
