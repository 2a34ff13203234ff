"""Which master keys the settings name: AWS KMS where a key of it is set, else the key file."""

from __future__ import annotations

from core.errors import ConfigError
from core.sealing import key_file, kms
from core.sealing.envelope import MasterKeys
from core.settings import Settings


def master_keys(settings: Settings) -> MasterKeys:
    """Return the master keys.

    Raises:
        ConfigError: none are configured, or those that are cannot be used.
    """
    if settings.kms_key_id:
        return kms.connect(settings.kms_key_id)
    if settings.master_key_file is None:
        raise ConfigError(
            "TAPEWATCH_MASTER_KEY_FILE: found nothing; name a key file (`tapewatch credentials init` makes one), "
            "or set TAPEWATCH_KMS_KEY_ID"
        )
    return key_file.read_keys(settings.master_key_file)
