"""`tapewatch credentials`: the master keys that seal what the brokers are logged in with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="The master keys that seal what your brokers are logged in with: which there are, what they seal, rotation.",
    no_args_is_help=True,
)


@app.command()
def init(
    path: Annotated[Path, typer.Argument(metavar="FILE", help="The key file to make; it must not exist.")],
) -> None:
    """Make a key file that only you may read, and say how to name it to the platform. Keep a copy of it elsewhere.

    **tapewatch up** makes one for its data folder by itself; servers need one file that all of them can read, or a
    key in AWS KMS (TAPEWATCH_KMS_KEY_ID).
    """
    import secrets

    from core.errors import Conflict
    from core.sealing.key_file import read_keys, write_keys

    if path.exists():
        raise Conflict(f"{path} exists: whoever overwrites it can open nothing that its keys sealed; name another file")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_keys(path, [secrets.token_bytes(32)])
    _say(f"made {path}, key {read_keys(path).current_id}\nset TAPEWATCH_MASTER_KEY_FILE={path.absolute()}")


@app.command()
def status() -> None:
    """Say which master key is the current one, and how many connections each seals."""
    from core import settings
    from core.sealing.keys import master_keys
    from core.store import broker_connections, postgres

    configured = settings.load()
    current = master_keys(configured).current_id
    with postgres.engine(configured, pool_size=1).begin() as tx:
        counts = broker_connections.sealed_under(tx)
    for master_key_id in sorted({current, *counts}):
        is_current = "current" if master_key_id == current else "older: tapewatch credentials rotate"
        _say(f"{master_key_id}  seals {counts.get(master_key_id, 0)}  {is_current}")


@app.command()
def rotate(
    *,
    resume: Annotated[
        bool, typer.Option("--resume", help="Make no new key: seal what is left under the current one.")
    ] = False,
    forget_old: Annotated[
        bool, typer.Option("--forget-old", help="Then drop the older keys. Backups sealed under them stay closed.")
    ] = False,
) -> None:
    """Make a new master key and seal every connection under it. Safe while the platform runs, and to run again.

    The older keys stay in the file, as backups of the database need them, until you say --forget-old. With AWS KMS,
    set TAPEWATCH_KMS_KEY_ID to the new key first: nothing is made, all is sealed under that one.
    """
    from core import settings
    from core.sealing.key_file import KeyFile
    from core.sealing.keys import master_keys
    from core.store import broker_connections, postgres

    configured = settings.load()
    keys = master_keys(configured)
    if isinstance(keys, KeyFile) and not resume:
        keys = keys.renewed()
        _say(f"made the key {keys.current_id}")
    engine = postgres.engine(configured, pool_size=1)
    with engine.begin() as tx:
        left = broker_connections.sealed_under_another(tx, keys.current_id)
    for number, connection_id in enumerate(left, 1):
        with engine.begin() as tx:
            broker_connections.move_to_current_key(tx, keys, connection_id)
        if number % 1000 == 0:
            _say(f"{number} of {len(left)} connections sealed")
    _say(f"{len(left)} connections sealed under {keys.current_id}")
    if forget_old and isinstance(keys, KeyFile):
        dropped = len(keys.ids) - 1
        keys.without_old_keys()
        _say(f"{dropped} older keys dropped")


def _say(text: str) -> None:
    sys.stdout.write(text + "\n")
