"""`tapewatch replay`: what it writes, and what it says about input it cannot use."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from cli.replay import replay
from core.errors import InvalidInput
from tests.kit.waiting import wait_until
from tests.unit.engine.tape import SYMBOL, at

PIPELINE: dict[str, Any] = {
    "id": "breakout",
    "name": "Breakout",
    "symbol": SYMBOL,
    "primary_timeframe": "1m",
    "nodes": [
        {
            "id": "trigger",
            "agent_type": "technical_trigger",
            "config": {"conditions": [{"operand": "price", "operator": ">", "value": "SMA_2"}], "fire": "every_edge"},
        },
        {
            "id": "market-data",
            "agent_type": "market_data_agent",
            "config": {"timeframes": ["1m"], "indicators": ["RSI"]},
        },
    ],
    "edges": [{"from": "trigger", "to": "market-data"}],
}


@pytest.fixture
def pipeline(tmp_path: Path) -> Path:
    return _write(tmp_path / "pipelines" / "breakout.json", PIPELINE)


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    prices = [(f"10:0{m}:{s:02d}", 100.0 + (m * 7 + s) % 5) for m in range(8) for s in (1, 20, 40)]
    path = tmp_path / "tape.parquet"
    pl.DataFrame(
        {
            "symbol": [SYMBOL] * len(prices),
            "ts_ms": [at(time) for time, _ in prices],
            "price": [price for _, price in prices],
            "size": [1.0] * len(prices),
        }
    ).write_parquet(path)
    return path


def _write(path: Path, data: object) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(data if isinstance(data, str) else json.dumps(data))
    return path


def _problem(tape: Path, pipelines: Path, out: Path, *, timeframes: str = "1m", session: str = "regular") -> str:
    with pytest.raises(InvalidInput) as caught:
        replay([tape], pipelines=pipelines, out=out, timeframes=timeframes, session=session)
    assert not out.exists() or list(out.iterdir()) == []
    return str(caught.value)


def test_it_writes_the_four_files_in_the_agreed_shape(tape: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    replay([tape], pipelines=pipeline.parent, out=out, timeframes="1m,5m")
    assert sorted(p.name for p in out.iterdir()) == [
        "candles.parquet", "firings.jsonl", "summary.json", "suppressions.jsonl",
    ]  # fmt: skip
    candles = pl.read_parquet(out / "candles.parquet")
    assert candles.columns == [
        "symbol", "timeframe", "ts_ms", "open", "high", "low", "close", "volume", "vwap", "trades", "RSI_14", "SMA_2",
    ]  # fmt: skip
    assert candles["RSI_14"].is_nan().all()
    assert candles.schema["SMA_2"] == pl.Float64
    assert candles["timeframe"].unique().sort().to_list() == ["1m", "5m"]
    firings = [json.loads(line) for line in (out / "firings.jsonl").read_text().splitlines()]
    assert firings
    assert set(firings[0]) == {
        "firing_id", "pipeline_id", "trigger_id", "trigger_version", "symbol", "ts_ms", "decided_ms", "price", "kind",
        "evidence",
    }  # fmt: skip
    leaf = firings[0]["evidence"]["leaves"][0]
    assert leaf["path"] == "conditions[0]"
    assert leaf["right"]["operand"] == "SMA_2@1m"
    assert list(firings[0]) == sorted(firings[0])
    suppressions = [json.loads(line) for line in (out / "suppressions.jsonl").read_text().splitlines()]
    assert {s["reason"] for s in suppressions} <= {"baseline"}
    summary = json.loads((out / "summary.json").read_text())
    assert summary["trades"]["applied"] == summary["trades"]["read"] == 24
    assert summary["firings"] == len(firings)
    (counts,) = summary["triggers"].values()
    assert (summary["days"], counts["firings_a_day"]) == (1, len(firings))


def test_it_says_what_the_firings_of_a_day_may_cost_in_models(
    tape: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The budget of an execution is the pipeline's own, or the platform's; the tape is of one day."""
    own = {**PIPELINE, "settings": {"budget_execution_usd": "0.20"}}
    folder = _write(tmp_path / "pipelines" / "own.json", own).parent
    replay([tape], pipelines=folder, out=tmp_path / "out", timeframes="1m")
    (counts,) = json.loads((tmp_path / "out" / "summary.json").read_text())["triggers"].values()
    cost = counts["model_cost_a_day_at_most_usd"]
    assert Decimal(cost) == Decimal("0.20") * counts["firings"] > 0
    assert f"{counts['firings']:.1f} a day; their models may cost up to ${cost} a day" in capsys.readouterr().out


def test_a_pipeline_with_mistakes_is_named_with_file_and_field(tape: Path, tmp_path: Path) -> None:
    wrong = json.loads(json.dumps(PIPELINE))
    wrong["nodes"][0]["config"]["conditions"][0]["value"] = "FOO_2"
    folder = _write(tmp_path / "pipelines" / "wrong.json", wrong).parent
    _write(folder / "text.json", "{ no json")
    said = _problem(tape, folder, tmp_path / "out")
    assert "wrong.json nodes[0].config.conditions[0].value" in said
    assert "text.json line 1" in said


def test_two_files_with_one_id_are_refused(tape: Path, pipeline: Path, tmp_path: Path) -> None:
    _write(pipeline.parent / "copy.json", PIPELINE)
    assert "an id that no other file has" in _problem(tape, pipeline.parent, tmp_path / "out")


@pytest.mark.parametrize("name", ["missing.json", "empty"])
def test_no_pipeline_is_said(tape: Path, tmp_path: Path, name: str) -> None:
    (tmp_path / "empty").mkdir()
    assert "--pipelines" in _problem(tape, tmp_path / name, tmp_path / "out")


def test_a_file_that_is_no_parquet_is_said(pipeline: Path, tmp_path: Path) -> None:
    text = _write(tmp_path / "tape.parquet", "symbol,ts_ms")
    assert "a Parquet file with the columns symbol, ts_ms, price, size" in _problem(text, pipeline, tmp_path / "out")
    assert "no file" in _problem(tmp_path / "none.parquet", pipeline, tmp_path / "out")


def test_missing_columns_are_named(pipeline: Path, tmp_path: Path) -> None:
    path = tmp_path / "short.parquet"
    pl.DataFrame({"symbol": ["A"], "price": [1.0]}).write_parquet(path)
    assert "ts_ms, size as well" in _problem(path, pipeline, tmp_path / "out")


def test_empty_values_are_counted(pipeline: Path, tmp_path: Path) -> None:
    path = tmp_path / "nulls.parquet"
    pl.DataFrame({"symbol": ["A", "A"], "ts_ms": [1, 2], "price": [1.0, None], "size": [1.0, 1.0]}).write_parquet(path)
    assert "price: found 1 empty values" in _problem(path, pipeline, tmp_path / "out")


def test_an_empty_tape_gives_empty_files(pipeline: Path, tmp_path: Path) -> None:
    path = tmp_path / "empty.parquet"
    pl.DataFrame(
        schema={"symbol": pl.String, "ts_ms": pl.Int64, "price": pl.Float64, "size": pl.Float64}
    ).write_parquet(path)
    replay([path], pipelines=pipeline, out=tmp_path / "out")
    assert (tmp_path / "out" / "firings.jsonl").read_bytes() == b""
    assert len(pl.read_parquet(tmp_path / "out" / "candles.parquet")) == 0


def test_unknown_timeframes_and_sessions_are_refused(tape: Path, pipeline: Path, tmp_path: Path) -> None:
    assert "--timeframes: found '2m'" in _problem(tape, pipeline, tmp_path / "out", timeframes="1m,2m")
    assert "--session: found 'night'" in _problem(tape, pipeline, tmp_path / "out", session="night")


def test_a_folder_that_cannot_be_made_is_said(tape: Path, pipeline: Path, tmp_path: Path) -> None:
    _write(tmp_path / "file", "")
    with pytest.raises(InvalidInput, match="--out"):
        replay([tape], pipelines=pipeline, out=tmp_path / "file" / "out")


def test_the_end_of_a_replay_is_told_in_words(
    tape: Path, pipeline: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    replay([tape], pipelines=pipeline, out=tmp_path / "out", timeframes="1m")
    said = capsys.readouterr()
    assert "24 trades of 1 symbols, 2025-03-10" in said.out
    assert "24 applied" in said.out
    assert "trades a second" in said.out
    assert "breakout/trigger" in said.out
    assert "suppressed: baseline 1" in said.out
    assert said.err == ""  # progress is for a terminal
    replay([tape], pipelines=pipeline, out=tmp_path / "out", quiet=True)
    assert capsys.readouterr() == ("", "")


def test_two_halves_of_a_tape_are_the_tape(tape: Path, pipeline: Path, tmp_path: Path) -> None:
    whole = pl.read_parquet(tape)
    (tmp_path / "halves").mkdir()
    whole[:10].write_csv(tmp_path / "halves" / "b.csv")
    whole[10:].write_parquet(tmp_path / "halves" / "a.parquet")
    replay([tape], pipelines=pipeline, out=tmp_path / "one", quiet=True)
    replay([tmp_path / "halves"], pipelines=pipeline, out=tmp_path / "two", quiet=True)
    for file in (tmp_path / "one").iterdir():
        assert file.read_bytes() == (tmp_path / "two" / file.name).read_bytes(), file.name


def test_a_replay_that_fails_or_is_stopped_leaves_what_was_there(tape: Path, pipeline: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    replay([tape], pipelines=pipeline, out=out, quiet=True)
    before = {file.name: file.read_bytes() for file in out.iterdir()}
    n = 300_000  # half of them fire: many seconds of writing
    trades = {"symbol": pl.repeat(SYMBOL, n, eager=True), "ts_ms": at("10:00:00") + pl.arange(n, eager=True)}
    zigzag = 99.0 + 2 * (pl.arange(n, eager=True) % 2) + 1e-6 * pl.arange(n, eager=True)
    pl.DataFrame({**trades, "price": zigzag, "size": zigzag}).write_parquet(tmp_path / "long.parquet")
    arguments = ["replay", str(tmp_path / "long.parquet"), "--pipelines", str(pipeline), "--out", str(out)]
    running = subprocess.Popen(
        [sys.executable, "-m", "cli.main", *arguments],
        stderr=subprocess.PIPE, text=True, start_new_session=True, env={**os.environ, "TERM": "dumb"},
    )  # fmt: skip
    try:
        wait_until((out / ".firings.jsonl.part").exists, timeout_s=30, what="the replay has begun")
        running.send_signal(signal.SIGINT)  # what Ctrl-C sends
        _, said = running.communicate(timeout=120)
    finally:
        running.kill()
    assert (running.returncode, said) == (130, "tapewatch: stopped; nothing was written\n")
    assert {file.name: file.read_bytes() for file in out.iterdir()} == before
