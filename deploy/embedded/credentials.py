"""Secrets of a stack: made once, kept in its data folder for its owner only."""

from __future__ import annotations

import base64
import secrets

import msgspec

from core.errors import ConfigError
from deploy.embedded.datadir import DataDir, write_private


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    postgres_password: str
    clickhouse_password: str
    session_secret: str
    demo_password: str


def credentials(directory: DataDir) -> Credentials:
    """Return the stack's secrets, making them (and the master key) at its first start.

    Raises:
        ConfigError: the file is there but cannot be read; new secrets would lock out of the data.
    """
    if not directory.master_key_file.exists():
        write_private(directory.master_key_file, base64.b64encode(secrets.token_bytes(32)).decode() + "\n")
    path = directory.secrets_file
    try:
        return msgspec.json.decode(path.read_bytes(), type=Credentials)
    except FileNotFoundError:
        made = _make()
        write_private(path, msgspec.json.encode(made).decode())
        return made
    except (msgspec.DecodeError, OSError) as error:
        raise ConfigError(
            f"{str(path)!r} cannot be read ({error}); restore it, or start with an empty folder"
        ) from None


def _make() -> Credentials:
    return Credentials(
        postgres_password=secrets.token_urlsafe(24),
        clickhouse_password=secrets.token_urlsafe(24),
        session_secret=secrets.token_urlsafe(48),
        # Typed by hand from the terminal: no letters that look alike.
        demo_password="-".join(
            "".join(secrets.choice("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(4)) for _ in range(3)
        ),
    )
