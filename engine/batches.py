"""Many specs taken apart at once, column by column: what a loop would do spec by spec, `map` does in C.

Nearly all triggers of a large set compare one value with a number. Those go by columns, the others one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from operator import attrgetter, eq

from engine.condition import Leaf, TriggerSpec
from engine.templates import HASH_BYTES, Key, is_hash, key_of, plain_keys

_PIECE = 2048
"""Specs looked at together: few enough that each is still in the cache when its next column is read."""
_name, _pipeline, _hash = attrgetter("trigger_id"), attrgetter("pipeline_id"), attrgetter("config_hash")
_symbols, _condition = attrgetter("symbols"), attrgetter("condition")
_right, _upper = attrgetter("right"), attrgetter("upper")
TemplateOf = Callable[[Key, TriggerSpec], int]
"""Gives the number of the template of a key, made of a spec where it is new."""


@dataclass(slots=True)
class Batch:
    """Triggers of one template that are put in force together.

    hashes   config hashes as bytes, one after another; empty where the template has them
    counts   on how many symbols each is; `symbols` are those of all
    numbers  those of all, as many of each as the template has
    """

    names: list[str] = field(default_factory=list[str])
    hashes: bytearray = field(default_factory=bytearray)
    counts: list[int] = field(default_factory=list[int])
    symbols: list[str] = field(default_factory=list[str])
    numbers: list[float] = field(default_factory=list[float])


def batches_of(specs: Sequence[TriggerSpec], template_of: TemplateOf) -> dict[int, Batch]:
    """Return specs, all of which have a condition, by the number of their template."""
    found: dict[int, Batch] = {}
    for begin in range(0, len(specs), _PIECE):
        piece = specs[begin : begin + _PIECE]
        if not _take_columns(piece, template_of, found):
            for spec in piece:
                _take(spec, template_of, found)
    return found


def _take(spec: TriggerSpec, template_of: TemplateOf, found: dict[int, Batch]) -> None:
    if spec.condition is None:
        raise ValueError(f"{spec.trigger_id!r} has no condition")
    numbers: list[float] = []
    batch = _batch(found, template_of(key_of(spec, spec.condition, numbers), spec))
    symbols = spec.symbols if len(spec.symbols) == 1 else tuple(dict.fromkeys(spec.symbols))
    batch.names.append(spec.trigger_id)
    if is_hash(spec.config_hash):
        batch.hashes += bytes.fromhex(spec.config_hash)
    batch.counts.append(len(symbols))
    batch.symbols += symbols
    batch.numbers += numbers


def _take_columns(specs: Sequence[TriggerSpec], template_of: TemplateOf, found: dict[int, Batch]) -> bool:
    """Take specs on one symbol each that compare a value with a number; take none and return False if one does not."""
    leaves = list(map(_condition, specs))
    if set(map(type, leaves)) != {Leaf}:
        return False
    numbers, symbols = list(map(_right, leaves)), list(map(_symbols, specs))
    if set(map(type, numbers)) != {float} or set(map(_upper, leaves)) != {None} or set(map(len, symbols)) != {1}:
        return False
    names, digits = list(map(_name, specs)), list(map(_hash, specs))
    tails = list(map(str.removeprefix, names, map(_pipeline, specs)))
    hashes = _bytes_of(digits)
    if not hashes or any(map(eq, tails, names)) or any(not tail.startswith("/") for tail in set(tails)):
        return False
    keys = plain_keys(specs, leaves, list(map(len, tails)))
    if len(keys) == 1:
        batch = _batch(found, template_of(keys[0], specs[0]))
        batch.names += names
        batch.hashes += hashes
        batch.counts += [1] * len(specs)
        batch.symbols += [symbol for (symbol,) in symbols]
        batch.numbers += numbers
        return True
    for n, (key, spec) in enumerate(zip(keys, specs, strict=True)):
        batch = _batch(found, template_of(key, spec))
        batch.names.append(names[n])
        batch.hashes += hashes[n * HASH_BYTES : (n + 1) * HASH_BYTES]
        batch.counts.append(1)
        batch.symbols += symbols[n]
        batch.numbers.append(numbers[n])
    return True


def _batch(found: dict[int, Batch], template: int) -> Batch:
    batch = found.get(template)
    if batch is None:
        batch = found[template] = Batch()
    return batch


def _bytes_of(hashes: Sequence[str]) -> bytes:
    """Return hashes as bytes, one after another; nothing where one is not a sha256 in small hex."""
    if set(map(len, hashes)) != {2 * HASH_BYTES}:
        return b""
    digits = "".join(hashes)
    try:
        packed = bytes.fromhex(digits)
    except ValueError:
        return b""
    return packed if packed.hex() == digits else b""
