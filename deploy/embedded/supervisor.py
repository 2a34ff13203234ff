"""Start the stack in order, keep it alive, stop it in reverse, and leave no process.

One thread (the main one) does everything, a tick at a time; only probes, which may wait, run beside it. The
kernel ties children to the thread that made them, so `run` belongs in the main thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import psutil

from core.clock import Clock, SystemClock
from core.errors import ConfigError, TapewatchError, Unavailable
from core.heartbeat import Beat
from deploy.embedded import logfile
from deploy.embedded.datadir import DataDir
from deploy.embedded.part import LONG_ENOUGH_S, Part, PartView, Status
from deploy.embedded.process import Child, ProcessSpec, describe_exit

_TICK_S = 0.05
_SLOW_TICK_S = 1.0
_PROBE_EVERY_S = 3.0
_FIRST_PROBES_EVERY_S = 0.1
SILENT_AFTER_S = 6.0
_RESTART_SILENT_AFTER_S = 30.0
_STARTUP_S = 60.0
_BEAT_AGE_S = 5.0


class StackFailed(TapewatchError):
    """The stack could not be started; everything that was started is stopped again."""


class Observer(Protocol):
    """Told what happens, in the supervisor's thread. Must not block."""

    def changed(self, part: PartView) -> None: ...
    def happened(self, text: str) -> None: ...
    def ready(self, parts: Sequence[PartView]) -> None: ...
    def looked(self, parts: Sequence[PartView]) -> None: ...


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run. A stage starts when all of the one before it are ready."""

    stages: tuple[tuple[ProcessSpec, ...], ...]
    environment: Mapping[str, str]
    """For all processes; a spec adds to it. Nothing else is inherited."""
    cwd: Path
    beats: Callable[[], Mapping[str, Beat]]
    """Reads the heartbeats; raises Unavailable."""


class Supervisor:
    """Runs one plan once."""

    def __init__(self, plan: Plan, directory: DataDir, observer: Observer, *, clock: Clock | None = None) -> None:
        self._plan = plan
        self._directory = directory
        self._observer = observer
        self._clock = clock or SystemClock()
        self._stages = [[Part(spec) for spec in stage] for stage in plan.stages]
        self._stage = -1
        self._ready = False
        self._in_a_hurry = False
        self._stop = False
        self._probes = ThreadPoolExecutor(max_workers=8, thread_name_prefix="probe")
        self._slow_at_s = self._stage_began_s = 0.0
        self._beats_read_at_s = 0.0
        self._reading = self._probes.submit(dict[str, Beat])

    @property
    def parts(self) -> list[Part]:
        return [part for stage in self._stages for part in stage]

    def views(self) -> list[PartView]:
        return [part.view(str(self._directory.log_of(part.spec.name))) for part in self.parts]

    def part(self, name: str) -> Part:
        return next(part for part in self.parts if part.spec.name == name)

    def request_stop(self) -> None:
        """Ask `run` to stop everything and return; asked twice, nothing is waited for.

        May be called from a signal handler or any thread.
        """
        # A plain flag: an Event's lock may be held by the very thread that a signal handler interrupts.
        self._in_a_hurry = self._stop
        self._stop = True

    def say(self, text: str) -> None:
        self._observer.happened(text)

    def run(self) -> None:
        """Start everything, watch it until `request_stop`, stop everything.

        Raises:
            StackFailed: a part could not be started; the text says which and why. Nothing is left running.
        """
        try:
            while not self._stop:
                self._tick(time.monotonic())
                time.sleep(_TICK_S)
        finally:
            self.stop()

    def stop(self) -> None:
        """Stop all in reverse order of their stages, those of a stage together; then no process is left."""
        for stage in reversed(self._stages):
            living = [(part, part.child) for part in stage if part.child is not None]
            for part, child in living:
                child.stop(part.spec.stop_signal)
            began_s = time.monotonic()
            for part, child in living:
                while child.exit_code() is None and time.monotonic() - began_s < part.spec.stop_s:
                    if self._in_a_hurry:
                        break
                    time.sleep(0.01)
                if child.exit_code() is None and not self._in_a_hurry:
                    self.say(f"{part.spec.name} did not stop in {part.spec.stop_s:.0f} s and was killed")
                child.kill()
                part.child = None
                self._move(part, Status.STOPPED)
        self._probes.shutdown(wait=False, cancel_futures=True)

    # ---- one tick --------------------------------------------------------------------------------------------

    def _tick(self, now_s: float) -> None:
        slow = now_s - self._slow_at_s >= _SLOW_TICK_S
        if slow:
            self._slow_at_s = now_s
            self._read_beats(now_s)
        if self._stage_is_done(now_s):
            self._next_stage(now_s)
        for part in self.parts:
            self._care(part, now_s)
        if slow:
            self._look()
            self._observer.looked(self.views())

    def _stage_is_done(self, now_s: float) -> bool:
        if self._stage < 0 or self._ready:
            return True
        waiting = [part for part in self._stages[self._stage] if not part.is_settled]
        # What is not essential may come later, and is shown as it is meanwhile.
        late = now_s - self._stage_began_s > _STARTUP_S
        return all(not p.spec.is_essential and (late or p.status is Status.CRASH_LOOP) for p in waiting)

    def _next_stage(self, now_s: float) -> None:
        self._stage_began_s = now_s
        if self._stage + 1 < len(self._stages):
            self._stage += 1
            for part in self._stages[self._stage]:
                self._start(part, now_s)
        elif not self._ready:
            self._ready = True
            self._observer.ready(self.views())

    def _care(self, part: Part, now_s: float) -> None:
        if part.status in (Status.PENDING, Status.DONE, Status.STOPPED):
            return
        if part.child is not None and (code := part.child.exit_code()) is not None:
            self._died(part, code, now_s)
        elif part.status in (Status.RESTARTING, Status.CRASH_LOOP):
            if now_s >= part.due_at_s:
                self._start(part, now_s)
        elif part.runs and not part.spec.once:
            self._listen(part, now_s)

    def _start(self, part: Part, now_s: float) -> None:
        part.started_at_s = part.answered_at_s = now_s
        part.asked_at_s = 0.0
        try:
            part.spec.before()
            part.child = Child(
                part.spec,
                log=self._directory.log_of(part.spec.name),
                environment=self._plan.environment,
                cwd=self._plan.cwd,
            )
        except OSError as error:
            part.reason = f"cannot be started: {error.strerror or error}"
            part.died(1, now_s)
            self._move(part, part.status)
            self._give_up_at_startup(part, 1)
            return
        except ConfigError as error:
            raise StackFailed(f"{part.spec.name}: {error}") from None
        self._move(part, Status.STARTING)

    def _died(self, part: Part, code: int, now_s: float) -> None:
        assert part.child is not None
        part.child.sweep()
        part.child = None
        if part.spec.once and code == 0:
            self._move(part, Status.DONE)
            return
        words = logfile.last_words(self._directory.log_of(part.spec.name))
        part.reason = f"{describe_exit(code)}: {words}" if words and code > 0 else describe_exit(code)
        part.died(code, now_s)
        self._move(part, part.status)
        self._give_up_at_startup(part, code)

    def _give_up_at_startup(self, part: Part, code: int) -> None:
        """Before the stack has been up once, what cannot start is an error of the whole; later it is shown."""
        wrong_configuration = code == 2
        hopeless = part.spec.once or wrong_configuration or (part.spec.is_essential and part.deaths_in_a_row >= 3)
        if self._ready or not hopeless:
            return
        log = self._directory.log_of(part.spec.name)
        raise StackFailed(f"{part.spec.name} could not be started: {part.reason}\nits log: {log}")

    # ---- is it well? -----------------------------------------------------------------------------------------

    def _listen(self, part: Part, now_s: float) -> None:
        if part.probe is not None and part.probe.done():
            answer = _answer(part.probe)
            part.probe = None
            if answer == "":
                part.answered_at_s = now_s
                self._alive(part, now_s)
            elif part.status is Status.STARTING:
                part.reason = answer
        every_s = _FIRST_PROBES_EVERY_S if part.status is Status.STARTING else _PROBE_EVERY_S
        if part.probe is None and now_s - part.asked_at_s >= every_s:
            part.asked_at_s = now_s
            part.probe = self._probes.submit(_ask, part.spec)
        self._judge_silence(part, now_s)

    def _alive(self, part: Part, now_s: float) -> None:
        # A process that beats is up when it says so itself. Where beats cannot be read, its answer has to do.
        if part.spec.beats:
            fresh = part.beat is not None and now_s - part.beat_at_s <= SILENT_AFTER_S
            if not fresh and (part.beat is None or self._beats_are_readable(now_s)):
                return
        if part.status is not Status.UP:
            part.reason = ""
            self._move(part, Status.UP)
        elif part.deaths_in_a_row and now_s - part.started_at_s > LONG_ENOUGH_S:
            part.deaths_in_a_row = 0

    def _judge_silence(self, part: Part, now_s: float) -> None:
        heard_s = part.answered_at_s
        if part.spec.beats and self._beats_are_readable(now_s):
            heard_s = min(heard_s, max(part.beat_at_s, part.started_at_s))
        silent_s = now_s - heard_s
        if part.status is Status.STARTING:
            if silent_s > _STARTUP_S:
                self._put_down(part, f"not ready in {_STARTUP_S:.0f} s: {part.reason}")
        elif silent_s > _RESTART_SILENT_AFTER_S:
            self._put_down(part, f"no answer for {_RESTART_SILENT_AFTER_S:.0f} s")
        elif silent_s > SILENT_AFTER_S and part.status is Status.UP:
            part.reason = "it runs and does not answer"
            self._move(part, Status.SILENT)

    def _put_down(self, part: Part, why: str) -> None:
        assert part.child is not None
        self.say(f"{part.spec.name}: {why}; it is killed and started again")
        part.child.kill()  # found dead at the next tick

    def _beats_are_readable(self, now_s: float) -> bool:
        return now_s - self._beats_read_at_s < _BEAT_AGE_S

    def _read_beats(self, now_s: float) -> None:
        if not self._reading.done():
            return
        try:
            beats = self._reading.result()
        except Unavailable:
            beats = {}
        else:
            self._beats_read_at_s = now_s
        for part in self.parts:
            beat = beats.get(part.spec.name)
            # A beat of its predecessor lives on for some seconds.
            if beat is not None and part.child is not None and beat.pid == part.child.pid:
                if part.beat is None or beat.at_ms != part.beat.at_ms:
                    part.beat_at_s = now_s
                part.beat = beat
                if part.status is Status.SILENT and now_s - part.beat_at_s < SILENT_AFTER_S:
                    self._alive(part, now_s)
        self._reading = self._probes.submit(lambda: dict(self._plan.beats()))

    def _look(self) -> None:
        for part in self.parts:
            logfile.bound(self._directory.log_of(part.spec.name))
            if part.child is not None:
                part.memory_bytes = memory_of(part.child.pid)

    def _move(self, part: Part, status: Status) -> None:
        part.status = status
        part.since_ms = self._clock.now_ms()
        self._observer.changed(part.view(str(self._directory.log_of(part.spec.name))))


def _answer(probe: Future[str]) -> str:
    error = probe.exception()
    return f"{type(error).__name__}: {error}" if error is not None else probe.result()


def _ask(spec: ProcessSpec) -> str:
    """Return "" where the process answers, else why not."""
    try:
        spec.ready()
    except Unavailable as error:
        return str(error)
    return ""


def memory_of(pid: int) -> int:
    """Return the resident memory of a process and its children in bytes, 0 where it is gone."""
    try:
        process = psutil.Process(pid)
        # `shared` counts once for each of PostgreSQL's processes; taken off, the sum is honest.
        family = [process, *process.children(recursive=True)]
        own = sum(max(0, p.memory_info().rss - p.memory_info().shared) for p in family[1:])
        return process.memory_info().rss + own
    except (psutil.Error, OSError):
        return 0
