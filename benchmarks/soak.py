"""How much memory and disk does the platform take over time?

`python -m benchmarks.soak --minutes 30 --speed 20` starts `tapewatch up` in a temporary folder, samples every
process each 10 s, and prints a table (`--json`: one object). It fails when a process grew by more than a third
and 64 MB between the second third and the last third of the run, or ended above its ceiling, or when no execution
completed in the last third: a platform that stands still takes no memory either.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from tests.kit.platform import Platform, running_platform

_EVERY_S = 10.0
_GROWTH = 4 / 3
_SLACK = 64 * 2**20
_CEILING = 1536 * 2**20


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--speed", type=float, default=20)
    parser.add_argument("--data-dir", type=Path, help="keep the data here instead of a temporary folder")
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="tapewatch-soak-") as folder:
        Path(folder).chmod(0o711)
        data_dir = asked.data_dir or Path(folder) / "data"
        with running_platform(data_dir, "--speed", str(asked.speed)) as platform:
            samples, disk, done, restarts = watch(platform, asked.minutes * 60)
    rows = {name: summary(values) for name, values in samples.items()}
    bad = [name for name, row in rows.items() if not is_bounded(row)]
    third = max(1, len(done) // 3)
    late = done[-1] - done[-third]
    report = {
        "minutes": asked.minutes, "speed": asked.speed, "executions_completed": done[-1],
        "of_them_in_the_last_third": late, "disk_bytes": disk[-1],
        "disk_bytes_at_start": disk[0], "restarts": restarts, "memory_bytes": rows, "unbounded": bad,
    }  # fmt: skip
    print(json.dumps(report) if asked.json else table(report, rows))
    return 1 if bad or not late else 0


def watch(platform: Platform, seconds: float) -> tuple[dict[str, list[int]], list[int], list[int], dict[str, int]]:
    """Return memory by part, disk and executions completed over time, restarts by part."""
    memory: dict[str, list[int]] = {}
    disk: list[int] = []
    done: list[int] = []
    restarts: dict[str, int] = {}
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        run = platform.run()
        for part in run.parts:
            memory.setdefault(part.name, []).append(part.memory_bytes)
            restarts[part.name] = part.restarts
        disk.append(run.disk_bytes)
        done.append(platform.completed())
        print(
            f"{seconds - (deadline - time.monotonic()):6.0f} s  {run.disk_bytes / 2**20:7.0f} MB disk", file=sys.stderr
        )
        time.sleep(_EVERY_S)
    return memory, disk, done, {n: r for n, r in restarts.items() if r}


def summary(values: list[int]) -> dict[str, int]:
    third = max(1, len(values) // 3)
    return {
        "first_third": int(statistics.median(values[:third])),
        "second_third": int(statistics.median(values[third : 2 * third] or values)),
        "last_third": int(statistics.median(values[-third:])),
        "most": max(values),
    }


def is_bounded(row: dict[str, int]) -> bool:
    grew = row["last_third"] - row["second_third"]
    return row["most"] < _CEILING and not (row["last_third"] > _GROWTH * row["second_third"] and grew > _SLACK)


def table(report: Mapping[str, object], rows: dict[str, dict[str, int]]) -> str:
    lines = [f"{'MB':12} {'first third':>12} {'second':>8} {'last':>8} {'most':>8}"]
    for name, row in sorted(rows.items()):
        first, second, last, most = (row[k] / 2**20 for k in ("first_third", "second_third", "last_third", "most"))
        lines.append(f"{name:12} {first:12.0f} {second:8.0f} {last:8.0f} {most:8.0f}")
    lines.extend(
        f"{key}: {report[key]}"
        for key in ("executions_completed", "of_them_in_the_last_third", "disk_bytes", "restarts", "unbounded")
    )
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
