"""Write a `.br` and a `.gz` beside every text file of the built page, for the server to pick by Accept-Encoding."""

from __future__ import annotations

import gzip
from pathlib import Path

import brotli

TEXT = {".js", ".css", ".svg", ".json", ".txt", ".html", ".webmanifest"}
SMALLEST = 512
"""Bytes under which compressing costs more than it saves."""


def compress(folder: Path) -> tuple[int, int]:
    """Compress the files under `folder` again and return the bytes before and after (brotli)."""
    before = after = 0
    for path in sorted(folder.rglob("*")):
        # index.html gets a nonce with every answer, so it is sent as it is.
        if not path.is_file() or path.suffix not in TEXT or path.name == "index.html":
            continue
        data = path.read_bytes()
        if len(data) < SMALLEST:
            continue
        packed = brotli.compress(data, quality=10)
        path.with_name(path.name + ".br").write_bytes(packed)
        path.with_name(path.name + ".gz").write_bytes(gzip.compress(data, 9, mtime=0))
        before += len(data)
        after += len(packed)
    return before, after


def main() -> None:
    folder = Path(__file__).resolve().parent.parent / "dist" / "tapewatch" / "browser"
    before, after = compress(folder)
    print(f"      page: {before / 1000:.0f} kB, {after / 1000:.0f} kB compressed")  # noqa: T201


if __name__ == "__main__":
    main()
