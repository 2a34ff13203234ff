"""The engine's input: trades as packed columns, in log order."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

SETS_LAST = 1
SETS_HIGH_LOW = 2
COUNTS_VOLUME = 4
ALL_FLAGS = SETS_LAST | SETS_HIGH_LOW | COUNTS_VOLUME
UNKNOWN_CODE_BIT = np.uint64(1 << 63)


@dataclass(frozen=True, slots=True)
class Trades:
    """A batch of trades of any symbols, in log order; all columns have one length.

    symbol   int32    the engine's id of the symbol (`Engine.symbol_id`)
    ts_ms    int64    exchange time, epoch milliseconds UTC
    recv_ms  int64    receipt time, epoch milliseconds UTC (0 = not known, offline)
    price    float64  nearest double of the decimal received
    size     float64  shares, coins; 0 is legal
    flags    uint8    SETS_LAST | SETS_HIGH_LOW | COUNTS_VOLUME (T15)
    codes    uint64   bit n = trade condition code n; bit 63 = some unknown code; 0 = none
    """

    symbol: NDArray[np.int32]
    ts_ms: NDArray[np.int64]
    recv_ms: NDArray[np.int64]
    price: NDArray[np.float64]
    size: NDArray[np.float64]
    flags: NDArray[np.uint8]
    codes: NDArray[np.uint64]

    def __len__(self) -> int:
        return len(self.ts_ms)
