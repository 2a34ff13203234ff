"""`tapewatch executions`: what the pipelines did, step by step, from the API."""

from __future__ import annotations

import sys
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

if TYPE_CHECKING:
    from cli.client import ApiClient

app = typer.Typer(help="List executions, show one with its steps, watch one as it runs.", no_args_is_help=True)

Which = Annotated[str, typer.Argument(metavar="EXECUTION", help="Its id, or the first letters of it.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
UNFINISHED = ("queued", "running", "waiting_approval")
_POLL_S = 1.0
APPEARS_WITHIN_S = 30.0
"""How long a firing may take to become an execution before `watch` gives up."""


class Summary(msgspec.Struct):
    """What the API says of an execution, as far as it is printed."""

    id: str
    pipeline_name: str
    symbol: str
    kind: str
    fired_ms: int
    price: float | None
    status: str
    reason: str
    error: str
    steps_done: int
    steps_total: int
    total_cost_usd: str
    report_id: str | None


class Step(msgspec.Struct):
    node_id: str
    agent_name: str
    status: str
    summary: str
    error: str
    runtime_ms: int
    cost_usd: str
    model: str


class Full(Summary):
    steps: list[Step]


class Page(msgspec.Struct):
    items: list[Summary]


class Event(msgspec.Struct):
    seq: int
    event: str
    at: str
    payload: dict[str, object]


class Events(msgspec.Struct):
    items: list[Event]
    last_seq: int


@app.command("list")
def list_executions(
    *,
    limit: Annotated[int, typer.Option(min=1, max=200, help="How many, the newest first.")] = 20,
    status: Annotated[str, typer.Option(help="Only those: running, completed, failed, …")] = "",
    as_json: AsJson = False,
) -> None:
    """List executions, the newest first."""
    query = f"/executions?limit={limit}" + (f"&status={status}" if status else "")
    found = _client().get(query, Page).items
    if as_json:
        sys.stdout.write(msgspec.json.format(msgspec.json.encode(found)).decode() + "\n")
        return
    for one in found:
        steps = f"{one.steps_done}/{one.steps_total}"
        sys.stdout.write(
            f"{one.id[:8]}  {_moment(one.fired_ms)}  {one.status:<10} {steps:>5}  "
            f"{one.total_cost_usd:>9} USD  {one.symbol}  {one.pipeline_name}{_why(one)}\n"
        )
    if not found:
        sys.stdout.write("no executions yet; fire a pipeline by hand with: tapewatch fire PIPELINE\n")


@app.command("show")
def show_execution(execution: Which, *, as_json: AsJson = False) -> None:
    """Show one execution with its steps."""
    client = _client()
    found = client.get(f"/executions/{_id_of(client, execution)}", msgspec.Raw if as_json else Full)
    if isinstance(found, msgspec.Raw):
        sys.stdout.write(msgspec.json.format(bytes(found)).decode() + "\n")
    else:
        _print_full(found)


@app.command("watch")
def watch_execution(execution: Which) -> None:
    """Follow one execution until it ends. Exit code 0: it completed; 1: it did not."""
    client = _client()
    follow(client, _id_of(client, execution))


def follow(client: ApiClient, execution_id: str) -> None:
    """Print an execution's events as they come, then its steps; wait for one that is still to appear.

    Raises:
        NotFound: it did not appear in time.
        TapewatchError: it ended otherwise than completed.
    """
    from core.errors import NotFound, TapewatchError

    seq, deadline_s = 0, time.monotonic() + APPEARS_WITHIN_S
    while True:
        try:
            events = client.get(f"/executions/{execution_id}/events?after={seq}", Events)
            found = client.get(f"/executions/{execution_id}", Full)
        except NotFound:
            if time.monotonic() > deadline_s:
                raise
            time.sleep(_POLL_S)
            continue
        seq = events.last_seq
        for event in events.items:
            sys.stdout.write(f"{event.at}  {event.event}  {_said(event.payload)}\n")
        if found.status not in UNFINISHED and not events.items:
            break
        time.sleep(_POLL_S)
    _print_full(found)
    if found.status != "completed":
        raise TapewatchError(f"execution {found.id} ended as {found.status}{_why(found)}")


def _client() -> ApiClient:
    from cli.client import ApiClient
    from core import settings

    return ApiClient(settings.load())


def _id_of(client: ApiClient, wanted: str) -> str:
    """Return the id that begins so, among the newest; a whole id is taken as it is.

    Raises:
        NotFound: there is none; Conflict: several begin so.
    """
    from core.errors import Conflict, NotFound

    if len(wanted) == 36:
        return wanted
    found = [one.id for one in client.get("/executions?limit=200", Page).items if one.id.startswith(wanted)]
    if not found:
        raise NotFound(f"no execution begins with {wanted!r}; see: tapewatch executions list")
    if len(found) > 1:
        raise Conflict(f"{len(found)} executions begin with {wanted!r}; give more of the id")
    return found[0]


def _print_full(found: Full) -> None:
    price = "" if found.price is None else f" at {found.price:g}"
    sys.stdout.write(f"{found.pipeline_name}  {found.id}\n{found.symbol}, {found.kind} firing{price}, ")
    sys.stdout.write(f"{_moment(found.fired_ms)}\n{found.status}{_why(found)}, {found.total_cost_usd} USD\n")
    for step in found.steps:
        said = step.error or step.summary
        sys.stdout.write(f"  {step.status:<9} {step.agent_name:<16} {step.runtime_ms:>6} ms  {said}\n")
    if found.report_id:
        sys.stdout.write(f"report {found.report_id}\n")


def _why(one: Summary) -> str:
    why = one.error or one.reason
    return f" ({why})" if why else ""


def _said(payload: dict[str, object]) -> str:
    return ", ".join(f"{key} {value}" for key, value in payload.items() if isinstance(value, str | int | float))


def _moment(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, tz=UTC).strftime("%Y-%m-%d %H:%M:%SZ")
