from __future__ import annotations

from pathlib import Path

from deploy.embedded.logfile import bound, last_words


def test_a_log_that_has_grown_is_moved_aside_and_its_writer_goes_on(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    with log.open("ab", buffering=0) as writer:
        writer.write(b"a" * 100)
        bound(log, limit_bytes=50)
        writer.write(b"b" * 10)
    assert log.read_bytes() == b"b" * 10
    assert (tmp_path / "x.log.1").read_bytes() == b"a" * 100


def test_a_small_log_stays(tmp_path: Path) -> None:
    (tmp_path / "x.log").write_text("a")
    bound(tmp_path / "x.log", limit_bytes=50)
    assert not (tmp_path / "x.log.1").exists()


def test_last_words_are_a_sentence_also_of_a_json_line_and_hide_secrets(tmp_path: Path) -> None:
    log = tmp_path / "x.log"
    assert last_words(log) == ""
    log.write_text("first\nthe port is in use\n")
    assert last_words(log) == "the port is in use"
    log.write_text('{"level": "error", "message": "refused", "reason": "redis://u:secret@h/0 is away"}\n')
    assert last_words(log) == "refused: redis://u:***@h/0 is away"
