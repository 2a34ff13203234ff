"""`tapewatch fire PIPELINE`: fire a pipeline's trigger by hand."""

from __future__ import annotations

import sys
from typing import Annotated

import msgspec
import typer


class Accepted(msgspec.Struct):
    firing_id: str
    execution_id: str
    symbol: str


def fire(
    pipeline: Annotated[str, typer.Argument(metavar="PIPELINE", help="Its id, or its name.")],
    *,
    symbol: Annotated[str, typer.Option(help="One of its symbols; the first if left out.")] = "",
    watch: Annotated[bool, typer.Option("--watch", help="Follow the execution until it ends.")] = False,
) -> None:
    """Fire a pipeline's trigger by hand, once. Budget, overlap and the other rules apply as to any firing."""
    from cli.client import ApiClient
    from cli.executions import follow
    from cli.pipelines import id_of
    from core import settings

    client = ApiClient(settings.load())
    body = {"symbol": symbol} if symbol else {}
    accepted = client.post(f"/pipelines/{id_of(client, pipeline)}/fire", body, Accepted)
    sys.stdout.write(f"fired {accepted.symbol}, execution {accepted.execution_id}\n")
    sys.stdout.flush()
    if watch:
        follow(client, accepted.execution_id)
