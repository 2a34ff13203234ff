"""Sessions: how they begin, go on, and end."""

from __future__ import annotations

from fastapi import FastAPI
from fastapi.testclient import TestClient
from httpx2 import Response

from api.context import Context
from api.tokens import ACCESS_S, Tokens, hash_refresh
from core.clock import ManualClock, SystemClock
from core.store import logins
from tests.integration.api.conftest import NewPerson
from tests.kit.api import PASSWORD, Person, context_of, make_user


def _log_in(client: TestClient, email: str, password: str = PASSWORD) -> Response:
    return client.post("/api/v1/auth/login", json={"email": email, "password": password})


def _refresh(person: Person, token: str | None = None) -> Response:
    if token is not None:
        person.client.cookies.delete("tapewatch-refresh")
        person.client.cookies.set("tapewatch-refresh", token, path="/api/v1/auth")
    return person.post("/auth/refresh")


def _age_used_tokens(ctx: Context, token: str) -> None:
    """Let the use of a token lie a minute back."""
    with ctx.postgres.begin() as tx:
        found = logins.lock_by_hash(tx, hash_refresh(token))
        assert found is not None
        assert found.used_at is not None
        logins.mark_used(tx, found.id, found.used_at.replace(year=found.used_at.year - 1))


def test_a_wrong_password_and_an_unknown_address_get_the_same_answer(app: FastAPI, anonymous: TestClient) -> None:
    _, email = make_user(app)
    wrong = _log_in(anonymous, email, "wrong")
    unknown = _log_in(anonymous, "nobody@example.com")
    assert wrong.status_code == unknown.status_code == 401
    assert wrong.json() == unknown.json()
    assert wrong.json()["detail"] == "email or password is wrong"
    assert not wrong.cookies


def test_a_login_gives_cookies_that_scripts_cannot_read(app: FastAPI, anonymous: TestClient) -> None:
    _, email = make_user(app)
    answer = _log_in(anonymous, email.upper())
    assert answer.status_code == 200
    assert answer.json()["user"]["email"] == email
    cookies = {line.split("=")[0]: line.lower() for line in answer.headers.get_list("set-cookie")}
    assert "httponly" in cookies["tapewatch-access"]
    assert "samesite=lax" in cookies["tapewatch-access"]
    assert "httponly" in cookies["tapewatch-refresh"]
    assert "samesite=strict" in cookies["tapewatch-refresh"]
    assert "path=/api/v1/auth" in cookies["tapewatch-refresh"]
    assert "httponly" not in cookies["XSRF-TOKEN"]


def test_a_login_from_another_sites_page_is_refused(app: FastAPI, anonymous: TestClient) -> None:
    _, email = make_user(app)
    body = {"email": email, "password": PASSWORD}
    answer = anonymous.post("/api/v1/auth/login", json=body, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403


def test_the_password_is_in_no_answer(anonymous: TestClient) -> None:
    answer = anonymous.post("/api/v1/auth/login", json={"email": "a@b.c", "password": {"p": "hunter2"}})
    assert answer.status_code == 422
    assert "hunter2" not in answer.text


def test_too_many_tries_on_one_account_are_refused_until_later(app: FastAPI, anonymous: TestClient) -> None:
    _, email = make_user(app)
    answers = [_log_in(anonymous, email, "wrong") for _ in range(11)]
    assert [answer.status_code for answer in answers] == [401] * 10 + [429]
    assert 1 <= int(answers[-1].headers["retry-after"]) <= 60
    _, other = make_user(app)
    assert _log_in(anonymous, other).status_code == 200


def test_logout_ends_the_login(person: Person) -> None:
    token = person.client.cookies["tapewatch-refresh"]
    assert person.post("/auth/logout").status_code == 204
    assert person.get("/users/me").status_code == 401
    person.client.cookies.set("XSRF-TOKEN", "x")
    assert _refresh(person, token).status_code == 401


def test_a_refresh_gives_a_new_token_each_time(person: Person) -> None:
    first = person.client.cookies["tapewatch-refresh"]
    assert _refresh(person).status_code == 200
    second = person.client.cookies["tapewatch-refresh"]
    assert second != first
    assert _refresh(person).status_code == 200
    assert person.get("/users/me").status_code == 200


def test_a_used_refresh_token_that_comes_back_ends_its_login(app: FastAPI, person: Person) -> None:
    stolen = person.client.cookies["tapewatch-refresh"]
    assert _refresh(person).status_code == 200
    good = person.client.cookies["tapewatch-refresh"]
    _age_used_tokens(context_of(app), stolen)
    assert _refresh(person, stolen).status_code == 401
    assert _refresh(person, good).status_code == 401, "the thief and the owner are both out"


def test_two_tabs_that_refresh_at_once_keep_the_login(person: Person) -> None:
    token = person.client.cookies["tapewatch-refresh"]
    assert _refresh(person).status_code == 200
    good = person.client.cookies["tapewatch-refresh"]
    assert _refresh(person, token).status_code == 409
    assert _refresh(person, good).status_code == 200


def test_a_refresh_without_the_xsrf_header_is_refused(person: Person) -> None:
    assert person.client.post("/api/v1/auth/refresh").status_code == 403


def test_an_access_token_ends_after_a_quarter_of_an_hour(app: FastAPI, new_person: NewPerson) -> None:
    person, settings = new_person(), context_of(app).settings
    clock = ManualClock(SystemClock().now_ms())
    tokens = Tokens(settings, clock)
    token, _ = tokens.sign_access(person.id, person.id)
    assert tokens.read_access(token) is not None
    clock.advance(ACCESS_S * 1000)
    assert tokens.read_access(token) is None
