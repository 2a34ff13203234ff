"""The supervisor's care, with stand-ins for processes."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import psutil

from core.errors import Unavailable
from deploy.embedded.part import Status
from tests.kit.standins import DEAF, PARENT, SLEEPER, care, standin
from tests.kit.waiting import wait_until


def test_a_stage_starts_when_all_of_the_one_before_it_answer(tmp_path: Path) -> None:
    answers: list[bool] = []

    def ready() -> None:
        if not answers:
            raise Unavailable("not yet")

    with care(tmp_path, (standin("first", ready=ready),), (standin("second"),)) as it:
        wait_until(lambda: it.view("first").status is Status.STARTING, timeout_s=30, what="the first starts")
        assert it.view("second").status is Status.PENDING
        answers.append(True)
        wait_until(lambda: it.notes.is_ready, timeout_s=30, what="all are up")
        assert it.notes.changes.index(("first", "up")) < it.notes.changes.index(("second", "starting"))


def test_a_killed_process_is_started_again_and_counted(tmp_path: Path) -> None:
    with care(tmp_path, (standin("one"),)) as it:
        wait_until(lambda: it.notes.is_ready, timeout_s=30, what="it is up")
        first = it.view("one").pid
        os.kill(first, signal.SIGKILL)
        wait_until(
            lambda: it.view("one").status is Status.UP and it.view("one").pid not in (0, first),
            timeout_s=30,
            what="it is up again",
        )
        assert it.view("one").restarts == 1
        assert ("one", "restarting") in it.notes.changes


def test_a_process_that_keeps_dying_is_shown_with_its_last_words(tmp_path: Path) -> None:
    dying = standin("dying", "import sys; sys.exit('no such thing as a free lunch')", ready=never)
    with care(tmp_path, (standin("well"),), (dying,)) as it:
        wait_until(lambda: it.view("dying").status is Status.CRASH_LOOP, timeout_s=30, what="the loop is seen")
        assert it.view("dying").detail == "exit code 1: no such thing as a free lunch"
        assert it.view("well").status is Status.UP
        wait_until(lambda: it.notes.is_ready, timeout_s=30, what="the others are not held up")


def test_wrong_configuration_at_the_start_ends_the_start_with_its_line(tmp_path: Path) -> None:
    wrong = standin("wrong", "import sys; sys.stderr.write('TAPEWATCH_X: found 1\\n'); sys.exit(2)", ready=never)
    with care(tmp_path, (standin("first"),), (wrong,)) as it:
        wait_until(lambda: bool(it.failed), timeout_s=30, what="it gives up")
    assert "wrong could not be started: exit code 2: TAPEWATCH_X: found 1" in str(it.failed[0])
    assert it.view("first").status is Status.STOPPED


def test_an_essential_process_that_cannot_start_ends_the_start(tmp_path: Path) -> None:
    broken = standin("broken", "import sys; sys.exit(1)", ready=never, is_essential=True)
    with care(tmp_path, (broken,), (standin("second"),)) as it:
        wait_until(lambda: bool(it.failed), timeout_s=30, what="it gives up")
    assert it.view("second").status is Status.PENDING


def test_what_runs_once_must_end_well_before_the_next_stage(tmp_path: Path) -> None:
    with care(tmp_path, (standin("migrate", "pass", once=True),), (standin("second"),)) as it:
        wait_until(lambda: it.notes.is_ready, timeout_s=30, what="all are up")
        assert it.view("migrate").status is Status.DONE


def test_stopping_leaves_no_process_not_even_a_deaf_one_or_a_grandchild(tmp_path: Path) -> None:
    deaf = standin("deaf", DEAF, stop_s=0.5)
    parent = standin("parent", PARENT)
    with care(tmp_path, (deaf, parent, standin("plain", SLEEPER))) as it:
        wait_until(lambda: it.notes.is_ready, timeout_s=30, what="all are up")
        log = tmp_path / "logs" / "parent.log"
        grandchild = int(wait_until(lambda: log.read_text().strip(), timeout_s=30, what="the grandchild's id"))
        pids = [view.pid for view in it.supervisor.views()] + [grandchild]
        assert all(psutil.pid_exists(pid) for pid in pids)
    wait_until(lambda: not any(_lives(pid) for pid in pids), timeout_s=30, what="no process is left")
    assert any("deaf did not stop" in said for said in it.notes.said)


def test_a_process_that_stops_answering_is_shown_as_silent(tmp_path: Path) -> None:
    answers = [True]

    def ready() -> None:
        if not answers:
            raise Unavailable("nothing")

    with care(tmp_path, (standin("mute", ready=ready),)) as it:
        wait_until(lambda: it.notes.is_ready, timeout_s=30, what="it is up")
        answers.clear()
        wait_until(lambda: it.view("mute").status is Status.SILENT, timeout_s=30, what="its silence is seen")
        answers.append(True)
        wait_until(lambda: it.view("mute").status is Status.UP, timeout_s=30, what="it is back")
        assert it.view("mute").restarts == 0


def test_a_beating_process_is_up_when_it_says_so_itself(tmp_path: Path) -> None:
    with care(tmp_path, (standin("heart", beats=True),)) as it:
        wait_until(lambda: it.view("heart").pid, timeout_s=30, what="it runs")
        assert it.view("heart").status is Status.STARTING
        it.beats.beat("heart", pid=1, at_ms=1)  # of its predecessor
        pid = it.view("heart").pid
        it.beats.beat("heart", pid=pid, at_ms=2)
        wait_until(lambda: it.view("heart").state == "ok", timeout_s=30, what="its beat is heard")


def never() -> None:
    raise Unavailable("it does not answer")


def _lives(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
