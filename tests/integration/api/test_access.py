"""Every route as nobody, and every thing as somebody else."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from tests.integration.api.conftest import NewPerson
from tests.kit.api import make_execution, make_pipeline

OPEN = {"/api/v1/auth/login", "/api/v1/auth/refresh", "/api/v1/ready"}


def _routes(app: FastAPI) -> list[tuple[str, str]]:
    """Return method and path of everything the API offers."""
    paths = app.openapi()["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods]


def test_nobody_gets_anything_without_a_session(app: FastAPI, anonymous: TestClient) -> None:
    routes = [(method, path) for method, path in _routes(app) if path not in OPEN]
    assert len(routes) > 25
    for method, path in routes:
        address = re.sub(r"{\w+}", str(uuid4()), path)
        answer = anonymous.request(method.upper(), address)
        assert answer.status_code == 401, f"{method} {path}: {answer.status_code}"
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.json()["detail"] == "log in first"


def test_a_session_that_nobody_signed_is_none(anonymous: TestClient) -> None:
    forged = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0.eyJzdWIiOiI1ZjFlMGY1ZS0wZDBjLTVjMWEtOWE1Mi03ZDFmM2MwYTliMTAifQ."
    anonymous.cookies.set("tapewatch-access", forged)
    assert anonymous.get("/api/v1/users/me").status_code == 401


def test_another_users_things_are_not_found(app: FastAPI, new_person: NewPerson) -> None:
    owner, other = new_person(), new_person()
    pipeline = make_pipeline(app, owner.id)
    execution = make_execution(app, pipeline)
    report = owner.get("/reports").json()["items"][0]["id"]
    mine = {
        f"/pipelines/{pipeline.id}",
        f"/executions/{execution}",
        f"/executions/{execution}/events",
        f"/reports/{report}",
        f"/billing/entries?execution_id={execution}",
        f"/firings?pipeline_id={pipeline.id}",
        f"/suppressions?pipeline_id={pipeline.id}",
    }
    for path in mine:
        assert owner.get(path).status_code == 200, path
        assert other.get(path).status_code == 404, path
    config = owner.get(f"/pipelines/{pipeline.id}").json()["config"]
    for action in ("pause", "resume", "archive", "fire"):
        assert other.post(f"/pipelines/{pipeline.id}/{action}").status_code == 404, action
    assert other.request("PUT", f"/pipelines/{pipeline.id}", {"config": config}).status_code == 404


@pytest.mark.parametrize("path", ["pipelines", "executions", "trades", "reports", "firings", "suppressions"])
def test_a_list_holds_nothing_of_anybody_else(app: FastAPI, new_person: NewPerson, path: str) -> None:
    owner, other = new_person(), new_person()
    make_execution(app, make_pipeline(app, owner.id))
    if path != "suppressions":
        assert len(owner.get(f"/{path}").json()["items"]) == 1
    assert other.get(f"/{path}").json() == {"items": [], "next_cursor": None}


def test_a_mutation_without_the_xsrf_header_is_refused(app: FastAPI, new_person: NewPerson) -> None:
    person = new_person()
    pipeline = make_pipeline(app, person.id)
    address = f"/api/v1/pipelines/{pipeline.id}/pause"
    assert person.client.post(address).status_code == 403
    assert person.client.post(address, headers={"X-XSRF-TOKEN": "0" * 64}).status_code == 403
    assert person.get(f"/pipelines/{pipeline.id}").json()["state"] == "active"


def test_another_users_xsrf_token_is_no_good(app: FastAPI, new_person: NewPerson) -> None:
    person, other = new_person(), new_person()
    pipeline = make_pipeline(app, person.id)
    token = other.client.cookies["XSRF-TOKEN"]
    answer = person.client.post(f"/api/v1/pipelines/{pipeline.id}/pause", headers={"X-XSRF-TOKEN": token})
    assert answer.status_code == 403


def test_a_mutation_from_another_origin_is_refused(app: FastAPI, new_person: NewPerson) -> None:
    person = new_person()
    pipeline = make_pipeline(app, person.id)
    headers = {"X-XSRF-TOKEN": person.client.cookies["XSRF-TOKEN"], "Origin": "https://evil.example"}
    answer = person.client.post(f"/api/v1/pipelines/{pipeline.id}/pause", headers=headers)
    assert answer.status_code == 403
    assert "origin" in answer.json()["detail"]


def test_every_operation_has_a_name_of_its_own(app: FastAPI) -> None:
    paths = app.openapi()["paths"]
    names = [operation["operationId"] for methods in paths.values() for operation in methods.values()]
    assert len(names) > 25
    assert len(names) == len(set(names))
    assert all("_" in name or name in ("login", "logout") for name in names)
