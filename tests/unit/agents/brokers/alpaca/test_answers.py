"""Recorded bodies of Alpaca, read by the vendor's models and by ours: the same numbers, ours exact."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any, cast

import pytest
from alpaca.trading.models import Asset, Order, Position, TradeAccount, TradeUpdate

from agents.brokers.alpaca.answers import AccountAnswer, OrderAnswer, PositionAnswer, UpdateAnswer, read
from core.errors import Unavailable
from tests.kit.data import data_file

FOLDER = "fixtures/alpaca"


def bodies(part: str) -> list[dict[str, Any]]:
    """Return the bodies, one by one, that the vendor's own tests of its trading client hold for such routes."""
    found: list[dict[str, Any]] = []
    for line in data_file(f"{FOLDER}/alpaca-py_json.jsonl").read_text().splitlines():
        case = json.loads(line)
        if f"/trading_client/test_{part}" in case["file"]:
            body = case["body"]
            found += body if isinstance(body, list) else [body]
    return found


def orders() -> list[dict[str, Any]]:
    recorded = json.loads(data_file(f"{FOLDER}/recorded_bracket_order_AAPL_20260204.json").read_text())
    whole = [body for part in ("order_routes", "position_routes") for body in bodies(part) if "client_order_id" in body]
    return [recorded, *recorded["legs"], *whole]


def test_every_recorded_order_is_read_alike() -> None:
    found = orders()
    assert len(found) > 8
    for body in found:
        theirs, ours = Order(**body), read(body, OrderAnswer)
        assert (str(theirs.id), theirs.client_order_id) == (ours.id, ours.client_order_id)
        assert getattr(theirs.status, "value", theirs.status) == ours.status
        assert ours.state != "unknown"
        for name in ("qty", "filled_qty", "filled_avg_price", "limit_price", "stop_price"):
            mine, given = getattr(ours, name), body.get(name)
            assert mine == (None if given is None else Decimal(str(given))), name
        legs = cast("list[dict[str, Any]]", body.get("legs") or [])
        assert [leg.id for leg in ours.legs or []] == [leg["id"] for leg in legs]


def test_a_recorded_bracket_has_a_target_and_a_stop_that_are_held() -> None:
    ours = read(orders()[0], OrderAnswer)
    assert (ours.order_class, ours.state, ours.is_open) == ("bracket", "sent", True)
    assert [(leg.type, leg.state) for leg in ours.legs or []] == [("limit", "held"), ("stop", "held")]


def test_a_recorded_fill_is_read_with_its_price_and_what_tells_it_apart() -> None:
    body = json.loads(data_file(f"{FOLDER}/recorded_trade_update_fill_GNL_20241119.json").read_text())["data"]
    theirs, ours = TradeUpdate(**body), read(body, UpdateAnswer)
    assert (ours.event, ours.order.state) == ("fill", "filled")
    assert ours.order.filled_avg_price == Decimal("7.1831")
    assert ours.price == Decimal(str(body["price"]))
    assert ours.execution_id == str(theirs.execution_id)


def test_recorded_accounts_and_positions_are_read_alike() -> None:
    accounts = [body for body in bodies("account_routes") if "account_number" in body]
    positions = [body for body in bodies("position_routes") if "avg_entry_price" in body]
    assert accounts
    assert positions
    for body in accounts:
        theirs, account = TradeAccount(**body), read(body, AccountAnswer)
        assert (str(account.equity), account.account_number) == (body["equity"], theirs.account_number)
        assert account.halted == ""
    for body in positions:
        their, ours = Position(**body), read(body, PositionAnswer)
        assert ours.quantity == Decimal(their.qty)
        assert ours.avg_entry_price == Decimal(body["avg_entry_price"])


def test_recorded_assets_are_read_by_the_vendors_models() -> None:
    found = bodies("asset_routes")
    assert found
    assert all(Asset(**body).symbol for body in found)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"status": "INACTIVE"}, "INACTIVE"),
        ({"trading_blocked": True}, "blocked"),
        ({"trade_suspended_by_user": True}, "suspended"),
    ],
)
def test_an_account_that_may_not_trade_says_why(change: dict[str, object], why: str) -> None:
    body = next(body for body in bodies("account_routes") if "account_number" in body)
    assert why in read({**body, **change}, AccountAnswer).halted


def test_a_state_that_is_new_to_us_counts_as_open() -> None:
    order = read({**orders()[0], "status": "somehow_new"}, OrderAnswer)
    assert (order.state, order.is_open) == ("unknown", True)


@pytest.mark.parametrize(
    "body", [None, [], "text", {}, {"id": "1", "client_order_id": "c", "status": "new", "qty": "x"}]
)
def test_a_body_nobody_can_read_is_an_outage_that_shows_nothing_of_it(body: object) -> None:
    with pytest.raises(Unavailable, match="nobody can read"):
        read(body, OrderAnswer)
