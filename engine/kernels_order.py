"""A batch in the order it is worked through: symbol by symbol, each symbol's trades as they stand in the log."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.compiled import kernel
from engine.layout import EN_CODES, EN_FLAGS, EN_MARK, EN_PRICE, EN_RECV, EN_SIZE, EN_SYMBOL, EN_TS, UNSET


@kernel
def arrange(
    symbol: NDArray[np.int32], ts_ms: NDArray[np.int64], recv_ms: NDArray[np.int64], price: NDArray[np.float64],
    size: NDArray[np.float64], flags: NDArray[np.uint8], codes: NDArray[np.int64], mark_ms: NDArray[np.int64],
    first: int, spots: NDArray[np.int64], ints: NDArray[np.int64], floats: NDArray[np.float64],
    order: NDArray[np.int64], runs: NDArray[np.int64],
) -> tuple[int, int, int]:  # fmt: skip
    """Write trades first .. first+len(order)-1 as entries, grouped by symbol, stable: a state is touched once a batch.

    A counting sort that moves the trades themselves: they are read as they stand, and each is written to one cache
    line. (Looked up through an order they miss the cache once a column and trade.) Large batches take the symbols by
    id: their states lie in that order, and the processor fetches the next one ahead (measured: half the time). Small
    ones take them as they first appear, without a look at all ids.

    Args:
        spots: Shape (symbols,), all zero; zero again on return.
        ints, floats: The entries, shape (at least n, EN_COLUMNS), by two views of one memory; written.
        order: Shape (n,), written: the place of each entry among the trades.
        runs: Shape (n,), written: where each symbol's entries begin.

    Returns:
        How many entries there are, and of how many symbols: trades of those outside of `spots` are left out. And
        the latest time of any.
    """
    end = first + order.shape[0]
    known = spots.shape[0]
    for i in range(first, end):
        if 0 <= symbol[i] < known:
            spots[symbol[i]] += 1
    used = 0
    symbols = 0
    latest = UNSET
    if order.shape[0] >= known // 4:
        for s in range(known):
            count = spots[s]
            if count > 0:
                spots[s] = -1 - used
                runs[symbols] = used
                symbols += 1
                used += count
    for i in range(first, end):
        s = symbol[i]
        if not 0 <= s < known:
            continue
        if spots[s] > 0:  # a count still: here the symbol's run begins; from now on -1 - its next place
            count = spots[s]
            spots[s] = -1 - used
            runs[symbols] = used
            symbols += 1
            used += count
        k = -1 - spots[s]
        spots[s] -= 1
        order[k] = i
        ints[k, EN_SYMBOL] = s
        ints[k, EN_TS] = ts_ms[i]
        latest = max(latest, ts_ms[i])
        ints[k, EN_RECV] = recv_ms[i]
        ints[k, EN_CODES] = codes[i]
        ints[k, EN_MARK] = mark_ms[i]
        ints[k, EN_FLAGS] = flags[i] & 7  # the two highest bits are ours (marks)
        floats[k, EN_PRICE] = price[i]
        floats[k, EN_SIZE] = size[i]
    for i in range(first, end):
        if 0 <= symbol[i] < known:
            spots[symbol[i]] = 0
    return int(used), symbols, latest
