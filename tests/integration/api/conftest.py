"""One application over the embedded services for all tests of this folder; each test makes its own users."""

from __future__ import annotations

from collections.abc import Callable, Generator

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from pydantic import SecretStr

from api.app import create_app
from api.context import Context
from core.settings import Settings
from core.store import migrate
from core.wire.kafka import ensure_topics
from tests.kit.api import ORIGIN, Person, context_of, make_person, quick_passwords
from tests.kit.stack import RunningStack

NewPerson = Callable[[], Person]


@pytest.fixture(scope="package")
def api_settings(stack: RunningStack, tmp_path_factory: pytest.TempPathFactory) -> Generator[Settings]:
    own = stack.settings_for_a_test(tmp_path_factory.mktemp("api")).model_copy(
        update={"session_secret": SecretStr("s" * 40), "public_url": ORIGIN}
    )
    migrate.run(own)
    ensure_topics(own)
    yield own
    stack.drop_databases(own)


@pytest.fixture(scope="package")
def app(api_settings: Settings) -> Generator[FastAPI]:
    made = create_app(api_settings, passwords=quick_passwords())
    with TestClient(made) as runner:  # the live feeds run as long as the application does
        made.state.runner = runner
        yield made


@pytest.fixture
def anonymous(app: FastAPI) -> TestClient:
    return TestClient(app, raise_server_exceptions=False)


@pytest.fixture
def new_person(app: FastAPI) -> NewPerson:
    """Make users, each logged in with a browser of their own."""
    return lambda: make_person(app, TestClient(app, raise_server_exceptions=False))


@pytest.fixture
def person(new_person: NewPerson) -> Person:
    return new_person()


@pytest.fixture
def app_context(app: FastAPI) -> Context:
    return context_of(app)
