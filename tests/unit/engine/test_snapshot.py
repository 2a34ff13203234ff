"""Snapshots that are damaged, of another version, or of another set-up are refused (T30)."""

from __future__ import annotations

import pytest

from engine.engine import Engine, EngineConfig
from engine.snapshot import InvalidSnapshot, plain_to_spec, spec_to_plain
from tests.unit.engine.tape import player, price, trigger

CONFIG = EngineConfig(is_offline=True)


def _bytes() -> bytes:
    p = player(trigger(price(">", 100, hold={"seconds": 60})))
    return p.prints(("10:00:05", 99), ("10:00:20", 101)).engine.snapshot()


@pytest.mark.parametrize("cut", [0, 3, 10, 25, -1])
def test_a_snapshot_cut_short_is_refused(cut: int) -> None:
    with pytest.raises(InvalidSnapshot):
        Engine.restore(_bytes()[:cut], CONFIG)


def test_a_flipped_bit_is_refused() -> None:
    data = bytearray(_bytes())
    data[len(data) // 2] ^= 1
    with pytest.raises(InvalidSnapshot, match="checksum"):
        Engine.restore(bytes(data), CONFIG)


def test_another_version_is_refused() -> None:
    data = bytearray(_bytes())
    data[4] = 99
    with pytest.raises(InvalidSnapshot, match="version 99"):
        Engine.restore(bytes(data), CONFIG)


def test_another_grace_is_refused() -> None:
    with pytest.raises(InvalidSnapshot, match="close_grace_ms"):
        Engine.restore(_bytes(), EngineConfig(is_offline=True, close_grace_ms=5))


def test_restoring_what_was_restored_gives_the_same_bytes() -> None:
    data = _bytes()
    assert Engine.restore(data, CONFIG).snapshot() == data


@pytest.mark.parametrize(
    ("agent_type", "config"),
    [
        ("price_trigger", {"operator": "inside", "value": [1, 2], "hold": {"trades": 2}}),
        (
            "technical_trigger",
            {
                "any": [
                    {"not": {"indicator": "RSI", "operator": ">", "value": "SMA_2"}},
                    {"indicator": "MACD", "signal": "bullish_crossover"},
                ]
            },
        ),
        ("time_trigger", {"schedule": {"type": "market_hours", "market": "US", "event": "open", "offset_minutes": 5}}),
        ("time_trigger", {"schedule": {"type": "cron", "expression": "* * * * *", "timezone": "UTC"}}),
        (
            "time_trigger",
            {"schedule": {"type": "specific_time", "time": "09:45", "timezone": "America/New_York", "days": ["mon"]}},
        ),
        ("news_trigger", {"match": {"any": ["merger"]}}),
    ],
)  # fmt: skip
def test_a_trigger_survives_being_written_and_read(agent_type: str, config: dict[str, object]) -> None:
    spec = trigger(config, agent_type=agent_type)
    assert plain_to_spec(spec_to_plain(spec)) == spec
