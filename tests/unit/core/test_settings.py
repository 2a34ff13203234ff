from __future__ import annotations

import pytest

from core.errors import ConfigError
from core.settings import load


def test_a_wrong_value_names_the_variable_and_what_would_be_right(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPEWATCH_TRADES_PARTITIONS", "none")
    with pytest.raises(ConfigError, match=r"TAPEWATCH_TRADES_PARTITIONS: .*integer"):
        load()


def test_a_secret_is_not_shown_by_an_error_or_a_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-very-secret")
    monkeypatch.setenv("TAPEWATCH_API_PORT", "eighty")
    with pytest.raises(ConfigError) as error:
        load()
    assert "sk-very-secret" not in str(error.value)
    monkeypatch.setenv("TAPEWATCH_API_PORT", "80")
    assert "sk-very-secret" not in repr(load())


def test_the_models_key_and_address_are_read_under_their_usual_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-x")
    monkeypatch.setenv("OPENAI_BASE_URL", "http://127.0.0.1:9/v1")
    settings = load()
    assert settings.openai_api_key.get_secret_value() == "sk-x"
    assert settings.openai_base_url == "http://127.0.0.1:9/v1"
