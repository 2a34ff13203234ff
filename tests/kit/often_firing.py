"""Pipelines of the sample chain whose triggers fire often, for tests that need many firings in a short time."""

from __future__ import annotations

import json
from pathlib import Path
from typing import cast

from deploy.embedded.environment import CHECKOUT
from tests.kit.platform import Browserless

SYMBOLS = ("BINANCE:BTCUSDT", "BINANCE:ETHUSDT", "BINANCE:SOLUSDT", "BINANCE:BNBUSDT", "BINANCE:XRPUSDT")
_SAMPLE = "examples/sol-every-minute.json"
COOLDOWN_S = 20
"""Of feed time. No less: fifteen firings in three minutes are a storm, and end in a paused pipeline."""


def arm_often_firing(api: Browserless) -> None:
    """Arm one on each symbol: whenever the price has come up through its short mean."""
    sample = cast("dict[str, object]", json.loads(Path(CHECKOUT, _SAMPLE).read_text()))
    del sample["id"]
    nodes = cast("list[dict[str, object]]", sample["nodes"])
    config = {
        "fire": "every_edge", "cooldown_seconds": COOLDOWN_S,
        "all": [{"operand": "price", "operator": "crosses_above", "value": "SMA_3"}],
    }  # fmt: skip
    trigger = {**nodes[0], "agent_type": "technical_trigger", "config": config}
    for symbol in SYMBOLS:
        name = f"Often {symbol.rpartition(':')[2]}"
        made = {
            **sample, "name": name, "symbol": symbol, "primary_timeframe": "1m", "nodes": [trigger, *nodes[1:]],
        }  # fmt: skip
        api.post("/api/v1/pipelines", {"config": made, "state": "active"})
