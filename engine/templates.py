"""Specs that differ in a few values only, kept as one pattern and these values.

Of a hundred thousand alerts most are the same but for their symbol and a number. What two specs have in common is
a Template; what is left of each is its trigger id, its symbols, its numbers, and the hash of its config.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import repeat
from operator import attrgetter

from engine.condition import Condition, Group, Leaf, Operand, TriggerSpec

Key = tuple[object, ...]
HASH_BYTES = 32
_static = attrgetter(
    "version", "kind", "timeframe", "evaluate", "fire", "session", "cooldown_ms", "max_firings_per_session",
    "max_firings", "hold", "rearm", "valid_from_ms", "valid_until_ms", "after_gap", "require_stable",
)  # fmt: skip
_of_leaf = attrgetter("path", "operator", "timeframe", "hysteresis", "within_candles", "candles")
_of_operand = attrgetter("name", "params", "output", "timeframe")
_left = attrgetter("left")


@dataclass(frozen=True, slots=True)
class Template:
    """A spec without what differs: numbers that leaves compare with are 0.0 here.

    tail   how many of the last characters of a trigger id are not its pipeline's; 0: the pattern has the pipeline id
    """

    pattern: TriggerSpec
    condition: Condition
    leaves: tuple[Leaf, ...]
    tail: int

    def filled(
        self, trigger_id: str, symbols: tuple[str, ...], numbers: Sequence[float], config_hash: str
    ) -> TriggerSpec:
        """Return the spec that was taken apart."""
        return replace(
            self.pattern,
            trigger_id=trigger_id,
            pipeline_id=trigger_id[: -self.tail] if self.tail else self.pattern.pipeline_id,
            symbols=symbols,
            config_hash=self.pattern.config_hash or config_hash,
            condition=_filled(self.condition, iter(numbers)),
        )


def key_of(spec: TriggerSpec, condition: Condition, numbers: list[float]) -> Key:
    """Return what specs of one template have in common; append the numbers that differ.

    The order of the numbers is that of the leaves, `right` before `upper`.
    """
    trigger_id, pipeline_id = spec.trigger_id, spec.pipeline_id
    at = len(pipeline_id)
    is_prefix = trigger_id.startswith(pipeline_id) and trigger_id[at : at + 1] == "/"
    return (
        _static(spec),
        len(trigger_id) - at if is_prefix else pipeline_id,
        None if is_hash(spec.config_hash) else spec.config_hash,
        _condition_key(condition, numbers),
    )


def plain_keys(specs: Sequence[TriggerSpec], leaves: Sequence[Leaf], tails: Sequence[int]) -> list[Key]:
    """Return what `key_of` does of specs whose condition is a leaf against a number and whose hash is one.

    It is one key only where all have the same: to compare them is faster than to hash them.

    Args:
        leaves: The condition of each.
        tails: How long each trigger id is behind that of its pipeline, slash included.
    """
    common, of_leaf = list(map(_static, specs)), list(map(_of_leaf, leaves))
    of_left = list(map(_of_operand, map(_left, leaves)))
    if all(map(_is_one, (common, tails, of_leaf, of_left))):
        return [(common[0], tails[0], None, (of_leaf[0], of_left[0], None, None))]
    of_condition = zip(of_leaf, of_left, repeat(None), repeat(None))
    return list(zip(common, tails, repeat(None), of_condition))


def _is_one(column: Sequence[object]) -> bool:
    return column.count(column[0]) == len(column)


def template_of(spec: TriggerSpec, condition: Condition) -> Template:
    trigger_id, pipeline_id = spec.trigger_id, spec.pipeline_id
    is_prefix = trigger_id.startswith(pipeline_id + "/")
    pattern = _blanked(condition)
    return Template(
        pattern=replace(
            spec,
            trigger_id="",
            pipeline_id="" if is_prefix else pipeline_id,
            symbols=(),
            config_hash="" if is_hash(spec.config_hash) else spec.config_hash,
            condition=pattern,
        ),
        condition=pattern,
        leaves=tuple(leaves_of(pattern)),
        tail=len(trigger_id) - len(pipeline_id) if is_prefix else 0,
    )


def is_hash(text: str) -> bool:
    """Whether it is a sha256 in small hex, which takes half of its characters in bytes."""
    return len(text) == 2 * HASH_BYTES and not text.strip("0123456789abcdef")


def leaves_of(condition: Condition) -> Iterator[Leaf]:
    """Yield the leaves in the order of the program."""
    if isinstance(condition, Leaf):
        yield condition
    else:
        for child in condition.children:
            yield from leaves_of(child)


def _condition_key(condition: Condition, numbers: list[float]) -> Key:
    if isinstance(condition, Group):
        return (condition.kind, *[_condition_key(child, numbers) for child in condition.children])
    right, upper = condition.right, condition.upper
    if upper is None and type(right) is float:  # nearly all of them
        numbers.append(right)
        return _of_leaf(condition), _of_operand(condition.left), None, None
    return (
        _of_leaf(condition),
        _of_operand(condition.left),
        _side_key(right, numbers),
        None if upper is None else (_side_key(upper, numbers),),
    )


def _side_key(side: Operand | float, numbers: list[float]) -> object:
    if isinstance(side, Operand):
        return _of_operand(side)
    if isinstance(side, float):
        numbers.append(side)
        return None
    return (side,)  # an int stays one: evidence shows what was written


def _blanked(condition: Condition) -> Condition:
    if isinstance(condition, Group):
        return Group(condition.kind, tuple(_blanked(child) for child in condition.children))
    right = 0.0 if isinstance(condition.right, float) else condition.right
    upper = 0.0 if isinstance(condition.upper, float) else condition.upper
    return replace(condition, right=right, upper=upper)


def _filled(condition: Condition, numbers: Iterator[float]) -> Condition:
    if isinstance(condition, Group):
        return Group(condition.kind, tuple(_filled(child, numbers) for child in condition.children))
    right = next(numbers) if isinstance(condition.right, float) else condition.right
    upper = next(numbers) if isinstance(condition.upper, float) else condition.upper
    return replace(condition, right=right, upper=upper)
