"""Get Apache Kafka: the jars that `jars.lock` names, each with its SHA-256.

    .tools/kafka/bin/python deploy/kafka/fetch.py .tools/kafka/jars

Run by the Python of `make kafka`, which holds `maven-artifact`; it imports nothing of the project. A jar that is
there with the right sum is kept; one with another sum is an error, and is removed.
"""

from __future__ import annotations

import hashlib
import io
import sys
from contextlib import redirect_stdout
from pathlib import Path

_LOCK = Path(__file__).with_name("jars.lock")


def main(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [line.split() for line in _LOCK.read_text().splitlines()]
    for number, (coordinates, digest) in enumerate(wanted, start=1):
        target = folder / f"{coordinates.split(':')[1]}-{coordinates.split(':')[2]}.jar"
        if not target.exists():
            _download(coordinates, target)
        found = hashlib.sha256(target.read_bytes()).hexdigest()
        if found != digest:
            target.unlink()
            sys.stderr.write(f"{coordinates}: expected SHA-256 {digest}, found {found}; run it again\n")
            return 1
        sys.stderr.write(f"\r      {number} of {len(wanted)} jars")
    sys.stderr.write("\n")
    return 0


def _download(coordinates: str, target: Path) -> None:
    from maven_artifact import Artifact, Downloader  # pyright: ignore[reportMissingImports, reportUnknownVariableType]

    part = target.with_suffix(".part")
    with redirect_stdout(io.StringIO()):
        Downloader().download(Artifact.parse(coordinates), str(part))  # pyright: ignore[reportUnknownMemberType]
    part.rename(target)


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(main(Path(sys.argv[1])))
