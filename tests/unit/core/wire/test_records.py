from __future__ import annotations

import pytest

from core.errors import Malformed
from core.wire.records import FeedHealthRecord, NewsRecord, decode, encode

HEALTH = FeedHealthRecord(feed="finnhub", symbol="AAPL", at_ms=2, recv_ms=3, health="stale", detail="the quote moved")
NEWS = NewsRecord(news_id="7", symbols=["AAPL"], published_ms=1, recv_ms=2, headline="Ä headline")


@pytest.mark.parametrize("record", [HEALTH, NEWS])
def test_a_record_is_read_as_it_was_written(record: FeedHealthRecord | NewsRecord) -> None:
    assert decode(encode(record), type(record)) == record


def test_a_state_that_no_feed_can_be_in_is_refused() -> None:
    with pytest.raises(Malformed, match="health"):
        decode(encode(HEALTH).replace(b"stale", b"asleep"), FeedHealthRecord)
