from __future__ import annotations

import msgspec
import pytest

from core.errors import Malformed
from core.wire.records import TriggerRecord, encode
from dataflows.control import Control, TriggerBook, read_control
from dataflows.poll import LogRecord
from engine.condition import TriggerChange
from tests.kit.tape import SYMBOLS, price_trigger


def everything(_symbol: str) -> bool:
    return True


def nothing(_symbol: str) -> bool:
    return False


def control(record: TriggerRecord, offset: int = 0) -> Control:
    return read_control(LogRecord(offset, record.pipeline_id.encode(), encode(record)))


def told(record: TriggerRecord, **changed: object) -> TriggerRecord:
    return msgspec.structs.replace(record, **changed)


def actions(changes: list[TriggerChange]) -> list[tuple[str, str]]:
    return [(c.action, c.trigger_id) for c in changes]


ONE = price_trigger("p-1", SYMBOLS[:2])


def test_a_set_record_arms_the_trigger_on_the_symbols_of_this_partition_only() -> None:
    [change] = TriggerBook().changes(control(ONE), lambda symbol: symbol == SYMBOLS[0])
    assert change.action == "set"
    assert change.spec is not None
    assert change.spec.symbols == (SYMBOLS[0],)
    assert change.spec.trigger_id == "p-1/node-1"


def test_a_trigger_without_a_symbol_here_is_nothing_to_this_partition() -> None:
    book = TriggerBook()
    assert book.changes(control(ONE), nothing) == []
    assert len(book) == 0


def test_a_trigger_whose_symbols_have_all_moved_away_is_removed_here() -> None:
    book = TriggerBook()
    book.changes(control(ONE), everything)
    elsewhere = told(ONE, trigger_version=2, symbols=["BINANCE:ADAUSDT"])
    assert actions(book.changes(control(elsewhere), lambda s: s in SYMBOLS)) == [("remove", "p-1/node-1")]


def test_a_tombstone_removes_whatever_trigger_the_pipeline_had() -> None:
    book = TriggerBook()
    book.changes(control(ONE), everything)
    tombstone = read_control(LogRecord(1, b"p-1", None))
    assert actions(book.changes(tombstone, everything)) == [("remove", "p-1/node-1")]
    assert book.changes(tombstone, everything) == []


def test_a_trigger_on_another_node_replaces_the_one_before_even_if_its_removal_was_compacted_away() -> None:
    book = TriggerBook()
    book.changes(control(ONE), everything)
    moved = told(ONE, trigger_id="p-1/node-9", trigger_version=2)
    assert actions(book.changes(control(moved), everything)) == [("remove", "p-1/node-1"), ("set", "p-1/node-9")]


def test_the_removal_of_an_earlier_node_does_not_touch_the_later_one() -> None:
    book = TriggerBook()
    book.changes(control(told(ONE, trigger_id="p-1/node-9")), everything)
    assert book.changes(control(told(ONE, action="remove")), everything) == []


def test_a_pause_that_is_the_first_thing_heard_of_a_trigger_arms_and_pauses_it() -> None:
    book = TriggerBook()
    assert actions(book.changes(control(told(ONE, action="pause")), everything)) == [
        ("set", "p-1/node-1"),
        ("pause", "p-1/node-1"),
    ]


def test_a_resume_of_an_unknown_trigger_arms_it_and_of_a_known_one_resumes_it() -> None:
    book = TriggerBook()
    resume = control(told(ONE, action="resume"))
    assert actions(book.changes(resume, everything)) == [("set", "p-1/node-1")]
    assert actions(book.changes(resume, everything)) == [("resume", "p-1/node-1")]


def test_an_older_version_that_is_told_again_changes_nothing() -> None:
    book = TriggerBook()
    book.changes(control(told(ONE, trigger_version=3)), everything)
    assert book.changes(control(told(ONE, trigger_version=2)), everything) == []


def test_a_definition_that_cannot_be_read_disarms_the_version_before_and_says_why() -> None:
    book = TriggerBook()
    book.changes(control(ONE), everything)
    broken = control(told(ONE, trigger_version=2, config={"operator": "sideways", "value": 1}))
    assert "sideways" in broken.problems
    assert actions(book.changes(broken, everything)) == [("remove", "p-1/node-1")]


@pytest.mark.parametrize(
    ("key", "value", "reason"),
    [
        (None, encode(ONE), "bad_key"),
        (b"\xff", encode(ONE), "bad_key"),
        (b"p-2", encode(ONE), "bad_record"),
        (b"p-1", b"{", "bad_json"),
        (b"p-1", b"{}", "bad_record"),
    ],
)
def test_a_record_nobody_can_read_has_a_countable_reason(key: bytes | None, value: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as found:
        read_control(LogRecord(0, key, value))
    assert found.value.reason == reason
