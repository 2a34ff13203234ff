"""Records of the control topic, understood: which trigger of which pipeline changes how (T31).

The topic's key is the pipeline's id and a pipeline has one trigger. After compaction only the last record of a
pipeline is left, so each record has to make sense alone: `pause` and `resume` carry the definition too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

import msgspec

from core.errors import Malformed
from core.wire.records import TriggerRecord, decode
from dataflows.poll import LogRecord
from engine.condition import TriggerChange, TriggerSpec
from engine.grammar import InvalidTrigger, parse_trigger


@dataclass(frozen=True, slots=True)
class Control:
    """One change, ready to be applied by every partition.

    spec      None where the trigger goes away (`remove`, a tombstone, a definition that cannot be read)
    problems  why the definition cannot be read, empty where it can
    """

    offset: int
    at_ms: int
    pipeline_id: str
    trigger_id: str
    action: str
    spec: TriggerSpec | None = None
    problems: str = ""


class Known(msgspec.Struct, frozen=True):
    """A trigger that a partition's engine has been told of."""

    pipeline_id: str
    trigger_id: str
    version: int
    config_hash: str


def read_control(record: LogRecord) -> Control:
    """Read one record of the control topic.

    A definition that breaks a rule gives a Control with `problems`: its trigger must not go on in an older
    version as if nothing had been said.

    Raises:
        Malformed: no key, bad JSON, a missing field.
    """
    try:
        pipeline_id = (record.key or b"").decode()
    except UnicodeDecodeError:
        raise Malformed("bad_key", repr(record.key)) from None
    if not pipeline_id:
        raise Malformed("bad_key", "a control record without the pipeline's id as key")
    if record.value is None:
        return Control(record.offset, 0, pipeline_id, "", "remove")
    told = decode(record.value, TriggerRecord)
    if told.pipeline_id != pipeline_id or not told.trigger_id.startswith(pipeline_id + "/"):
        raise Malformed("bad_record", f"trigger {told.trigger_id!r} of {told.pipeline_id!r} under key {pipeline_id!r}")
    control = Control(record.offset, told.at_ms, pipeline_id, told.trigger_id, told.action)
    if told.action == "remove":
        return control
    try:
        spec = parse_trigger(
            told.agent_type,
            told.config,
            pipeline_id=pipeline_id,
            node_id=told.trigger_id.removeprefix(pipeline_id + "/"),
            version=told.trigger_version,
            symbols=told.symbols,
            primary_timeframe=told.primary_timeframe,
        )
    except InvalidTrigger as error:
        return replace(control, problems="; ".join(str(problem) for problem in error.problems))
    return replace(control, spec=spec)


class TriggerBook:
    """What one partition's engine has been told, by pipeline; turns controls into changes for it."""

    def __init__(self, known: Iterable[Known] = ()) -> None:
        self._known = {k.pipeline_id: k for k in known}

    def __len__(self) -> int:
        return len(self._known)

    def __contains__(self, trigger_id: object) -> bool:
        known = self._known.get(str(trigger_id).partition("/")[0])
        return known is not None and known.trigger_id == trigger_id

    def known(self) -> list[Known]:
        return list(self._known.values())

    def changes(self, control: Control, is_mine: Callable[[str], bool]) -> list[TriggerChange]:
        """Return what the engine is to be told, and note it as told.

        Args:
            is_mine: Whether a symbol's trades are in this partition; a trigger keeps only such symbols.
        """
        old = self._known.get(control.pipeline_id)
        spec = _own_part(control.spec, is_mine)
        if spec is None:
            if old is None or (control.action == "remove" and control.trigger_id not in ("", old.trigger_id)):
                return []
            del self._known[control.pipeline_id]
            return [TriggerChange("remove", old.trigger_id)]
        if old is not None and old.trigger_id == spec.trigger_id and old.version > spec.version:
            return []  # told again, and overtaken since
        made: list[TriggerChange] = []
        is_same = old is not None and (old.trigger_id, old.version, old.config_hash) == (
            spec.trigger_id,
            spec.version,
            spec.config_hash,
        )
        if old is not None and old.trigger_id != spec.trigger_id:
            made.append(TriggerChange("remove", old.trigger_id))
        if not is_same or control.action == "set":
            made.append(TriggerChange("set", spec.trigger_id, spec))
        if control.action == "pause" or (control.action == "resume" and is_same):
            made.append(TriggerChange("resume" if control.action == "resume" else "pause", spec.trigger_id))
        self._known[control.pipeline_id] = Known(spec.pipeline_id, spec.trigger_id, spec.version, spec.config_hash)
        return made


def _own_part(spec: TriggerSpec | None, is_mine: Callable[[str], bool]) -> TriggerSpec | None:
    if spec is None:
        return None
    symbols = tuple(symbol for symbol in spec.symbols if is_mine(symbol))
    return replace(spec, symbols=symbols) if symbols else None
