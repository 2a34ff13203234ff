"""`tapewatch bench`: how fast is it here? Each prints its figures beside their targets, and checks its own result."""

from __future__ import annotations

import itertools
import json
import sys
from typing import Annotated

import typer

from core.errors import ConfigError

app = typer.Typer(help="Measure on this machine. Leave it idle meanwhile: trust ratios, not single figures.")


@app.callback()
def _bench() -> None: ...


@app.command("engine")
def engine(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, for machines")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="a tenth of everything, in about a minute")] = False,
) -> None:
    """Candles, indicators and triggers: trades a second, beside plain C and other libraries in the same run.

    Ten thousand symbols with six timeframes, up to a million triggers; five to ten minutes. Exit code 1 where two
    ways of doing the same work gave two results; a missed target is printed, and is no error.
    """
    try:
        from benchmarks.engine import result, scenario
    except ImportError as missing:
        sys.stderr.write(f"tapewatch: the benchmarks need the checkout and its packages ({missing}); run: make setup\n")
        raise typer.Exit(2) from None
    size = scenario.QUICK if quick else scenario.FULL
    found: list[result.Figure] = []
    try:
        for figure in scenario.figures(size):
            found.append(figure)
            sys.stderr.write(f"{figure.name} …\n")
    except AssertionError as wrong:
        sys.stderr.write(f"tapewatch: the benchmark found a wrong result: {wrong}\n")
        raise typer.Exit(1) from None
    if as_json:
        plain = {"symbols": size.symbols, "trades": size.trades, "figures": [figure.plain() for figure in found]}
        sys.stdout.write(json.dumps(plain, indent=1, allow_nan=False, default=str) + "\n")
    else:
        sys.stdout.write(result.table(found) + "\n")


@app.command("history")
def history(
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, for machines")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="a seventh of everything")] = False,
) -> None:
    """Candles into ClickHouse and out again: an import, the flow's writer, and what the page asks.

    Against an engine of its own in a folder that is removed after it; one to two minutes. Exit code 1 where the
    engine holds something else than was sent; a missed target is printed, and is no error.
    """
    try:
        from benchmarks.engine.result import Figure, table
        from benchmarks.history import inserts
    except ImportError as missing:
        sys.stderr.write(f"tapewatch: the benchmarks need the checkout and its packages ({missing}); run: make setup\n")
        raise typer.Exit(2) from None
    size = inserts.QUICK if quick else inserts.FULL
    found: list[Figure] = []
    try:
        for figure in inserts.figures(size):
            found.append(figure)
            sys.stderr.write(f"{figure.name} …\n")
    except AssertionError as wrong:
        sys.stderr.write(f"tapewatch: the benchmark found a wrong result: {wrong}\n")
        raise typer.Exit(1) from None
    if as_json:
        plain = {"imported": size.imported, "written": size.written, "figures": [figure.plain() for figure in found]}
        sys.stdout.write(json.dumps(plain, indent=1, allow_nan=False, default=str) + "\n")
    else:
        sys.stdout.write(table(found) + "\n")


@app.command("latency")
def latency(
    rate: Annotated[list[int] | None, typer.Option(min=100, help="trades a second; may be given again")] = None,
    triggers: Annotated[list[int] | None, typer.Option(min=20, help="armed triggers; may be given again")] = None,
    seconds: Annotated[float, typer.Option(min=1.0, help="of each measurement")] = 30.0,
    broker: Annotated[
        list[str] | None, typer.Option(help="embedded, apache (`make kafka` first) or HOST:PORT; may be given again")
    ] = None,
    executions: Annotated[
        bool, typer.Option("--executions", help="until an execution started, too: one firing a second, one worker")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, for machines")] = False,
) -> None:
    """From a trade received until its firing can be read on Kafka, at a fixed rate, whatever comes back.

    Services, intake and market flow are its own, in a folder that is removed after it. By default 10,000 trades a
    second and 100,000 triggers on the embedded broker. Exit code 1 where a firing was lost, came twice or was not to
    be expected; a missed target is printed, and is no error.
    """
    try:
        from benchmarks.engine.result import Figure, table
        from benchmarks.stream import execution
        from benchmarks.stream import latency as stream
    except ImportError as missing:
        sys.stderr.write(f"tapewatch: the benchmarks need the checkout and its packages ({missing}); run: make setup\n")
        raise typer.Exit(2) from None
    size = stream.Size(rate or [stream.TARGET_RATE], triggers or [stream.TARGET_TRIGGERS], seconds=seconds)
    found: list[Figure] = []
    try:
        for one in broker or ["embedded"]:
            until_started = execution.figures(execution.Load(seconds=seconds), one) if executions else ()
            for figure in itertools.chain(stream.figures(size, one), until_started):
                found.append(figure)
                sys.stderr.write(f"{figure.name} …\n")
    except ConfigError as error:
        sys.stderr.write(f"tapewatch: {error}\n")
        raise typer.Exit(2) from None
    except AssertionError as wrong:
        sys.stderr.write(f"tapewatch: the benchmark found a wrong result: {wrong}\n")
        raise typer.Exit(1) from None
    if as_json:
        plain = {"seconds": seconds, "symbols": size.symbols, "figures": [figure.plain() for figure in found]}
        sys.stdout.write(json.dumps(plain, indent=1, allow_nan=False, default=str) + "\n")
    else:
        sys.stdout.write(table(found) + "\n")


@app.command("throughput")
def throughput(
    rate: Annotated[int, typer.Option(min=1_000, help="trades a second")] = 1_000_000,
    seconds: Annotated[float, typer.Option(min=2.0, help="how long; from 300 on memory has a target too")] = 60.0,
    triggers: Annotated[int, typer.Option(min=20, help="armed triggers, none of which fires")] = 1_000,
    flows: Annotated[int, typer.Option(min=1, max=4, help="market flow processes")] = 1,
    broker: Annotated[str, typer.Option(help="embedded, apache (`make kafka` first) or HOST:PORT")] = "embedded",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, for machines")] = False,
) -> None:
    """Trades a second through Kafka and the market flow into ClickHouse, with what lags and what memory grows.

    Services, load and flows are its own, in a folder that is removed after it. The embedded broker keeps what it is
    sent in memory: some 10 MB a second at the default rate. Exit code 1 where a trade was lost or a candle is not
    what was sent; a missed target is printed, and is no error.
    """
    try:
        from benchmarks.engine.result import Figure, table
        from benchmarks.stream import throughput as stream
    except ImportError as missing:
        sys.stderr.write(f"tapewatch: the benchmarks need the checkout and its packages ({missing}); run: make setup\n")
        raise typer.Exit(2) from None
    load = stream.Load(rate=rate, seconds=seconds, triggers=triggers, flows=flows)
    try:
        found: list[Figure] = list(stream.figures(load, broker))
    except ConfigError as error:
        sys.stderr.write(f"tapewatch: {error}\n")
        raise typer.Exit(2) from None
    except AssertionError as wrong:
        sys.stderr.write(f"tapewatch: the benchmark found a wrong result: {wrong}\n")
        raise typer.Exit(1) from None
    if as_json:
        plain = {"seconds": seconds, "symbols": load.symbols, "figures": [figure.plain() for figure in found]}
        sys.stdout.write(json.dumps(plain, indent=1, allow_nan=False, default=str) + "\n")
    else:
        sys.stdout.write(table(found) + "\n")


@app.command("restart")
def restart(
    symbols: Annotated[int, typer.Option(min=20, help="that trade")] = 10_000,
    triggers: Annotated[int, typer.Option(min=20, help="armed triggers")] = 100_000,
    seconds: Annotated[float, typer.Option(min=5.0, help="how long trades go on, around the kill")] = 60.0,
    broker: Annotated[str, typer.Option(help="embedded, apache (`make kafka` first) or HOST:PORT")] = "embedded",
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, for machines")] = False,
) -> None:
    """From kill -9 of the market flow, started again at once, until the first new firing can be read.

    Services, trades and flow are its own, in a folder that is removed after it. Exit code 1 where a firing was lost
    or a trade fired under two ids; a missed target is printed, and is no error.
    """
    try:
        from benchmarks.engine.result import Figure, table
        from benchmarks.stream import restart as stream
    except ImportError as missing:
        sys.stderr.write(f"tapewatch: the benchmarks need the checkout and its packages ({missing}); run: make setup\n")
        raise typer.Exit(2) from None
    size = stream.Size(symbols=symbols, triggers=triggers, seconds=seconds)
    try:
        found: list[Figure] = list(stream.figures(size, broker))
    except ConfigError as error:
        sys.stderr.write(f"tapewatch: {error}\n")
        raise typer.Exit(2) from None
    except AssertionError as wrong:
        sys.stderr.write(f"tapewatch: the benchmark found a wrong result: {wrong}\n")
        raise typer.Exit(1) from None
    if as_json:
        plain = {"symbols": symbols, "triggers": triggers, "figures": [figure.plain() for figure in found]}
        sys.stdout.write(json.dumps(plain, indent=1, allow_nan=False, default=str) + "\n")
    else:
        sys.stdout.write(table(found) + "\n")


@app.command("agents")
def agents(
    quick: Annotated[bool, typer.Option("--quick", help="a quarter of everything, in about a minute")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="one JSON object, for machines")] = False,
) -> None:
    """What a whole chain of seven agents costs a worker process, and how many one worker takes.

    Against a model server of its own that answers at once, then one that takes two seconds a call. Services, worker
    and server are its own, in a folder that is removed after it; some three minutes. Exit code 1 where an execution
    did not go all the way to a protected position and its report; a missed target is printed, and is no error.
    """
    try:
        from benchmarks.agents import chains
        from benchmarks.engine.result import Figure, table
    except ImportError as missing:
        sys.stderr.write(f"tapewatch: the benchmarks need the checkout and its packages ({missing}); run: make setup\n")
        raise typer.Exit(2) from None
    load = chains.QUICK if quick else chains.FULL
    found: list[Figure] = []
    try:
        for figure in chains.figures(load):
            found.append(figure)
            sys.stderr.write(f"{figure.name} …\n")
    except AssertionError as wrong:
        sys.stderr.write(f"tapewatch: the benchmark found a wrong result: {wrong}\n")
        raise typer.Exit(1) from None
    if as_json:
        plain = {"in_flight": load.in_flight, "delay_s": load.delay_s, "figures": [f.plain() for f in found]}
        sys.stdout.write(json.dumps(plain, indent=1, allow_nan=False, default=str) + "\n")
    else:
        sys.stdout.write(table(found) + "\n")
