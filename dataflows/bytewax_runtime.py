"""The market flow on Bytewax: one worker, one source, one stateful step, one sink.

One independent single-worker process a core, never a Bytewax cluster: Kafka distributes. Its recovery is off: the
flow's own checkpoint holds state and offsets together (`dataflows.checkpoint`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import bytewax.operators as op
from bytewax._bytewax import run_main  # pyright: ignore[reportUnknownVariableType]
from bytewax.dataflow import Dataflow
from bytewax.inputs import FixedPartitionedSource, StatefulSourcePartition
from bytewax.operators import StatefulBatchLogic
from bytewax.outputs import FixedPartitionedSink, StatefulSinkPartition
from typing_extensions import override

from dataflows.effects import Effects
from dataflows.poll import Poll
from dataflows.stream import Stream

_ONE = "shard"
_EPOCH = timedelta(seconds=10)
_PAST = datetime(2000, 1, 1, tzinfo=UTC)


def run(stream: Stream) -> None:
    """Run a stream to its end in the calling thread."""
    flow = Dataflow("market")
    polls = op.input("log", flow, _Log(stream))
    keyed = op.key_on("one", polls, lambda _poll: _ONE)
    effects = op.stateful_batch("engine", keyed, lambda _state: _Logic(stream))
    op.output("ways_out", effects, _Out(stream))
    run_main(flow, epoch_interval=_EPOCH)


class _Log(FixedPartitionedSource[Poll, None]):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @override
    def list_parts(self) -> list[str]:
        return [_ONE]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _LogPart:
        return _LogPart(self._stream)


class _LogPart(StatefulSourcePartition[Poll, None]):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @override
    def next_batch(self) -> Iterable[Poll]:
        poll = self._stream.read()
        if poll is None:
            raise StopIteration
        return [] if self._stream.is_idle(poll) else [poll]

    @override
    def next_awake(self) -> datetime | None:
        return _PAST  # `read` does the waiting; without this an empty poll costs another millisecond

    @override
    def snapshot(self) -> None:
        return None


class _Logic(StatefulBatchLogic[Poll, Effects, None]):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @override
    def on_batch(self, values: list[Poll]) -> tuple[Iterable[Effects], bool]:
        return [effects for effects in map(self._stream.process, values) if effects], StatefulBatchLogic.RETAIN

    @override
    def snapshot(self) -> None:
        return None


class _Out(FixedPartitionedSink[Effects, None]):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @override
    def list_parts(self) -> list[str]:
        return [_ONE]

    @override
    def build_part(self, step_id: str, for_part: str, resume_state: None) -> _OutPart:
        return _OutPart(self._stream)


class _OutPart(StatefulSinkPartition[Effects, None]):
    def __init__(self, stream: Stream) -> None:
        self._stream = stream

    @override
    def write_batch(self, values: list[Effects]) -> None:
        self._stream.write(values)

    @override
    def snapshot(self) -> None:
        return None
