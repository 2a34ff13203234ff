"""The engine does what the contract says: what an oracle written from its text finds, the engine finds too."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from tests.properties.engine.cases import Case, case, cases
from tests.properties.engine.checks import Check, offline_differs, order_differs, parts_differ, stream_differs
from tests.properties.engine.dice import SeededDice
from tests.properties.engine.soak import shrunk

MANY = settings(
    max_examples=150, deadline=None, derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)  # fmt: skip
SEEDS = 1_000
"""Of each kind, in every run; `make soak-engine` goes on from there."""


def assert_same(case: Case, found: list[str]) -> None:
    if found:
        note(f"{case}\n" + "\n".join(found[:8]))
    assert not found, found[0]


@MANY
@given(cases())
def test_the_live_engine_finds_what_the_oracle_finds(case: Case) -> None:
    assert_same(case, stream_differs(case))


@MANY
@given(cases(), st.integers(1, 5), st.integers(0, 9))
def test_batches_and_restored_snapshots_change_nothing(case: Case, batch: int, restore_every: int) -> None:
    assert_same(case, parts_differ(case, batch=batch, restore_every=restore_every))


@MANY
@given(cases(is_offline=True))
def test_an_offline_tape_is_played_as_if_marks_stood_in_it(case: Case) -> None:
    assert_same(case, offline_differs(case))


@pytest.mark.parametrize(
    ("check", "is_offline"),
    [(stream_differs, False), (parts_differ, False), (order_differs, False), (offline_differs, True)],
)
def test_a_thousand_longer_tapes_agree(check: Check, is_offline: bool) -> None:
    for seed in range(SEEDS):
        made = case(SeededDice(seed), most=120, is_offline=is_offline)
        if found := check(made):
            small = shrunk(made, check)
            pytest.fail(f"seed {seed}: {found[0]}\n{small}\n" + "\n".join(check(small)[:8]))
