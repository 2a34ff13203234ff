"""Specs taken apart column by column give the same rows as specs taken apart one by one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

from engine.batches import batches_of
from engine.condition import Group, Leaf, TriggerSpec
from engine.templates import Key
from tests.unit.engine.tape import trigger


def _plain(name: str, **changes: object) -> TriggerSpec:
    """Return one comparison with a number on one symbol, under the name `name/t`."""
    spec = trigger({"operator": ">", "value": 100.0})
    known = {"trigger_id": f"{name}/t", "pipeline_id": name, "config_hash": sha256(name.encode()).hexdigest()}
    return replace(spec, **{**known, **changes})


def _against(spec: TriggerSpec, number: float) -> TriggerSpec:
    assert isinstance(spec.condition, Leaf)
    return replace(spec, condition=replace(spec.condition, right=number))


def _found(specs: Sequence[TriggerSpec]) -> dict[Key, tuple[list[str], bytes, list[int], list[str], list[float]]]:
    keys: dict[Key, int] = {}
    batches = batches_of(specs, lambda key, _: keys.setdefault(key, len(keys)))
    return {
        key: (found.names, bytes(found.hashes), found.counts, found.symbols, found.numbers)
        for key, found in ((key, batches[n]) for key, n in keys.items())
    }


def _one_by_one(specs: Sequence[TriggerSpec]) -> dict[Key, tuple[list[str], bytes, list[int], list[str], list[float]]]:
    """Return the same with a group among them, which no column takes, and then without it."""
    assert specs[0].condition is not None
    group = replace(specs[0], trigger_id="g/g", condition=Group("not", (specs[0].condition,)))
    return {key: found for key, found in _found([*specs, group]).items() if found[0] != ["g/g"]}


def test_what_is_alike_is_one_batch() -> None:
    specs = [_against(_plain(f"p{n}"), 90.0 + n) for n in range(5)]
    assert len(_found(specs)) == 1
    assert _found(specs) == _one_by_one(specs)


def test_columns_of_several_templates_are_told_apart() -> None:
    specs = [
        _plain("p1"), _plain("p2", cooldown_ms=1000), _plain("p3"), _plain("p4", fire="once"),
        _plain("p5", trigger_id="p5/other"), _plain("p6", cooldown_ms=1000),
    ]  # fmt: skip
    assert len(_found(specs)) == 4
    assert _found(specs) == _one_by_one(specs)


def test_a_trigger_whose_name_does_not_begin_with_its_pipelines_keeps_both() -> None:
    for odd in ("other/t", "p2t", "/t", "p2"):
        specs = [_plain("p1"), _plain("p2", trigger_id=odd), _plain("p3")]
        assert _found(specs) == _one_by_one(specs)
        assert {name for names, *_ in _found(specs).values() for name in names} == {"p1/t", odd, "p3/t"}


def test_a_pipeline_without_a_name_is_still_told_from_one_that_is_no_prefix() -> None:
    specs = [_plain("p1"), _plain("", trigger_id="/t"), _plain("p2", trigger_id="/t")]
    assert _found(specs) == _one_by_one(specs)


def test_a_hash_that_is_none_is_kept_as_it_is_written() -> None:
    good = sha256(b"x").hexdigest()
    for odd in ("", "abc", good.upper(), "z" * 64, " " * 2 + good[2:], good + good):
        specs = [_plain("p1"), _plain("p2", config_hash=odd), _plain("p3")]
        assert len(_found(specs)) == 2
        assert _found(specs) == _one_by_one(specs)


def test_whole_numbers_and_second_bounds_are_no_plain_columns() -> None:
    plain = _plain("p1")
    assert isinstance(plain.condition, Leaf)
    for leaf in (replace(plain.condition, right=100), replace(plain.condition, operator="inside", upper=0.0)):
        specs = [plain, _plain("p2", condition=leaf), _plain("p3")]
        assert len(_found(specs)) == 2
        assert _found(specs) == _one_by_one(specs)


def test_a_trigger_on_several_symbols_counts_each_once() -> None:
    specs = [_plain("p1"), _plain("p2", symbols=("A", "B", "A")), _plain("p3")]
    ((names, _, counts, symbols, _),) = _found(specs).values()
    assert names == ["p1/t", "p2/t", "p3/t"]
    assert counts == [1, 2, 1]
    assert symbols[1:3] == ["A", "B"]
