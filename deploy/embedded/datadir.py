"""The data folder of a stack: its layout, and the right to be its only user."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

from core.errors import ConfigError

NEEDED_BYTES = 400_000_000
"""What a first start writes (PostgreSQL 60 MB, ClickHouse 10 MB), and room to work."""


@dataclass(frozen=True, slots=True)
class DataDir:
    root: Path

    @property
    def logs(self) -> Path:
        return self.root / "logs"

    @property
    def run_file(self) -> Path:
        """What runs, for `tapewatch status` and others; no secrets."""
        return self.root / "run.json"

    @property
    def environment_file(self) -> Path:
        """The TAPEWATCH_* variables of the running stack, for commands beside it; only for its owner."""
        return self.root / "environment.json"

    @property
    def ports_file(self) -> Path:
        return self.root / "ports.json"

    @property
    def secrets_file(self) -> Path:
        return self.root / "secrets.json"

    @property
    def master_key_file(self) -> Path:
        return self.root / "master.key"

    @property
    def lock_file(self) -> Path:
        return self.root / "lock"

    def part(self, name: str) -> Path:
        return self.root / name

    def log_of(self, process: str) -> Path:
        return self.logs / f"{process}.log"


class Lock:
    """Held by the one supervisor of a folder; the kernel lets go of it when that process dies."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        os.close(self._descriptor)


def claim(directory: DataDir, *, needed_bytes: int = NEEDED_BYTES) -> Lock:
    """Make the folder, check that it can be written, and take its lock.

    Nothing is left behind where it fails.

    Raises:
        ConfigError: it is in use, full, or not writable; the text says which, and what to do.
    """
    root = directory.root
    _check_room(root, needed_bytes)
    try:
        if not root.exists():
            root.mkdir(parents=True)
            # PostgreSQL may run as another user and has to get through; it may not list.
            root.chmod(0o711)
        _check_writable(root)
    except (NotADirectoryError, FileExistsError):
        raise ConfigError(f"data folder {str(root)!r}: there is a file of that name; choose another") from None
    except OSError as error:
        raise ConfigError(
            f"data folder {str(root)!r} cannot be written: {error.strerror}; choose another with --data-dir"
        ) from None
    descriptor = os.open(directory.lock_file, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode(errors="replace").strip()
        os.close(descriptor)
        raise ConfigError(
            f"data folder {str(root)!r} is in use by another tapewatch (process {holder or '?'}); "
            "stop it first, or choose another folder with --data-dir"
        ) from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    directory.logs.mkdir(exist_ok=True)
    return Lock(descriptor)


def _check_room(root: Path, needed_bytes: int) -> None:
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    total, _, free = shutil.disk_usage(existing)
    # A file system without any room is not a full one but of another kind: the write will tell.
    if total and free < needed_bytes and os.access(existing, os.W_OK):
        raise ConfigError(
            f"data folder {str(root)!r}: {free / 1e6:.0f} MB are free, {needed_bytes / 1e6:.0f} MB are needed; "
            "free some or choose another with --data-dir"
        )


def _check_writable(root: Path) -> None:
    with tempfile.NamedTemporaryFile(dir=root, prefix=".check-") as probe:
        probe.write(b"\0" * 65_536)
        probe.flush()
        os.fsync(probe.fileno())


def used_bytes(path: Path) -> int:
    """Return the disk that a folder takes; files that vanish meanwhile are not counted."""
    total = 0
    for folder, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(folder, name)).st_blocks * 512  # noqa: PTH118
            except OSError:
                continue
    return total


def write_private(path: Path, text: str) -> None:
    """Replace a file in one step, readable by its owner only."""
    temporary = path.with_name(f".{path.name}.new")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        file.write(text)
    temporary.replace(path)
