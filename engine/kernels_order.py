"""A batch in the order it is worked through: symbol by symbol, each symbol's trades as they stand in the log."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from engine.compiled import kernel


@kernel
def group(symbol: NDArray[np.int32], spots: NDArray[np.int64], order: NDArray[np.int64]) -> int:
    """Write the places of the batch grouped by symbol, stable, so that a symbol's state is touched once a batch.

    A counting sort. Large batches take the symbols by id: their states lie in that order, and the processor fetches
    the next one ahead (measured: half the time). Small ones take them as they first appear, without a look at all ids.

    Args:
        symbol: Ids, shape (n,).
        spots: Shape (symbols,), all zero; zero again on return.
        order: Shape (n,), written.

    Returns:
        The place of the first id outside of `spots` (nothing was written then), -1 where all are known.
    """
    n = symbol.shape[0]
    for i in range(n):
        if symbol[i] < 0 or symbol[i] >= spots.shape[0]:
            return i
    for i in range(n):
        spots[symbol[i]] += 1
    used = 0
    if n >= spots.shape[0] // 4:
        for s in range(spots.shape[0]):
            count = spots[s]
            if count > 0:
                spots[s] = -1 - used
                used += count
    for i in range(n):
        s = symbol[i]
        if spots[s] > 0:  # a count still: here the symbol's run begins; from now on -1 - its next place
            count = spots[s]
            spots[s] = -1 - used
            used += count
        order[-1 - spots[s]] = i
        spots[s] -= 1
    for i in range(n):
        spots[symbol[i]] = 0
    return -1
