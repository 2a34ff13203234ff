"""`python -m deploy.embedded --data-dir D`: the four services alone, one plain line an event, until SIGTERM.

For tests and for working on one process by hand; `tapewatch up` runs the whole platform.
"""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

from core.errors import ConfigError
from deploy.embedded.options import Options
from deploy.embedded.part import PartView
from deploy.embedded.stack import open_stack
from deploy.embedded.supervisor import StackFailed


class _Lines:
    def changed(self, part: PartView) -> None:
        _write(f"{part.name}: {part.status} {part.pid or ''} {part.detail}".rstrip())

    def happened(self, text: str) -> None:
        _write(text)

    def ready(self, parts: Sequence[PartView]) -> None:
        _write(f"ready: {', '.join(f'{part.name} {part.address}' for part in parts)}")

    def looked(self, parts: Sequence[PartView]) -> None: ...


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("--data-dir", type=Path, required=True)
    arguments = parser.parse_args()
    try:
        stack = open_stack(Options(data_dir=arguments.data_dir, only="infra"), _Lines())
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda _number, _frame: stack.supervisor.request_stop())
        stack.run()
    except (ConfigError, StackFailed) as error:
        sys.stderr.write(f"{error}\n")
        return 2 if isinstance(error, ConfigError) else 1
    return 0


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
