"""Secrets at rest: what opens them, and all that does not."""

from __future__ import annotations

import importlib
import os
import stat
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from moto import mock_aws

from core.errors import ConfigError
from core.sealing.envelope import CannotOpen, MasterKeys, reseal, seal, unseal
from core.sealing.key_file import KeyFile, read_keys, write_keys
from core.sealing.kms import Kms, KmsClient

RECORD = "broker_connections/6f2ad0ec-3d42-5a0b-8f0e-6f4f9b1f6a55"
OTHER = "broker_connections/00000000-0000-5a0b-8f0e-6f4f9b1f6a55"
SECRETS = {"api_key": "PKTEST", "api_secret": "geheim"}


def client() -> Any:
    return importlib.import_module("boto3").client("kms")


def another_key() -> Kms:
    found: KmsClient = client()
    return Kms(found, client().create_key()["KeyMetadata"]["KeyId"])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    found = tmp_path / "master.key"
    write_keys(found, [os.urandom(32)])
    return found


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Generator[Kms]:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "testing")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    with mock_aws():
        yield another_key()


@pytest.fixture(params=["file", "kms"])
def keys(request: pytest.FixtureRequest) -> MasterKeys:
    if request.param == "kms":
        return request.getfixturevalue("aws")
    return read_keys(request.getfixturevalue("path"))


def test_what_was_sealed_is_unsealed(keys: MasterKeys) -> None:
    assert unseal(keys, RECORD, seal(keys, RECORD, SECRETS)) == SECRETS


def test_nothing_of_a_secret_is_in_what_is_stored(keys: MasterKeys) -> None:
    sealed = seal(keys, RECORD, SECRETS)
    assert "geheim" not in repr(sealed)
    assert all(b"geheim" not in text for text in (*sealed.ciphertexts.values(), sealed.data_key))
    assert seal(keys, RECORD, SECRETS).ciphertexts != sealed.ciphertexts


def test_a_row_copied_to_another_record_does_not_open(keys: MasterKeys) -> None:
    with pytest.raises(CannotOpen, match="00000000"):
        unseal(keys, OTHER, seal(keys, RECORD, SECRETS))


def test_fields_that_were_exchanged_do_not_open(keys: MasterKeys) -> None:
    sealed = seal(keys, RECORD, SECRETS)
    exchanged = {"api_key": sealed.ciphertexts["api_secret"], "api_secret": sealed.ciphertexts["api_key"]}
    with pytest.raises(CannotOpen, match="not what was sealed"):
        unseal(keys, RECORD, replace(sealed, ciphertexts=exchanged))


def test_a_changed_byte_anywhere_does_not_open(keys: MasterKeys) -> None:
    sealed = seal(keys, RECORD, {"api_key": "PK"})
    text = sealed.ciphertexts["api_key"]
    for at in range(len(text)):
        changed = text[:at] + bytes([text[at] ^ 1]) + text[at + 1 :]
        with pytest.raises(CannotOpen):
            unseal(keys, RECORD, replace(sealed, ciphertexts={"api_key": changed}))


def test_a_record_cut_short_does_not_open(keys: MasterKeys) -> None:
    sealed = seal(keys, RECORD, SECRETS)
    with pytest.raises(CannotOpen):
        unseal(keys, RECORD, replace(sealed, ciphertexts={"api_key": b"", "api_secret": b""}))


@given(st.dictionaries(st.text(min_size=1), st.text()))
def test_any_text_comes_back_as_it_was(secrets: dict[str, str]) -> None:
    keys = KeyFile(Path("unused"), [b"k" * 32])
    assert unseal(keys, RECORD, seal(keys, RECORD, secrets)) == secrets


def test_after_a_rotation_the_old_key_is_not_needed(path: Path) -> None:
    before = read_keys(path)
    sealed = seal(before, RECORD, SECRETS)
    after = before.renewed()
    assert unseal(after, RECORD, sealed) == SECRETS
    moved = reseal(after, RECORD, sealed)
    assert moved.master_key_id == after.current_id != before.current_id
    assert moved.ciphertexts == sealed.ciphertexts
    last = after.without_old_keys()
    assert read_keys(path).ids == last.ids == (after.current_id,)
    assert unseal(last, RECORD, moved) == SECRETS
    with pytest.raises(CannotOpen, match="lacks"):
        unseal(last, RECORD, sealed)


def test_a_rotation_to_another_key_of_kms_keeps_the_secrets(aws: Kms) -> None:
    sealed = seal(aws, RECORD, SECRETS)
    newer = another_key()
    moved = reseal(newer, RECORD, sealed)
    assert moved.master_key_id == newer.current_id
    assert unseal(newer, RECORD, moved) == SECRETS


def test_kms_itself_refuses_a_data_key_of_another_record(aws: Kms) -> None:
    sealed = seal(aws, RECORD, SECRETS)
    with pytest.raises(CannotOpen, match="InvalidCiphertext"):
        aws.unwrap(sealed.data_key, sealed.master_key_id, OTHER)


def test_a_key_that_kms_lacks_is_named(aws: Kms) -> None:
    del aws
    with pytest.raises(ConfigError, match="TAPEWATCH_KMS_KEY_ID"):
        seal(Kms(client(), "alias/none"), RECORD, SECRETS)


def test_what_a_key_file_sealed_is_not_asked_of_kms(aws: Kms, path: Path) -> None:
    with pytest.raises(CannotOpen, match="not in AWS KMS"):
        unseal(aws, RECORD, seal(read_keys(path), RECORD, SECRETS))


def test_a_key_file_is_its_owners_alone(path: Path) -> None:
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o640)
    with pytest.raises(ConfigError, match=f"chmod 600 {path}"):
        read_keys(path)


@pytest.mark.parametrize("text", ["", "abc\n", "\n", "dG9vIHNob3J0\n"])
def test_a_file_that_holds_no_key_is_refused_without_showing_it(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(ConfigError, match=r"base64 of 32 bytes") as raised:
        read_keys(path)
    assert not text.strip() or text.strip() not in str(raised.value)


def test_a_missing_key_file_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="tapewatch credentials init"):
        read_keys(tmp_path / "none")
