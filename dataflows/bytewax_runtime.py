"""Our flows on Bytewax: one worker, one source, one step, one sink.

One independent single-worker process a core, never a Bytewax cluster: Kafka distributes. Its recovery is off: the
flows keep their own offsets, together with what belongs to them (`dataflows.checkpoint`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, cast

import bytewax.operators as op
from bytewax import _bytewax
from bytewax.dataflow import Dataflow
from bytewax.operators import StatefulBatchLogic
from confluent_kafka import Message
from typing_extensions import override

from dataflows.bytewax_ends import ONE, Sink, Source
from dataflows.effects import Effects
from dataflows.poll import Poll
from dataflows.stream import Stream

if TYPE_CHECKING:
    # A market flow that starts again must not wait for what only the cost flow needs.
    from dataflows.history import HistoryStream, Rows

_EPOCH = timedelta(seconds=10)
_run = cast("Callable[..., None]", getattr(_bytewax, "run_main"))  # noqa: B009 - it has no types


def run_market(stream: Stream) -> None:
    """Run the market flow to its end in the calling thread."""

    def read() -> Sequence[Poll] | None:
        poll = stream.read()
        if poll is None:
            return None
        return () if stream.is_idle(poll) else (poll,)

    flow = Dataflow("market")
    polls = op.input("log", flow, Source(read))
    keyed = op.key_on("shard", polls, lambda _poll: ONE)
    effects = op.stateful_batch("engine", keyed, lambda _state: _Engine(stream))
    op.output("ways_out", effects, Sink(stream.write))
    _run(flow, epoch_interval=_EPOCH)


class _Engine(StatefulBatchLogic[Poll, Effects, None]):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @override
    def on_batch(self, values: list[Poll]) -> tuple[Iterable[Effects], bool]:
        return [effects for effects in map(self._stream.process, values) if effects], StatefulBatchLogic.RETAIN

    @override
    def snapshot(self) -> None:
        return None


def run_costs(stream: HistoryStream) -> None:
    """Run the cost flow to its end in the calling thread."""

    def read() -> Sequence[list[Message]] | None:
        messages = stream.read()
        if messages is None:
            return None
        return (messages,) if messages else ()

    def write(batches: Sequence[Rows]) -> None:
        for rows in batches:
            stream.write(rows)

    flow = Dataflow("costs")
    batches = op.input("log", flow, Source(read))
    rows = op.map("rows", batches, stream.sort)
    op.output("history", op.key_on("one", rows, lambda _rows: ONE), Sink(write))
    _run(flow, epoch_interval=_EPOCH)
