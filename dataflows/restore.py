"""From what lies on disk to partitions that go on where they were."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from itertools import zip_longest

import msgspec

from core.errors import ConfigError
from core.observability import logger
from core.settings import Settings
from dataflows.checkpoint import InvalidCheckpoint, PartitionFolder, PartitionState, load, set_aside
from dataflows.journal import Journal
from dataflows.outgoing import Recent
from dataflows.partition import Partition
from engine.condition import TIMEFRAMES, Timeframe
from engine.engine import Engine, EngineConfig
from engine.sessions import Calendars
from engine.snapshot import InvalidSnapshot, Snapshot, decode

_log = logger(__name__)


@dataclass(frozen=True, slots=True)
class Restored:
    """`cluster_id` is that of the log the offsets are of, empty where there was no checkpoint."""

    partition: Partition
    recent: Recent
    cluster_id: str
    is_delivered: bool


def owned(settings: Settings, shard: int, of: int) -> list[int]:
    """Return the trade partitions of one process of `of`."""
    return [p for p in range(settings.trades_partitions) if p % of == shard]


def engine_config(settings: Settings) -> EngineConfig:
    """Return the engine's configuration.

    Raises:
        ConfigError: TAPEWATCH_CALENDARS names no calendar.
    """
    pairs = [pair.partition("=") for pair in settings.calendars.split(",") if pair.strip()]
    try:
        calendars = Calendars({prefix.strip(): code.strip() for prefix, _, code in pairs})
    except ValueError as error:
        raise ConfigError(f"TAPEWATCH_CALENDARS: {error}") from None
    return EngineConfig(feed=settings.feed_name, calendars=calendars, close_grace_ms=settings.close_grace_ms)


def watched(settings: Settings) -> list[tuple[str, Timeframe]]:
    """Return the columns that every candle carries."""
    columns = [column.strip() for column in settings.candle_indicators.split(",") if column.strip()]
    return [(column, timeframe) for column in columns for timeframe in TIMEFRAMES]


def restore(
    settings: Settings,
    folders: Mapping[int, PartitionFolder],
    config: EngineConfig,
    columns: Sequence[tuple[str, Timeframe]],
) -> list[Restored]:
    """Return every partition, from its checkpoint or empty.

    A thread reads and checks the next one's file, mostly without the interpreter, while one is built.

    Raises:
        ConfigError: TAPEWATCH_CANDLE_INDICATORS names what is no column.
    """
    found: list[Restored] = []
    with ThreadPoolExecutor(1, "checkpoints") as ahead:
        coming: Future[_Read] | None = None
        for folder, after in zip_longest(folders.values(), list(folders.values())[1:]):
            read = coming.result() if coming is not None else _read(settings, folder)
            coming = ahead.submit(_read, settings, after) if after is not None else None
            found.append(_restored(settings, folder, read, config, columns))
    return found


@dataclass(frozen=True, slots=True)
class _Read:
    state: PartitionState | None = None
    snapshot: Snapshot | None = None


def _read(settings: Settings, folder: PartitionFolder) -> _Read:
    state = _state(settings, folder)
    if state is None:
        return _Read()
    try:
        snapshot = decode(state.engine)
    except InvalidSnapshot as error:
        _set_aside(folder, str(error))
        return _Read()
    return _Read(msgspec.structs.replace(state, engine=b""), snapshot)


def _restored(
    settings: Settings,
    folder: PartitionFolder,
    read: _Read,
    config: EngineConfig,
    columns: Sequence[tuple[str, Timeframe]],
) -> Restored:
    state, engine = read.state, None
    if read.snapshot is not None:
        try:
            engine = Engine.restore(read.snapshot, config)
        except InvalidSnapshot as error:
            _set_aside(folder, str(error))
            state = None
    engine = engine or Engine(config)
    try:
        engine.watch(columns)
    except ValueError as error:
        raise ConfigError(f"TAPEWATCH_CANDLE_INDICATORS: {error}") from None
    cluster_id = state.cluster_id if state else ""
    partition = Partition(
        folder.partition,
        settings.trades_partitions,
        engine,
        Journal(folder.journal, cluster_id),
        trades_next=state.trades_next if state else None,
        control_next=state.control_next if state else None,
        news_next=state.news_next if state else None,
        known=state.known if state else (),
    )
    return Restored(partition, Recent(state.recent if state else ()), cluster_id, state is None or state.is_delivered)


def _state(settings: Settings, folder: PartitionFolder) -> PartitionState | None:
    try:
        state = load(folder.checkpoint)
    except (InvalidCheckpoint, OSError) as error:
        _set_aside(folder, str(error))
        return None
    if state is not None and state.partitions != settings.trades_partitions:
        _set_aside(folder, f"it is one of {state.partitions} partitions, there are {settings.trades_partitions}")
        return None
    return state


def _set_aside(folder: PartitionFolder, reason: str) -> None:
    """Begin this partition anew from the log; the unusable file is kept."""
    try:
        aside = set_aside(folder.checkpoint).name
    except OSError:
        aside = "where it is"
    _log.error(
        "a checkpoint cannot be used, its partition begins anew", partition=folder.partition, reason=reason, kept=aside
    )
