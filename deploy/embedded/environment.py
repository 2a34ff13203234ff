"""The TAPEWATCH_* variables of an embedded stack: the only thing that tells its processes where they are."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from core.errors import ConfigError
from core.settings import PREFIX, Settings
from deploy.embedded.credentials import Credentials
from deploy.embedded.datadir import DataDir
from deploy.embedded.options import Options, symbols_of
from deploy.embedded.ports import HOST
from deploy.embedded.postgres import Postgres

CHECKOUT = Path(__file__).resolve().parents[2]
# The rest stays outside: parts of the stack read variables of their own (LISTENER_URL, CLUSTER_ID, PGHOST …).
_INHERITED = (
    "PATH", "PYTHONPATH", "HOME", "USER", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "NUMBA_CACHE_DIR",
    "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy",
    "SSL_CERT_FILE", "SSL_CERT_DIR", "REQUESTS_CA_BUNDLE", "OPENAI_API_KEY", "OPENAI_BASE_URL",
)  # fmt: skip
SIMULATOR_KEY = "simulator"
PLAYER_SYMBOLS = 100
# Worth looking at before there is a pipeline: the coins trade at any hour, the shares in theirs.
_PLAYER_WATCHED = (
    "BINANCE:BTCUSDT,BINANCE:ETHUSDT,BINANCE:SOLUSDT,BINANCE:BNBUSDT,BINANCE:XRPUSDT,BINANCE:ADAUSDT,"
    "AAPL,MSFT,NVDA,AMZN,TSLA,SPY"
)


def inherited() -> dict[str, str]:
    """Return what processes get of our own environment."""
    kept = {n: v for n, v in os.environ.items() if n in _INHERITED or n.startswith(PREFIX)}
    kept.setdefault("NUMBA_CACHE_DIR", str(CHECKOUT / ".numba_cache"))
    return {**kept, "PYTHONUNBUFFERED": "1"}


def stack_variables(
    options: Options, directory: DataDir, *, ports: Mapping[str, int], secrets: Credentials
) -> dict[str, str]:
    """Return the variables, with secrets in them."""
    redis = f"redis://{HOST}:{ports['valkey']}"
    database = Postgres(ports["postgres"], directory.part("postgres"), secrets.postgres_password)
    variables = {
        "DATA_DIR": str(directory.root),
        "KAFKA_BROKERS": options.kafka or f"{HOST}:{ports['broker']}",
        # Our own broker forgets producers with its log.
        "KAFKA_IDEMPOTENCE": "true" if options.kafka else "false",
        "POSTGRES_URL": database.url(),
        "REDIS_URL": f"{redis}/0",
        "CELERY_BROKER_URL": f"{redis}/1",
        "CLICKHOUSE_URL": f"http://{HOST}:{ports['clickhouse']}",
        "CLICKHOUSE_USER": "default",
        "CLICKHOUSE_PASSWORD": secrets.clickhouse_password,
        "BLOB_URL": f"file://{directory.part('blobs')}",
        "API_HOST": HOST,
        "API_PORT": str(ports["api"]),
        "SESSION_SECRET": secrets.session_secret,
        "MASTER_KEY_FILE": str(directory.master_key_file),
        "DEMO_USER": "true",
        "DEMO_PASSWORD": secrets.demo_password,
        "EXAMPLES_DIR": str(CHECKOUT / "examples"),
        "WEB_DIR": str(web_dir()),
        **_feed(options, ports),
    }
    return {PREFIX + name: value for name, value in variables.items()}


def web_dir() -> Path:
    """Return where the built page is, or will be."""
    given = os.environ.get(PREFIX + "WEB_DIR")
    return Path(given).resolve() if given else CHECKOUT / "web/dist/tapewatch/browser"


def check_feed(options: Options) -> None:
    """Raises:
    ConfigError: the feed needs a key and there is none.
    """
    if options.feed == "finnhub" and not os.environ.get(PREFIX + "FINNHUB_API_KEY"):
        raise ConfigError(
            f"--feed finnhub: {PREFIX}FINNHUB_API_KEY is not set; set it to the key of your Finnhub account, "
            "or leave out --feed to use the simulator"
        )


def _feed(options: Options, ports: Mapping[str, int]) -> dict[str, str]:
    if options.feed == "finnhub":
        return {"FEED_NAME": "finnhub", "FEED_CLOCK": "receipt"}
    address = f"{HOST}:{ports['simulator']}"
    return {
        "FEED_NAME": options.feed,
        "FEED_CLOCK": "player",
        "FINNHUB_API_KEY": SIMULATOR_KEY,
        "FINNHUB_WS_URL": f"ws://{address}",
        "FINNHUB_REST_URL": f"http://{address}/api/v1",
        # Our own player has room for all of its symbols.
        "FINNHUB_SYMBOL_LIMIT": str(PLAYER_SYMBOLS),
        "FINNHUB_CALLS_PER_MINUTE": "6000",
        # Bars of the real market are no history of a player's prices.
        "ALPACA_DATA_KEY": "",
        "WATCH_SYMBOLS": ",".join(symbols_of(options.recording)) if options.recording else _PLAYER_WATCHED,
    }


def of_running_stack(data_dir: Path) -> dict[str, str]:
    """Return the variables of the stack that runs in a folder, for a command beside it; {} where none runs."""
    directory = DataDir(data_dir.resolve())
    if not directory.run_file.exists():
        return {}
    try:
        return msgspec.json.decode(directory.environment_file.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.DecodeError):
        return {}


def settings_of(variables: Mapping[str, str]) -> Settings:
    """Return the settings that a process with these variables would load."""
    return Settings.model_validate(
        {name.removeprefix(PREFIX).lower(): value for name, value in variables.items() if name.startswith(PREFIX)}
    )
