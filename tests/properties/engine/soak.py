"""Cases without end: `make soak-engine MINUTES=60`. Prints the seed and the smallest case that still differs."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Sequence

from tests.properties.engine.cases import Case, case
from tests.properties.engine.checks import Check, offline_differs, order_differs, parts_differ, stream_differs
from tests.properties.engine.dice import SeededDice

CHECKS: tuple[tuple[str, Check, bool], ...] = (
    ("stream", stream_differs, False),
    ("parts", parts_differ, False),
    ("order", order_differs, False),
    ("offline", offline_differs, True),
)
REPORT_EVERY_S = 10.0


def shrunk(case: Case, check: Check) -> Case:
    """Leave out records, many at once and then one by one, as long as the check still finds something."""
    size = max(1, len(case.records) // 2)
    while size:
        first = 0
        while first < len(case.records):
            smaller = case.without(first, size)
            if smaller.trades and check(smaller):
                case = smaller
            else:
                first += size
        size //= 2
    return case


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Hold the engine against the oracle for as long as one likes.")
    parser.add_argument("--minutes", type=float, default=10.0, help="how long (default 10)")
    parser.add_argument("--seed", type=int, default=1_000_000, help="where to begin (default 1000000)")
    parser.add_argument("--steps", type=int, default=300, help="longest tape, in steps (default 300)")
    options = parser.parse_args(arguments)
    began = said = time.monotonic()
    seed = options.seed
    while time.monotonic() - began < options.minutes * 60:
        for name, check, is_offline in CHECKS:
            made = case(SeededDice(seed), most=options.steps, is_offline=is_offline)
            if check(made):
                small = shrunk(made, check)
                print(f"{name}, seed {seed}: differs\n{small}\n" + "\n".join(check(small)[:12]))
                return 1
        seed += 1
        if time.monotonic() - said > REPORT_EVERY_S:
            said = time.monotonic()
            print(
                f"{len(CHECKS) * (seed - options.seed):,} cases in {said - began:.0f} s, no difference", file=sys.stderr
            )
    print(f"{len(CHECKS) * (seed - options.seed):,} cases, seeds {options.seed} to {seed - 1}, no difference")
    return 0


if __name__ == "__main__":
    sys.exit(main())
