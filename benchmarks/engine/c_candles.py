"""A plain C loop that does the candles only: how far from the machine is the engine?"""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.engine.tape import BATCH, Tape

_SOURCE = r"""
#include <stdint.h>
typedef struct { int64_t end[6]; double open[6], high[6], low[6], close[6], volume[6], value[6]; int64_t n[6]; } Row;
static const int64_t LENGTH[6] = {60000, 300000, 900000, 3600000, 14400000, 86400000};

/* Trades stand symbol by symbol. Returns how many candles closed, their closes added to *sum. */
int64_t play(int64_t n, const int32_t *symbol, const int64_t *ts, const double *price, const double *size,
             Row *rows, double *sum) {
  int64_t closed = 0;
  double total = 0;
  for (int64_t i = 0; i < n; i++) {
    Row *r = rows + symbol[i];
    const int64_t t = ts[i];
    const double p = price[i], z = size[i];
    for (int k = 0; k < 6; k++) {
      if (t >= r->end[k]) {
        if (r->n[k]) { closed++; total += r->close[k]; }
        r->end[k] = t - t % LENGTH[k] + LENGTH[k];
        r->open[k] = r->high[k] = r->low[k] = p;
        r->volume[k] = r->value[k] = 0;
        r->n[k] = 0;
      }
      if (p > r->high[k]) r->high[k] = p;
      if (p < r->low[k]) r->low[k] = p;
      r->close[k] = p;
      r->volume[k] += z;
      r->value[k] += p * z;
      r->n[k]++;
    }
  }
  *sum += total;
  return closed;
}
"""


def play(tape: Tape) -> tuple[float, int] | None:
    """Return CPU nanoseconds a trade and the candles closed, None where there is no gcc.

    Sorting a batch by symbol is timed with it, as it is in the engine.
    """
    if shutil.which("gcc") is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        source, library = Path(folder) / "candles.c", Path(folder) / "candles.so"
        source.write_text(_SOURCE)
        subprocess.run(["gcc", "-O3", "-march=native", "-shared", "-fPIC", "-o", str(library), str(source)], check=True)
        loop = ctypes.CDLL(str(library)).play
        loop.restype = ctypes.c_int64
        rows = np.zeros((len(tape.names), 48), np.int64)
        total = ctypes.c_double(0.0)
        spent, closed, timed = 0, 0, 0
        for number, a in enumerate(range(0, len(tape), BATCH)):
            b = a + BATCH
            began = time.process_time_ns()
            order = np.argsort(tape.symbol[a:b], kind="stable")
            columns = [column[a:b][order] for column in (tape.symbol, tape.ts_ms, tape.price, tape.size)]
            closed += loop(len(order), *(_pointer(column) for column in columns), _pointer(rows), ctypes.byref(total))
            if number or len(tape) <= BATCH:
                spent += time.process_time_ns() - began
                timed += len(order)
    return spent / timed, closed


def _pointer(column: NDArray[np.generic]) -> ctypes.c_void_p:
    return ctypes.c_void_p(column.ctypes.data)
