"""Every setting of every process: typed, frozen, read from `TAPEWATCH_*` by `load()` when a process starts.

Durations carry their unit in the name. Defaults suit one machine; nothing here asks "embedded or not".
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Literal

from pydantic import AliasChoices, Field, SecretStr, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from core.errors import ConfigError

PREFIX = "TAPEWATCH_"


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", populate_by_name=True)

    data_dir: Path = Field(default=Path("data"), description="Checkpoints, spills and other files of a process.")
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    log_format: Literal["json", "text"] = Field(default="json", description="json: one object a line.")
    metrics_port: int = Field(default=0, ge=0, le=65535, description="Prometheus port; shard i adds i; 0 = none.")
    metrics_address: str = Field(default="127.0.0.1", description="Listens there; 0.0.0.0 in a container.")

    # Kafka
    kafka_brokers: str = Field(default="127.0.0.1:9092", description="Comma-separated host:port.")
    kafka_idempotence: bool = Field(
        default=True,
        description="false for a broker that forgets producers when it restarts: they would never be heard again.",
    )
    topic_prefix: str = Field(default="", description="Put before each topic name, e.g. `staging.`.")
    trades_partitions: int = Field(default=4, ge=1, description="Fixed once the topic exists.")

    # Stores
    postgres_url: SecretStr = Field(
        default=SecretStr("postgresql://postgres@127.0.0.1:5432/tapewatch"),
        description="postgresql://user:pw@host/db",
    )
    redis_url: SecretStr = Field(default=SecretStr("redis://127.0.0.1:6379/0"), description="State cache, live data.")
    celery_broker_url: SecretStr = Field(default=SecretStr("redis://127.0.0.1:6379/1"), description="Task queue.")
    clickhouse_url: str = Field(default="http://127.0.0.1:8123", description="HTTP endpoint.")
    clickhouse_user: str = "default"
    clickhouse_password: SecretStr = SecretStr("")
    clickhouse_database: str = "tapewatch"
    blob_url: str = Field(default="", description="file:///dir or s3://bucket; empty = DATA_DIR/blobs.")

    # Feed
    finnhub_api_key: SecretStr = Field(default=SecretStr(""), description="Key of the market data feed.")
    finnhub_ws_url: str = "wss://ws.finnhub.io"
    finnhub_rest_url: str = "https://finnhub.io/api/v1"
    finnhub_symbol_limit: int = Field(default=50, ge=1, description="Symbols one key may subscribe.")
    finnhub_calls_per_minute: int = Field(default=60, ge=1)
    finnhub_news_stream: bool = Field(
        default=False, description="true for a plan with news on the socket: they only make REST be asked sooner."
    )
    alpaca_data_key: SecretStr = Field(
        default=SecretStr(""),
        description="Key id for Alpaca's data: bars that warm indicators up, and trading halts; empty = none.",
    )
    alpaca_data_secret: SecretStr = SecretStr("")
    alpaca_data_url: str = "https://data.alpaca.markets"
    alpaca_stream_url: str = Field(
        default="wss://stream.data.alpaca.markets/v2", description="Where halts come from; empty = not asked for."
    )
    alpaca_data_feed: Literal["iex", "sip"] = Field(default="iex", description="sip: the whole tape, a paid plan.")
    alpaca_calls_per_minute: int = Field(default=200, ge=1)
    feed_name: str = Field(default="finnhub", description="Stands in every candle and firing.")
    feed_clock: Literal["receipt", "player"] = Field(
        default="receipt", description="player: feed time comes from the simulator's clock."
    )
    watch_symbols: str = Field(default="", description="Comma-separated symbols to watch besides those of pipelines.")
    odd_lots: Literal["session", "never", "always"] = Field(
        default="session", description="When an odd lot sets the price: in extended hours only, never, always."
    )
    close_grace_ms: int = Field(
        default=2000, ge=0, description="A candle closes this long after its end without a trade."
    )
    mark_interval_ms: int = Field(default=250, ge=50)
    gap_tolerance_ms: int = Field(default=10_000, ge=0, description="A longer loss of the feed makes values UNKNOWN.")
    calendars: str = Field(default="ASX=XASX,LSE=XLON", description="PREFIX=CALENDAR pairs; bare symbols are XNYS.")

    # Flows
    checkpoint_interval_ms: int = Field(default=2000, ge=100, description="How often a flow saves its state.")
    keep_trades: bool = Field(
        default=False, description="true: every trade goes into ClickHouse too, into trades_tape, for 30 days."
    )
    spill_max_mb: int = Field(
        default=1024, ge=1, description="Disk for history that waits while ClickHouse is away; beyond, the oldest goes."
    )
    candle_indicators: str = Field(
        default=(
            "SMA_20,EMA_20,RSI_14,MACD_12_26_9.line,MACD_12_26_9.signal,MACD_12_26_9.histogram,"
            "BBANDS_20_2.upper,BBANDS_20_2.middle,BBANDS_20_2.lower,ATR_14"
        ),
        description="Indicator columns stored with every candle, besides those that triggers read.",
    )

    # Models
    openai_api_key: SecretStr = Field(
        default=SecretStr(""),
        validation_alias=AliasChoices(PREFIX + "OPENAI_API_KEY", "OPENAI_API_KEY"),
        description="Without it the `rules` provider answers.",
    )
    openai_base_url: str = Field(
        default="https://api.openai.com/v1",
        validation_alias=AliasChoices(PREFIX + "OPENAI_BASE_URL", "OPENAI_BASE_URL"),
        description="Any OpenAI-compatible server.",
    )
    llm_model: str = Field(default="gpt-5-mini", description="Model of the bias and strategy crews.")
    llm_report_model: str = Field(default="gpt-5-nano", description="Model of summaries.")
    llm_timeout_ms: int = Field(default=30_000, ge=100)
    llm_max_output_tokens: int = Field(default=4000, ge=100, description="Of one call; what it may cost is reserved.")
    llm_prices: str = Field(
        default="",
        description="MODEL=INPUT/OUTPUT or MODEL=INPUT/OUTPUT/CACHED, USD per million tokens; beats the price library.",
    )
    budget_execution_usd: Decimal = Field(default=Decimal("0.50"), description="Most that one execution may spend.")
    budget_daily_usd: Decimal = Field(default=Decimal("10"), description="Default daily limit of a user.")
    trading_halted: bool = Field(default=False, description="The kill switch: true = no new position is opened.")

    # API and page
    api_host: str = "127.0.0.1"
    api_port: int = 8000
    public_url: str = Field(default="", description="Origin the browser uses; empty = http://API_HOST:API_PORT.")
    web_dir: Path = Field(default=Path("web/dist/tapewatch/browser"), description="The built page.")
    session_secret: SecretStr = Field(default=SecretStr(""), description="Signs access tokens; at least 32 characters.")
    secure_cookies: bool = Field(default=False, description="true behind HTTPS.")
    demo_user: bool = Field(default=False, description="Seed demo@tapewatch.local and the example pipelines.")
    demo_password: SecretStr = SecretStr("")
    examples_dir: Path = Field(default=Path("examples"), description="Pipelines seeded for the demo user.")
    master_key_file: Path | None = Field(default=None, description="Keys that wrap the data keys of credentials.")
    kms_key_id: str = Field(default="", description="Key in AWS KMS that wraps them instead: id, ARN or alias.")

    # Console command
    cli_email: str = Field(default="demo@tapewatch.local", description="Who `tapewatch pipelines` logs in as.")
    cli_password: SecretStr = Field(default=SecretStr(""), description="Empty = TAPEWATCH_DEMO_PASSWORD.")

    # Agents
    worker_threads: int = Field(
        default=8,
        ge=1,
        description="Executions in flight in one worker; 50 is measured, more is another worker's work.",
    )
    step_timeout_seconds: int = Field(default=180, ge=1, description="Longest that one step may take.")
    lease_seconds: int = Field(default=15, ge=3, description="A dead worker's execution is taken over after this.")
    paper_cash_usd: Decimal = Field(default=Decimal("100000"), description="Start balance of a paper account.")

    # Notifications
    smtp_url: SecretStr = Field(
        default=SecretStr(""), description="Mail server: smtp://USER:PASSWORD@HOST:587, or smtps://…; empty: no email."
    )
    mail_from: str = Field(default="tapewatch@localhost", description="Sender of emails.")
    telegram_url: str = Field(default="https://api.telegram.org", description="Telegram's bot API.")
    notify_private_addresses: bool = Field(
        default=False,
        description="true: webhooks may go to this machine and its network. Never where users are strangers.",
    )

    embedded_broker_mb: int = Field(
        default=512, ge=64, description="Memory of the broker of `tapewatch up`; above it the oldest records go."
    )

    @property
    def origin(self) -> str:
        return self.public_url or f"http://{self.api_host}:{self.api_port}"


def load() -> Settings:
    """Read the environment.

    Raises:
        ConfigError: names each variable, what was found and what would be right; never shows a secret.
    """
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{_variable(e['loc'])}: {e['msg']}" for e in error.errors(include_input=False)]
        raise ConfigError("\n".join(lines)) from None


def _variable(location: tuple[int | str, ...]) -> str:
    name = str(location[0]) if location else "?"
    return name if name.startswith(PREFIX) or name.isupper() else PREFIX + name.upper()
