"""`tapewatch up`: the whole platform in one terminal."""

from __future__ import annotations

from typing import Annotated

import typer

from cli.folder import DEFAULT_DATA_DIR, DataDirOption

_FEED = "simulator, finnhub (needs TAPEWATCH_FINNHUB_API_KEY), or recorded:FILE (Parquet trades)."
_REBASE = "A recording's times: now moves them to the present; none plays each trade at its own time, from the first."
_KAFKA = "host:port of a Kafka broker that keeps its log; without it one in memory is started."
_PORT = "Port of the page; 0: the one of last time, else 8000, else a free one."


def up(
    *,
    feed: Annotated[str, typer.Option(help=_FEED)] = "simulator",
    speed: Annotated[float, typer.Option(min=0.1, max=1000, help="How fast the simulator or recording plays.")] = 1.0,
    rebase: Annotated[str, typer.Option(help=_REBASE)] = "now",
    data_dir: DataDirOption = DEFAULT_DATA_DIR,
    port: Annotated[int, typer.Option(min=0, max=65535, help=_PORT)] = 0,
    kafka: Annotated[str, typer.Option(help=_KAFKA)] = "",
    web: Annotated[bool, typer.Option("--web/--no-web", help="With the page, or only the API.")] = True,
) -> None:
    """Run the whole platform on this machine until Ctrl-C; starting again continues where it was.

    Starts a Kafka-compatible broker, PostgreSQL, Redis and ClickHouse from installed packages, then our own
    processes, and keeps all of them alive. Nothing outside the data folder is written. One folder, one stack:
    a second one needs its own --data-dir.
    """
    from cli.screen import Screen
    from deploy.embedded.options import Options, parse_feed, parse_rebase
    from deploy.embedded.run import run_in_terminal

    kind, recording = parse_feed(feed)
    options = Options(
        data_dir=data_dir, feed=kind, recording=recording, speed=speed, rebase=parse_rebase(rebase), port=port, web=web,
        kafka=kafka,
    )  # fmt: skip
    run_in_terminal(options, Screen(options))
