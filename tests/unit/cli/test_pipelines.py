"""`tapewatch pipelines`."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from cli.pipelines import app
from core.errors import InvalidInput, NotAllowed, NotFound, Unavailable
from tests.unit.cli.fake_api import PASSWORD, FakeApi, serving

EXAMPLES = Path(__file__).parents[3] / "examples"
BTC = EXAMPLES / "btc-breakout.json"


def run(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeApi]:
    with serving() as api:
        monkeypatch.setenv("TAPEWATCH_API_PORT", str(api.port))
        monkeypatch.setenv("TAPEWATCH_CLI_PASSWORD", PASSWORD)
        yield api


def broken(folder: Path, *changes: tuple[str, str]) -> Path:
    """A copy of a sample with texts replaced."""
    text = BTC.read_text()
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = folder / "broken.json"
    path.write_text(text)
    return path


def test_lint_passes_the_samples_with_nothing_running() -> None:
    result = run("lint", EXAMPLES)
    assert result.exit_code == 0
    assert "btc-breakout.json: ok" in result.stdout
    assert "may repaint" in result.stdout


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (("price_trigger", "prize_trigger"), "nodes[0].agent_type: found 'prize_trigger'"),
        (('"RSI"', '"RSY"'), "did you mean 'RSI'"),
        (('"1m",\n          "5m",', '"1m",'), "needs 5m; add it to market-data.config.timeframes"),
        (('"to": "market-data"', '"to": "market-dada"'), "did you mean 'market-data'"),
        (('"name"', "name"), "line 3, column 3"),
        (('"value": 64000', '"value": "64000"'), "nodes[0].config.value: found '64000'; write the number"),
    ],
)
def test_lint_names_each_mistake_and_fails(tmp_path: Path, change: tuple[str, str], said: str) -> None:
    path = broken(tmp_path, change)
    result = run("lint", path)
    assert result.exit_code == 1
    assert f"{path}: " in result.stderr
    assert said in result.stderr


def test_lint_prints_json_for_programs(tmp_path: Path) -> None:
    result = run("lint", broken(tmp_path, ("price_trigger", "prize_trigger")), "--json")
    assert result.exit_code == 1
    (verdict,) = json.loads(result.stdout)
    assert {problem["path"] for problem in verdict["problems"]} >= {"nodes[0].agent_type"}


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match=r"nowhere\.json: found no such file"):
        run("lint", tmp_path / "nowhere.json")
    with pytest.raises(InvalidInput, match="a folder without pipelines"):
        run("lint", tmp_path)


def test_apply_creates_and_then_saves_a_new_version(api: FakeApi) -> None:
    created = run("apply", BTC, "--activate")
    assert created.stdout.startswith("created  Bitcoin")
    assert "active, version 1" in created.stdout
    updated = run("apply", BTC)
    assert "updated" in updated.stdout
    assert "PUT /api/v1/pipelines/92700046-4b2f-5128-a834-002afd82ef2f?version=1" in api.calls


def test_apply_changes_nothing_when_one_file_is_wrong(api: FakeApi, tmp_path: Path) -> None:
    shutil.copy(BTC, tmp_path / "good.json")
    broken(tmp_path, ("price_trigger", "prize_trigger"))
    with pytest.raises(InvalidInput, match=r"broken\.json: nodes\[0\]\.agent_type"):
        run("apply", tmp_path)
    assert api.calls == []


def test_what_is_exported_can_be_applied_again(api: FakeApi, tmp_path: Path) -> None:
    run("apply", EXAMPLES)
    run("export", "--out", tmp_path)
    assert len(list(tmp_path.iterdir())) == 3
    assert json.loads((tmp_path / "92700046-4b2f-5128-a834-002afd82ef2f.json").read_text()) == json.loads(
        BTC.read_text()
    )
    assert run("lint", tmp_path).exit_code == 0


def test_pause_and_resume_take_an_id_or_a_name(api: FakeApi) -> None:
    run("apply", BTC, "--activate")
    assert "paused" in run("pause", "Bitcoin passes 64,000").stdout
    assert "active" in run("resume", "92700046-4b2f-5128-a834-002afd82ef2f").stdout
    with pytest.raises(NotFound, match="'Gold'"):
        run("pause", "Gold")


def test_list_and_show_print_the_trigger_as_a_sentence(api: FakeApi) -> None:
    run("apply", BTC)
    assert "Bitcoin" in run("list").stdout
    assert json.loads(run("list", "--json").stdout)[0]["state"] == "draft"
    shown = run("show", "Bitcoin passes 64,000").stdout
    assert "fires" in shown
    assert '"price_trigger"' in shown


def test_a_wrong_password_is_said(api: FakeApi, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TAPEWATCH_CLI_PASSWORD", "guess")
    with pytest.raises(NotAllowed, match="wrong email or password"):
        run("list")
    monkeypatch.delenv("TAPEWATCH_CLI_PASSWORD")
    with pytest.raises(NotAllowed, match="TAPEWATCH_CLI_PASSWORD"):
        run("list")


def test_a_server_that_is_not_there_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving() as gone:
        monkeypatch.setenv("TAPEWATCH_API_PORT", str(gone.port))
    monkeypatch.setenv("TAPEWATCH_CLI_PASSWORD", PASSWORD)
    with pytest.raises(Unavailable, match="is it running"):
        run("list")
