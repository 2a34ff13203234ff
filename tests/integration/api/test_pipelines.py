"""Pipelines: saved or refused with every reason, versioned, armed through the outbox."""

from __future__ import annotations

from typing import cast
from uuid import UUID, uuid4

from fastapi import FastAPI
from pydantic import JsonValue

from core.store import outbox
from core.wire.records import Firing, TriggerRecord, decode
from tests.integration.api.conftest import NewPerson
from tests.kit.api import Person, context_of, example, make_pipeline


def _sent(app: FastAPI, pipeline_id: str) -> list[TriggerRecord | None]:
    """Return the control records of a pipeline that wait in the outbox, None for a tombstone."""
    with context_of(app).postgres.begin() as tx:
        waiting = outbox.unpublished(tx, limit=10_000)
    mine = [m for m in waiting if m.topic == "triggers" and m.key == pipeline_id]
    return [None if m.payload is None else decode(m.payload, TriggerRecord) for m in mine]


def _nodes(config: dict[str, JsonValue]) -> list[dict[str, JsonValue]]:
    return cast("list[dict[str, JsonValue]]", config["nodes"])


def test_a_pipeline_is_saved_and_armed_in_one_go(app: FastAPI, person: Person) -> None:
    answer = person.post("/pipelines", {"config": example(), "state": "active"})
    assert answer.status_code == 201
    made = answer.json()
    assert (made["state"], made["version"], made["trigger_version"]) == ("active", 1, 1)
    assert made["trigger_words"].startswith("fires when price crosses above 64000")
    (record,) = _sent(app, made["id"])
    assert record is not None
    assert (record.action, record.agent_type, record.symbols) == ("set", "price_trigger", ["BINANCE:BTCUSDT"])
    assert record.trigger_id == f"{made['id']}/trigger"
    assert record.config["value"] == 64_000


def test_a_draft_is_not_armed(app: FastAPI, person: Person) -> None:
    made = person.post("/pipelines", {"config": example()}).json()
    assert made["state"] == "draft"
    assert _sent(app, made["id"]) == []


def test_everything_wrong_with_a_pipeline_is_named_with_its_path(app: FastAPI, person: Person) -> None:
    config = example()
    _nodes(config)[0]["config"] = {"operator": "crosses", "value": "64000"}
    _nodes(config)[2]["agent_type"] = "oracle"
    cast("list[object]", config["edges"]).append({"from": "report", "to": "market-data"})
    answer = person.post("/pipelines", {"config": config})
    assert answer.status_code == 422
    paths = {problem["path"] for problem in answer.json()["problems"]}
    assert {"nodes[0].config.operator", "nodes[2].agent_type", "edges"} <= paths
    assert person.get("/pipelines").json()["items"] == []


def test_what_no_database_can_hold_is_refused(person: Person) -> None:
    for name in (r"a\u0000b", r"\ud800"):
        content = f'{{"config": {{"name": "{name}"}}}}'
        headers = {"X-XSRF-TOKEN": person.client.cookies["XSRF-TOKEN"], "Content-Type": "application/json"}
        answer = person.client.post("/api/v1/pipelines", content=content, headers=headers)
        assert answer.status_code == 422, answer.text
    answer = person.client.post(
        "/api/v1/pipelines",
        content='{"config": ' + "[" * 50_000 + "]" * 50_000 + "}",
        headers={"X-XSRF-TOKEN": person.client.cookies["XSRF-TOKEN"], "Content-Type": "application/json"},
    )
    assert answer.status_code in (400, 422)


def test_a_body_over_the_bound_is_refused(person: Person) -> None:
    answer = person.post("/pipelines/check", {"config": {"name": "x" * 1_100_000}})
    assert answer.status_code == 413


def test_checking_saves_nothing(person: Person) -> None:
    good = person.post("/pipelines/check", {"config": example()}).json()
    assert good["is_valid"]
    assert good["trigger_words"].startswith("fires when")
    bad = person.post("/pipelines/check", {"config": {"name": ""}}).json()
    assert not bad["is_valid"]
    assert {"nodes", "name"} <= {problem["path"] for problem in bad["problems"]}
    assert person.get("/pipelines").json()["items"] == []


def test_a_moved_node_is_a_version_of_the_pipeline_and_none_of_the_trigger(app: FastAPI, person: Person) -> None:
    made = person.post("/pipelines", {"config": example(), "state": "active"}).json()
    config = made["config"]
    config["nodes"][0]["position"] = {"x": 1, "y": 2}
    moved = person.request("PUT", f"/pipelines/{made['id']}?version=1", {"config": config}).json()
    assert (moved["version"], moved["trigger_version"]) == (2, 1)
    config["nodes"][0]["config"]["value"] = 65_000
    changed = person.request("PUT", f"/pipelines/{made['id']}?version=2", {"config": config}).json()
    assert (changed["version"], changed["trigger_version"]) == (3, 2)
    same = person.request("PUT", f"/pipelines/{made['id']}?version=3", {"config": config}).json()
    assert (same["version"], same["trigger_version"]) == (3, 2)
    records = [record for record in _sent(app, made["id"]) if record is not None]
    assert [(record.action, record.trigger_version) for record in records] == [("set", 1), ("set", 2)]


def test_an_edit_of_an_old_version_is_a_conflict(person: Person) -> None:
    made = person.post("/pipelines", {"config": example()}).json()
    renamed = {**made["config"], "name": "first"}
    assert person.request("PUT", f"/pipelines/{made['id']}?version=1", {"config": renamed}).status_code == 200
    late = {**made["config"], "name": "second"}
    assert person.request("PUT", f"/pipelines/{made['id']}?version=1", {"config": late}).status_code == 409
    assert person.get(f"/pipelines/{made['id']}").json()["name"] == "first"


def test_pause_resume_and_archive_reach_the_log_in_order(app: FastAPI, person: Person) -> None:
    made = person.post("/pipelines", {"config": example(), "state": "active"}).json()
    states = [
        person.post(f"/pipelines/{made['id']}/{action}").json()["state"]
        for action in ("pause", "pause", "resume", "archive")
    ]
    assert states == ["paused", "paused", "active", "archived"]
    sent = _sent(app, made["id"])
    assert [record.action if record else None for record in sent] == ["set", "pause", "resume", "remove", None]
    assert all(record.config for record in sent if record), "a compacted log keeps the last record only"
    assert person.post(f"/pipelines/{made['id']}/resume").status_code == 409
    assert person.get("/pipelines").json()["items"] == []


def test_a_manual_firing_waits_in_the_outbox_once_for_each_request(app: FastAPI, person: Person) -> None:
    pipeline = make_pipeline(app, person.id)
    address = f"/api/v1/pipelines/{pipeline.id}/fire"
    headers = {"X-XSRF-TOKEN": person.client.cookies["XSRF-TOKEN"], "Idempotency-Key": "k1"}
    first = person.client.post(address, json={}, headers=headers)
    again = person.client.post(address, json={}, headers=headers)
    other = person.post(f"/pipelines/{pipeline.id}/fire")
    assert first.status_code == 202
    assert first.json() == again.json()
    assert other.json()["firing_id"] != first.json()["firing_id"]
    with context_of(app).postgres.begin() as tx:
        waiting = [m for m in outbox.unpublished(tx, limit=10_000) if m.topic == "firings"]
    firing = decode(waiting[-1].payload or b"", Firing)
    assert (firing.kind, firing.symbol) == ("manual", "BINANCE:BTCUSDT")


def test_firing_a_symbol_the_pipeline_has_not_is_refused(app: FastAPI, person: Person) -> None:
    pipeline = make_pipeline(app, person.id)
    answer = person.post(f"/pipelines/{pipeline.id}/fire", {"symbol": "AAPL"})
    assert answer.status_code == 422
    assert answer.json()["problems"][0] == {"path": "symbol", "found": "'AAPL'", "expected": "one of BINANCE:BTCUSDT"}


def test_a_file_applied_twice_is_one_pipeline(new_person: NewPerson) -> None:
    person, other = new_person(), new_person()
    config = {**example(), "id": str(uuid4())}
    assert person.post("/pipelines", {"config": config}).json()["id"] == config["id"]
    assert person.post("/pipelines", {"config": config}).status_code == 409
    taken = other.post("/pipelines", {"config": config})
    assert taken.status_code == 201, "whose id it is, is not told"
    assert UUID(taken.json()["id"]) != UUID(cast("str", config["id"]))


def test_more_than_ten_new_pipelines_a_minute_are_refused(person: Person) -> None:
    codes = [person.post("/pipelines", {"config": example()}).status_code for _ in range(11)]
    assert codes == [201] * 10 + [429]


def test_pages_follow_one_another_without_gap_or_repeat(app: FastAPI, person: Person) -> None:
    made = {str(make_pipeline(app, person.id).id) for _ in range(5)}
    seen: list[str] = []
    cursor = ""
    while True:
        page = person.get(f"/pipelines?limit=2{cursor}").json()
        seen += [item["id"] for item in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert len(seen) == 5
    assert set(seen) == made


def test_a_cursor_of_somebody_elses_making_is_refused(person: Person) -> None:
    for cursor in ("x", "W10", "WyJhIiwiYiJd", "%F0%9F%98%80"):
        answer = person.get(f"/pipelines?cursor={cursor}")
        assert answer.status_code == 422, cursor
        assert answer.json()["problems"][0]["path"] == "query.cursor"
