"""Nanoseconds a trade to encode and to decode a frame of topic `trades`, by trades a frame.

python -m benchmarks.micro.codec [--json]
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Sequence

import numpy as np

from core.wire.trades import TradeFrame, decode, encode_trades
from engine.trades import ALL_FLAGS

_SIZES = (1, 10, 100, 1_000, 10_000)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.micro.codec")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    rows: list[dict[str, float]] = []
    for n in _SIZES:
        frame = _frame(n)
        data = encode_trades(frame)
        assert len(decode(data)) == n  # pyright: ignore[reportArgumentType]
        rows.append(
            {
                "trades": n,
                "bytes_a_trade": round(len(data) / n, 1),
                "encode_ns_a_trade": round(_ns(lambda f=frame: encode_trades(f)) / n, 2),
                "decode_ns_a_trade": round(_ns(lambda d=data: decode(d)) / n, 2),
            }
        )
    for row in rows:
        print(json.dumps(row) if asked.json else "  ".join(f"{k} {v:>9}" for k, v in row.items()))
    return 0


def _frame(n: int) -> TradeFrame:
    chance = np.random.default_rng(1)
    symbols = tuple(f"SYM{i}" for i in range(min(n, 50)))
    times = np.arange(n, dtype=np.int64) + 1_763_856_000_000
    return TradeFrame(
        symbols,
        chance.integers(0, len(symbols), n).astype(np.uint16),
        times,
        times,
        chance.random(n),
        chance.random(n),
        np.full(n, ALL_FLAGS, np.uint8),
        np.zeros(n, np.uint64),
    )


def _ns(call: Callable[[], object]) -> float:
    """Return the fastest of five runs, each long enough to be measured."""
    times = 1
    while _once(call, times) < 0.02:
        times *= 2
    return min(_once(call, times) for _ in range(5)) / times * 1e9


def _once(call: Callable[[], object], times: int) -> float:
    begun = time.perf_counter()
    for _ in range(times):
        call()
    return time.perf_counter() - begun


if __name__ == "__main__":
    sys.exit(main())
