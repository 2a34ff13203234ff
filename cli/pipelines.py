"""`tapewatch pipelines`: pipelines as text. `lint` works offline, the others speak to the API."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import msgspec
import typer

if TYPE_CHECKING:
    from cli.client import ApiClient
    from core.errors import Problem
    from core.pipeline import PipelineConfig

app = typer.Typer(help="Keep pipelines as text: check, apply, export, pause and resume them.", no_args_is_help=True)

Files = Annotated[list[Path], typer.Argument(help="JSON or YAML files, or folders of them.")]
Which = Annotated[str, typer.Argument(metavar="PIPELINE", help="Its id, or its name.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
_SUFFIXES = (".json", ".yaml", ".yml")


class Remark(msgspec.Struct):
    path: str
    found: str
    expected: str


class Trigger(msgspec.Struct):
    """Where a pipeline's trigger stands for one symbol."""

    symbol: str
    state: str
    detail: str = ""


class Summary(msgspec.Struct, kw_only=True):
    """What the API says of a pipeline, as far as it is printed."""

    id: str
    name: str
    symbols: list[str]
    state: str
    version: int
    trigger_version: int
    trigger_words: str
    executions: int
    triggers: list[Trigger] = []


class Full(Summary, kw_only=True):
    config: msgspec.Raw
    lint: list[Remark]


class Page(msgspec.Struct):
    items: list[Summary]
    next_cursor: str | None = None


@app.command("lint")
def lint_files(files: Files, *, as_json: AsJson = False) -> None:
    """Say all that is wrong with pipelines, and what is odd. Nothing needs to run.

    Exit code 0: all can be armed, perhaps with warnings; 1: some cannot.
    """
    from core.clock import SystemClock
    from core.errors import InvalidInput
    from core.pipeline import check, lint
    from core.settings import load
    from engine.lint import FeedData

    feed = FeedData(slots=load().finnhub_symbol_limit)
    verdicts: list[_Verdict] = []
    for path in _expand(files):
        warnings: list[Remark] = []
        try:
            config = _load(path)
            problems = check(config)
            if not problems:
                warnings = [_remark(w) for w in lint(config, now_ms=SystemClock().now_ms(), feed=feed)]
        except InvalidInput as invalid:
            problems = list(invalid.problems)
        verdicts.append(_Verdict(file=str(path), problems=[_remark(p) for p in problems], warnings=warnings))
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(verdicts)).decode() + "\n")
    else:
        for verdict in verdicts:
            _print_verdict(verdict)
    raise typer.Exit(1 if any(verdict.problems for verdict in verdicts) else 0)


@app.command("list")
def list_pipelines(*, as_json: AsJson = False) -> None:
    """List your pipelines, the last changed first."""
    summaries = _all(_client())
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(summaries)).decode() + "\n")
        return
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=None, pad_edge=False)
    for column in ("pipeline", "id", "state", "version", "symbols", "executions", "trigger stands", "trigger"):
        table.add_column(column, overflow="fold")
    for one in summaries:
        cells = (one.name, one.id, one.state, str(one.version), ", ".join(one.symbols), str(one.executions))
        table.add_row(*(escape(cell) for cell in (*cells, standing(one), one.trigger_words)))
    Console(highlight=False).print(table)


def standing(pipeline: Summary) -> str:
    """Return how its trigger stands: one state for all symbols, or one a symbol with its reason where they differ."""
    if pipeline.state != "active" or not pipeline.triggers:
        return ""
    said = {f"{one.state.replace('_', ' ')}: {one.detail}" for one in pipeline.triggers}
    if len(said) == 1:
        return said.pop()
    return "; ".join(f"{one.symbol} {one.state.replace('_', ' ')}: {one.detail}" for one in pipeline.triggers)


@app.command("show")
def show_pipeline(pipeline: Which) -> None:
    """Print one pipeline: its state, its trigger as a sentence, its JSON."""
    client = _client()
    found = _full(client, id_of(client, pipeline))
    sys.stdout.write(f"{found.name}  {found.id}\n{found.state}, version {found.version}, trigger version ")
    sys.stdout.write(f"{found.trigger_version}, {found.executions} executions\n{found.trigger_words}\n")
    for trigger in found.triggers:
        sys.stdout.write(f"{trigger.symbol}  {trigger.state.replace('_', ' ')}: {trigger.detail}\n")
    for remark in found.lint:
        sys.stdout.write(f"warning  {remark.path}: {remark.expected}\n")
    sys.stdout.write(msgspec.json.format(bytes(found.config)).decode() + "\n")


@app.command("apply")
def apply_files(
    files: Files,
    *,
    activate: Annotated[bool, typer.Option("--activate", help="Arm them at once.")] = False,
) -> None:
    """Create pipelines, or save new versions of those whose id exists.

    All files are checked first: with one mistake in any of them nothing is changed.
    """
    from core.errors import InvalidInput
    from core.pipeline import check

    configs: list[PipelineConfig] = []
    problems: list[Problem] = []
    for path in _expand(files):
        try:
            config = _load(path)
            found = check(config)
        except InvalidInput as invalid:
            problems += [_in_file(path, problem) for problem in invalid.problems]
            continue
        problems += [_in_file(path, problem) for problem in found]
        configs.append(config)
    if problems:
        raise InvalidInput(problems)
    client = _client()
    for config in configs:
        saved, done = _save(client, config, activate=activate)
        sys.stdout.write(f"{done}  {saved.name}  {saved.id}  {saved.state}, version {saved.version}\n")


@app.command("export")
def export_pipelines(
    pipelines: Annotated[list[str] | None, typer.Argument(metavar="PIPELINE…", help="Ids or names; none: all.")] = None,
    *,
    out: Annotated[Path | None, typer.Option("--out", help="A folder: one file each. Else to the terminal.")] = None,
) -> None:
    """Write pipelines as JSON, as `apply` reads them."""
    client = _client()
    ids = [id_of(client, one) for one in pipelines] if pipelines else [one.id for one in _all(client)]
    for pipeline_id in ids:
        text = json.dumps(json.loads(bytes(_full(client, pipeline_id).config)), indent=2, ensure_ascii=False) + "\n"
        if out is None:
            sys.stdout.write(text)
            continue
        out.mkdir(parents=True, exist_ok=True)
        path = out / f"{pipeline_id}.json"
        path.write_text(text)
        sys.stdout.write(f"{path}\n")


@app.command("pause")
def pause_pipeline(pipeline: Which) -> None:
    """Disarm a pipeline's trigger. Executions at work go on."""
    _change(pipeline, "pause")


@app.command("resume")
def resume_pipeline(pipeline: Which) -> None:
    """Arm a pipeline's trigger, from now on."""
    _change(pipeline, "resume")


class _Verdict(msgspec.Struct):
    file: str
    problems: list[Remark]
    warnings: list[Remark]


def _client() -> ApiClient:
    from cli.client import ApiClient
    from core import settings

    return ApiClient(settings.load())


def _all(client: ApiClient) -> list[Summary]:
    page = client.get("/pipelines?limit=100", Page)
    items = list(page.items)
    while page.next_cursor is not None:
        page = client.get(f"/pipelines?limit=100&cursor={page.next_cursor}", Page)
        items += page.items
    return items


def _full(client: ApiClient, pipeline_id: str) -> Full:
    return client.get(f"/pipelines/{pipeline_id}", Full)


def id_of(client: ApiClient, wanted: str) -> str:
    """Return the id of the pipeline with this id or name.

    Raises:
        NotFound: there is none; Conflict: several have the name.
    """
    from core.errors import Conflict, NotFound

    found = [one.id for one in _all(client) if wanted in (one.id, one.name)]
    if not found:
        raise NotFound(f"no pipeline with the id or name {wanted!r}; see: tapewatch pipelines list")
    if len(found) > 1:
        raise Conflict(f"{len(found)} pipelines are called {wanted!r}: give the id, one of {', '.join(found)}")
    return found[0]


def _save(client: ApiClient, config: PipelineConfig, *, activate: bool) -> tuple[Full, Literal["created", "updated"]]:
    from core.errors import NotFound

    body: dict[str, object] = {"config": config.to_json()}
    if activate:
        body["state"] = "active"
    try:
        known = _full(client, config.id)
    except NotFound:
        return client.post("/pipelines", body, Full), "created"
    return client.put(f"/pipelines/{config.id}?version={known.version}", body, Full), "updated"


def _change(pipeline: str, verb: Literal["pause", "resume"]) -> None:
    client = _client()
    changed = client.post(f"/pipelines/{id_of(client, pipeline)}/{verb}", {}, Summary)
    sys.stdout.write(f"{changed.name}  {changed.id}  {changed.state}\n")


def _expand(files: list[Path]) -> list[Path]:
    """Return the files, those of a folder in the order of their names.

    Raises:
        InvalidInput: a path that is neither, or a folder without pipelines.
    """
    from core.errors import InvalidInput, Problem

    paths: list[Path] = []
    for path in files:
        inside = sorted(p for p in path.iterdir() if p.suffix in _SUFFIXES) if path.is_dir() else [path]
        if not inside:
            raise InvalidInput([Problem(str(path), "a folder without pipelines", "files *.json or *.yaml")])
        if not path.exists():
            raise InvalidInput([Problem(str(path), "no such file", "a JSON or YAML file, or a folder")])
        paths += inside
    return paths


def _load(path: Path) -> PipelineConfig:
    from core.errors import InvalidInput, Problem
    from core.pipeline import load_text

    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise InvalidInput([Problem("", f"a file that cannot be read: {reason}", "a text file")]) from None
    return load_text(text, name=path.name)


def _in_file(path: Path, problem: Problem) -> Problem:
    from core.errors import Problem

    return Problem(f"{path}: {problem.path}" if problem.path else str(path), problem.found, problem.expected)


def _remark(problem: Problem) -> Remark:
    return Remark(path=problem.path, found=problem.found, expected=problem.expected)


def _sentence(problem: Remark) -> str:
    where = f"{problem.path}: " if problem.path else ""
    return f"{where}found {problem.found}; {problem.expected}"


def _print_verdict(verdict: _Verdict) -> None:
    if not verdict.problems:
        sys.stdout.write(f"{verdict.file}: ok\n")
    for problem in verdict.problems:
        sys.stderr.write(f"{verdict.file}: {_sentence(problem)}\n")
    for warning in verdict.warnings:
        sys.stdout.write(f"{verdict.file}: warning  {warning.path}: {warning.expected}\n")
