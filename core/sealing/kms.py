"""Master keys in AWS KMS: it makes and opens data keys, the master key never leaves it.

The record's name goes along as the encryption context, so KMS itself refuses a data key that was moved to another
record. boto3 is of the extra `aws` and is loaded with the first key.
"""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Protocol, cast

from core.errors import ConfigError, Unavailable
from core.sealing.envelope import CannotOpen, DataKey

_CLOSED = frozenset({"InvalidCiphertextException", "IncorrectKeyException", "AccessDeniedException"})


class KmsClient(Protocol):
    """The three calls of boto3's KMS client that we use."""

    def generate_data_key(self, **arguments: object) -> dict[str, object]: ...
    def decrypt(self, **arguments: object) -> dict[str, object]: ...
    def re_encrypt(self, **arguments: object) -> dict[str, object]: ...


class Kms:
    """`key_id`: a key's id, ARN or alias. KMS rotates the material behind it by itself."""

    def __init__(self, client: KmsClient, key_id: str) -> None:
        self._client = client
        self._key_id = key_id

    @property
    def current_id(self) -> str:
        return f"kms:{self._key_id}"

    def new_data_key(self, record: str) -> DataKey:
        made = self._ask("generate_data_key", record, KeyId=self._key_id, KeySpec="AES_256")
        return DataKey(cast("bytes", made["Plaintext"]), cast("bytes", made["CiphertextBlob"]), self.current_id)

    def unwrap(self, wrapped: bytes, master_key_id: str, record: str) -> bytes:
        found = self._ask("decrypt", record, CiphertextBlob=wrapped, KeyId=_key_of(master_key_id, record))
        return cast("bytes", found["Plaintext"])

    def rewrap(self, wrapped: bytes, master_key_id: str, record: str) -> tuple[bytes, str]:
        clear = self.unwrap(wrapped, master_key_id, record)
        context = {"tapewatch": record}
        made = self._call(
            "re_encrypt",
            record,
            CiphertextBlob=wrapped,
            SourceKeyId=_key_of(master_key_id, record),
            SourceEncryptionContext=context,
            DestinationKeyId=self._key_id,
            DestinationEncryptionContext=context,
        )
        rewrapped = cast("bytes", made["CiphertextBlob"])
        if self.unwrap(rewrapped, self.current_id, record) != clear:
            raise CannotOpen(f"AWS KMS wrapped another data key than that of {record}")
        return rewrapped, self.current_id

    def _ask(self, call: str, record: str, **arguments: object) -> dict[str, object]:
        return self._call(call, record, **arguments, EncryptionContext={"tapewatch": record})

    def _call(self, call: str, record: str, **arguments: object) -> dict[str, object]:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._client, call)(**arguments)
        except ClientError as error:
            code = str(cast("Mapping[str, Mapping[str, str]]", error.response)["Error"]["Code"])
            if code in _CLOSED:
                raise CannotOpen(f"AWS KMS does not open the data key of {record}: {code}") from None
            if code == "NotFoundException":
                raise ConfigError(f"TAPEWATCH_KMS_KEY_ID: AWS KMS has no key {self._key_id!r}") from None
            raise Unavailable(f"AWS KMS: {code}") from None
        except BotoCoreError as error:
            raise Unavailable(f"AWS KMS: {type(error).__name__}") from None


def connect(key_id: str) -> Kms:
    """Return the keys behind a key id, with the region and the credentials that AWS's own variables name.

    Raises:
        ConfigError: boto3 is not installed, or no region is configured.
    """
    try:
        boto3 = importlib.import_module("boto3")
    except ModuleNotFoundError:
        raise ConfigError("TAPEWATCH_KMS_KEY_ID: boto3 is missing; install the extra `aws`") from None
    from botocore.exceptions import NoRegionError

    try:
        return Kms(cast("KmsClient", boto3.client("kms")), key_id)
    except NoRegionError:
        raise ConfigError("TAPEWATCH_KMS_KEY_ID needs a region: set AWS_REGION") from None


def _key_of(master_key_id: str, record: str) -> str:
    kind, _, key_id = master_key_id.partition(":")
    if kind != "kms":
        raise CannotOpen(f"{record} was sealed under the master key {master_key_id}, which is not in AWS KMS")
    return key_id
