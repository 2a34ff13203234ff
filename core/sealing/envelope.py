"""Secrets at rest: envelope encryption, one data key a record (AES-256-GCM), wrapped by a master key.

Whoever steals the database has nothing without the master key; whoever moves a ciphertext to another row, or to
another field of the same row, gets an error: the record's and the field's names are authenticated with it.
Rotating the master key wraps the data keys anew and leaves the ciphertexts alone.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from core.errors import TapewatchError

_NONCE_BYTES = 12


class CannotOpen(TapewatchError):
    """A sealed secret cannot be read: its master key is missing, or it is not what was sealed under this name."""


@dataclass(frozen=True, slots=True)
class DataKey:
    """A data key, in the clear and wrapped; `master_key_id` names what wrapped it."""

    clear: bytes = field(repr=False)
    wrapped: bytes
    master_key_id: str


class MasterKeys(Protocol):
    """Master keys, of which one is the current: it wraps; the others still unwrap.

    `record` is the name of the record that the data key is for. Where the keeper of the keys can authenticate it, a
    data key that was moved to another record does not unwrap.
    """

    @property
    def current_id(self) -> str: ...

    def new_data_key(self, record: str) -> DataKey:
        """Raises: Unavailable: the keeper of the keys does not answer."""
        ...

    def unwrap(self, wrapped: bytes, master_key_id: str, record: str) -> bytes:
        """Raises: CannotOpen: no such key, or another one wrapped it. Unavailable: as above."""
        ...

    def rewrap(self, wrapped: bytes, master_key_id: str, record: str) -> tuple[bytes, str]:
        """Return the same data key wrapped by the current key, and that key's id. Raises: as `unwrap`."""
        ...


@dataclass(frozen=True, slots=True)
class Sealed:
    """The secrets of one record by field: nonce and ciphertext; nothing here is secret without the master key."""

    ciphertexts: Mapping[str, bytes]
    data_key: bytes
    """Wrapped."""
    master_key_id: str


def seal(keys: MasterKeys, record: str, secrets: Mapping[str, str]) -> Sealed:
    """Encrypt each field of a record under a data key of its own.

    Raises:
        Unavailable: the keeper of the master keys does not answer.
    """
    key = keys.new_data_key(record)
    cipher = AESGCM(key.clear)
    ciphertexts: dict[str, bytes] = {}
    for name, secret in secrets.items():
        nonce = os.urandom(_NONCE_BYTES)
        ciphertexts[name] = nonce + cipher.encrypt(nonce, secret.encode(), _context(record, name))
    return Sealed(ciphertexts, key.wrapped, key.master_key_id)


def unseal(keys: MasterKeys, record: str, sealed: Sealed) -> dict[str, str]:
    """Decrypt every field of a record.

    Raises:
        CannotOpen: the master key is missing, or a part was changed or comes from elsewhere.
        Unavailable: the keeper of the master keys does not answer.
    """
    cipher = AESGCM(keys.unwrap(sealed.data_key, sealed.master_key_id, record))
    try:
        return {
            name: cipher.decrypt(text[:_NONCE_BYTES], text[_NONCE_BYTES:], _context(record, name)).decode()
            for name, text in sealed.ciphertexts.items()
        }
    except (InvalidTag, ValueError):
        raise CannotOpen(f"what is stored for {record} is not what was sealed for it") from None


def reseal(keys: MasterKeys, record: str, sealed: Sealed) -> Sealed:
    """Return the same secrets under the current master key; the ciphertexts stay as they are. Raises: as `unseal`."""
    wrapped, master_key_id = keys.rewrap(sealed.data_key, sealed.master_key_id, record)
    return replace(sealed, data_key=wrapped, master_key_id=master_key_id)


def _context(record: str, name: str) -> bytes:
    return f"tapewatch/1|{record}|{name}".encode()
