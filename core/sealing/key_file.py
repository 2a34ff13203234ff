"""Master keys in a file that only its owner may read: one a line, base64 of 32 bytes, the current one first.

The id of a key is the start of its SHA-256, so that a file can be moved and its lines be put in another order.
Data keys are wrapped by AES Key Wrap (RFC 3394).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable
from pathlib import Path

from cryptography.hazmat.primitives.keywrap import InvalidUnwrap, aes_key_unwrap, aes_key_wrap

from core.errors import ConfigError
from core.sealing.envelope import CannotOpen, DataKey

_KEY_BYTES = 32
_VARIABLE = "TAPEWATCH_MASTER_KEY_FILE"


class KeyFile:
    """The keys as they were read; `renewed` makes a file with one more."""

    def __init__(self, path: Path, keys: Iterable[bytes]) -> None:
        self._path = path
        self._keys = {_id_of(key): key for key in keys}
        self._current = next(iter(self._keys))

    @property
    def current_id(self) -> str:
        return self._current

    @property
    def ids(self) -> tuple[str, ...]:
        """Every key's id, the current one first."""
        return tuple(self._keys)

    def new_data_key(self, record: str) -> DataKey:
        del record  # RFC 3394 authenticates the key alone; the ciphertexts carry the record
        clear = secrets.token_bytes(_KEY_BYTES)
        return DataKey(clear, aes_key_wrap(self._keys[self._current], clear), self._current)

    def unwrap(self, wrapped: bytes, master_key_id: str, record: str) -> bytes:
        key = self._keys.get(master_key_id)
        if key is None:
            raise CannotOpen(f"{record} was sealed under the master key {master_key_id}, which {self._path} lacks")
        try:
            return aes_key_unwrap(key, wrapped)
        except (InvalidUnwrap, ValueError):
            raise CannotOpen(f"the data key of {record} was not wrapped by the master key {master_key_id}") from None

    def rewrap(self, wrapped: bytes, master_key_id: str, record: str) -> tuple[bytes, str]:
        clear = self.unwrap(wrapped, master_key_id, record)
        return aes_key_wrap(self._keys[self._current], clear), self._current

    def renewed(self) -> KeyFile:
        """Put a new current key before the others, in the file too, all at once."""
        return self._written([secrets.token_bytes(_KEY_BYTES), *self._keys.values()])

    def without_old_keys(self) -> KeyFile:
        """Keep the current key only, in the file too: what an older one sealed cannot be opened any more."""
        return self._written([self._keys[self._current]])

    def _written(self, keys: list[bytes]) -> KeyFile:
        write_keys(self._path, keys)
        return KeyFile(self._path, keys)


def read_keys(path: Path) -> KeyFile:
    """Read the master keys.

    Raises:
        ConfigError: there is no such file, others may read it, or a line is no key.
    """
    try:
        mode = path.stat().st_mode
        lines = path.read_text().split()
    except FileNotFoundError:
        raise ConfigError(f"{_VARIABLE}: found no file {path}; make one with `tapewatch credentials init`") from None
    except OSError as error:
        raise ConfigError(f"{_VARIABLE}: {path} cannot be read: {error.strerror}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise ConfigError(f"{_VARIABLE}: {path} may be read by others; chmod 600 {path}")
    if not lines:
        raise ConfigError(f"{_VARIABLE}: {path} is empty; it should hold a key a line, base64 of {_KEY_BYTES} bytes")
    return KeyFile(path, [_key_of(line, path, number) for number, line in enumerate(lines, 1)])


def write_keys(path: Path, keys: Iterable[bytes]) -> None:
    """Write a key file, or none at all: what is there stays until the new one is on the disk."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    opened = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(opened, "w") as file:
        file.writelines(base64.b64encode(key).decode() + "\n" for key in keys)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def _key_of(line: str, path: Path, number: int) -> bytes:
    try:
        key = base64.b64decode(line, validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"{_VARIABLE}: line {number} of {path} is not base64 of {_KEY_BYTES} bytes")
    return key


def _id_of(key: bytes) -> str:
    return "file:" + hashlib.sha256(b"tapewatch master key" + key).hexdigest()[:16]
