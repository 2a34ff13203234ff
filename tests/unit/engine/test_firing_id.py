"""A firing's id (T26)."""

from __future__ import annotations

from uuid import uuid5

from hypothesis import given
from hypothesis import strategies as st

from engine.firing import FIRING_NAMESPACE, firing_id


def test_T26_the_example_of_the_contract() -> None:
    trigger_id = "3f0f6c2e-0c0b-4f9e-9d7b-6a8a0d6a3c11/node-1"
    assert firing_id(trigger_id, 4, "AAPL", 1741613523187, 12) == "e9560a69-70fc-5980-b42a-f8f0121792f4"


@given(st.text(), st.integers(1, 99), st.text(), st.integers(0, 1 << 45), st.integers(0, 1 << 20) | st.text())
def test_T26_an_id_is_the_uuid5_of_its_parts(
    trigger: str, version: int, symbol: str, ts_ms: int, seq: int | str
) -> None:
    wanted = str(uuid5(FIRING_NAMESPACE, f"{trigger}|{version}|{symbol}|{ts_ms}|{seq}"))
    assert firing_id(trigger, version, symbol, ts_ms, seq) == wanted
