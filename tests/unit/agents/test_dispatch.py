from __future__ import annotations

import pytest

from agents.dispatch import read
from core.errors import Malformed
from core.wire.records import encode
from engine.firing import Evidence, Firing

ID = "fe1be38c-396a-5563-9dc7-bd1a60750f3d"


def firing(**changes: str) -> Firing:
    evidence = Evidence((), True, (), "live", "simulator", None, 0, "0" * 64, "1")
    values = {"firing_id": ID, "pipeline_id": ID, "trigger_id": "t", "symbol": "AAPL", **changes}
    return Firing(**values, trigger_version=1, ts_ms=1, decided_ms=1, price=1.0, kind="tick", evidence=evidence)


def test_a_firing_is_read_back() -> None:
    assert read(encode(firing())) == firing()


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "bad_json"),
        (b"{}", "bad_record"),
        (encode(firing(pipeline_id="mine")), "bad_record"),
        (encode(firing(symbol="A\x00B")), "bad_value"),
    ],
)
def test_what_could_never_be_stored_is_malformed(data: bytes, reason: str) -> None:
    with pytest.raises(Malformed) as error:
        read(data)
    assert error.value.reason == reason
