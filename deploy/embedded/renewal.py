"""Keep the embedded broker's memory bounded: it frees nothing by itself.

When its memory passes the limit it is replaced by an empty one, at a moment when nothing in it is needed:
the source is held (SIGSTOP; what arrives waits in its socket), every consumer reads to the end and says so in its
heartbeat, then the broker is restarted under a new cluster id and the source let go. Clients do what they do after
any loss of the broker: reconnect, make the topics, drop stored offsets, publish triggers again from PostgreSQL.
"""

from __future__ import annotations

import enum
import signal
from collections.abc import Sequence

from deploy.embedded.broker import NAME
from deploy.embedded.part import Part, Status
from deploy.embedded.supervisor import Supervisor

LAG = "lag"
"""Messages a consumer has yet to read, among the numbers of its heartbeat."""
_DRAIN_S = 10.0
_QUIET_S = 1.5
_AGAIN_AFTER_S = 60.0
_BACK_S = 20.0


class _Step(enum.Enum):
    WATCHING = enum.auto()
    DRAINING = enum.auto()
    REPLACING = enum.auto()


class BrokerRenewal:
    """Watches the broker of a running stack; `consumers` are the names of those that must have read all."""

    def __init__(self, *, limit_bytes: int, consumers: Sequence[str], again_after_s: float = _AGAIN_AFTER_S) -> None:
        self._limit_bytes = limit_bytes
        self._consumers = frozenset(consumers)
        self._again_after_s = again_after_s
        self._step = _Step.WATCHING
        self._since_s = 0.0
        self._not_before_s = 0.0
        self._drained_since_s = 0.0
        self.renewals = 0

    def tick(self, stack: Supervisor, now_s: float) -> None:
        match self._step:
            case _Step.WATCHING:
                self._watch(stack, now_s)
            case _Step.DRAINING:
                self._drain(stack, now_s)
            case _Step.REPLACING:
                self._await_return(stack, now_s)

    def _watch(self, stack: Supervisor, now_s: float) -> None:
        broker = stack.part(NAME)
        if broker.status is not Status.UP or broker.memory_bytes <= self._limit_bytes or now_s < self._not_before_s:
            return
        stack.say(
            f"the broker holds {broker.memory_bytes / 1e6:.0f} MB, more than {self._limit_bytes / 1e6:.0f}: "
            "it is renewed; the feed is held for a few seconds"
        )
        self._hold(stack, signal.SIGSTOP)
        self._step, self._since_s, self._drained_since_s = _Step.DRAINING, now_s, 0.0

    def _drain(self, stack: Supervisor, now_s: float) -> None:
        waiting = [p.spec.name for p in self._read_by(stack) if not _has_read_all(p, self._since_s)]
        if waiting:
            self._drained_since_s = 0.0
            if now_s - self._since_s > _DRAIN_S:
                self._put_off(stack, now_s, waiting)
            return
        if self._drained_since_s == 0.0:
            self._drained_since_s = now_s
        # What one consumer read last may be on its way to the next one (trades, firings, events).
        if now_s - self._drained_since_s < _QUIET_S:
            return
        stack.renew(NAME)
        self._step, self._since_s = _Step.REPLACING, now_s

    def _put_off(self, stack: Supervisor, now_s: float, waiting: Sequence[str]) -> None:
        broker = stack.part(NAME)
        if broker.memory_bytes > 2 * self._limit_bytes:
            stack.say(f"the broker is renewed although {', '.join(waiting)} has not read all: it holds twice its limit")
            stack.renew(NAME)
            self._step, self._since_s = _Step.REPLACING, now_s
            return
        stack.say(f"the renewal of the broker is put off: {', '.join(waiting)} has not read all")
        self._hold(stack, signal.SIGCONT)
        self._step, self._not_before_s = _Step.WATCHING, now_s + self._again_after_s

    def _await_return(self, stack: Supervisor, now_s: float) -> None:
        broker = stack.part(NAME)
        if broker.status is not Status.UP and now_s - self._since_s < _BACK_S:
            return
        self._hold(stack, signal.SIGCONT)
        self.renewals += 1
        stack.say(f"the broker is renewed (time no. {self.renewals}); the feed goes on")
        self._step, self._not_before_s = _Step.WATCHING, now_s + self._again_after_s

    def _read_by(self, stack: Supervisor) -> list[Part]:
        return [part for part in stack.parts if part.spec.name in self._consumers and part.runs]

    def _hold(self, stack: Supervisor, number: signal.Signals) -> None:
        for part in stack.parts:
            if part.spec.is_source and part.child is not None:
                part.is_held = number is signal.SIGSTOP
                part.child.signal(number)


def _has_read_all(part: Part, since_s: float) -> bool:
    """A consumer that tells no lag is taken to have read all once it has beaten after the source was held."""
    beat = part.beat
    return beat is not None and part.beat_at_s > since_s and beat.numbers.get(LAG, 0.0) <= 0.0
