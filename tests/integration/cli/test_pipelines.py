"""`tapewatch pipelines` against the real API over Postgres."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pydantic import SecretStr
from typer.testing import CliRunner

from cli.client import ApiClient
from cli.pipelines import Page, app
from core.errors import Conflict, InvalidInput, NotAllowed, TapewatchError
from core.settings import Settings
from tests.kit.processes import free_port, running
from tests.kit.stack import variables_of
from tests.kit.waiting import wait_until

EXAMPLES = Path(__file__).parents[3] / "examples"
PASSWORD = "abcd-efgh-ijkl"


def run(*arguments: str) -> str:
    result = CliRunner().invoke(app, arguments)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == 0
    return result.stdout


def test_pipelines_are_listed_saved_paused_and_exported(
    migrated: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = migrated.model_copy(
        update={
            "api_port": free_port(),
            "demo_user": True,
            "demo_password": SecretStr(PASSWORD),
            "session_secret": SecretStr("s" * 40),
        }
    )
    for name, value in variables_of(settings).items():
        monkeypatch.setenv(name, value)
    with running(settings, ["api"], tmp_path / "api.log"):
        wait_until(lambda: seeded(settings) == 3, timeout_s=30, what="the seeded samples", every_s=0.2)
        assert "Bitcoin" in run("list")

        text = (EXAMPLES / "btc-breakout.json").read_text().replace("64000", "65000")
        changed = tmp_path / "changed.json"
        changed.write_text(text)
        assert "updated" in run("apply", str(changed))
        assert "crosses above 65000" in run("show", "Bitcoin passes 64,000")

        assert "paused" in run("pause", "Solana on the minute")
        assert "active" in run("resume", "Solana on the minute")

        run("export", "--out", str(tmp_path / "out"))
        assert len(list((tmp_path / "out").iterdir())) == 3
        assert "ok" in run("lint", str(tmp_path / "out"))

        fresh = json.loads(text) | {"id": "0b7b3f0e-6a66-4c0f-9c50-2f6d0c1d7b11", "name": "Bitcoin again"}
        changed.write_text(json.dumps(fresh))
        assert "created" in run("apply", str(changed), "--activate")
        changed.write_text(json.dumps(fresh | {"id": "not-a-uuid"}))
        with pytest.raises((InvalidInput, Conflict)):
            run("apply", str(changed))

        monkeypatch.setenv("TAPEWATCH_CLI_PASSWORD", "guess")
        with pytest.raises(NotAllowed):
            run("list")


def seeded(settings: Settings) -> int:
    try:
        return len(ApiClient(settings).get("/pipelines", Page).items)
    except TapewatchError:  # it is still starting
        return 0
