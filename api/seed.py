"""What a first start finds there: the demo user with the example pipelines, armed."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID, uuid5

from api.context import Context
from api.definition import define
from core.clock import to_datetime
from core.errors import ConfigError, InvalidInput
from core.observability import logger
from core.pipeline import load_json
from core.store import pipelines, users

DEMO_EMAIL = "demo@tapewatch.local"
DEMO_ID = UUID("5f1e0f5e-0d0c-5c1a-9a52-7d1f3c0a9b10")
_log = logger(__name__)


def seed(ctx: Context) -> None:
    """Make the demo user and its pipelines, once; what the user changed or archived since stays so.

    A password that has changed in the settings becomes the user's.

    Raises:
        ConfigError: an example is no valid pipeline, or there is no password.
        Unavailable: Postgres is away.
    """
    if not ctx.settings.demo_user:
        return
    password = ctx.settings.demo_password.get_secret_value()
    if not password:
        raise ConfigError("TAPEWATCH_DEMO_PASSWORD: found nothing; the demo user needs one")
    with ctx.postgres.begin() as tx:
        known = users.by_id(tx, DEMO_ID)
    if known is not None:
        if not ctx.passwords.verify(password, known.password_hash)[0]:
            new_hash = ctx.passwords.hash(password)
            with ctx.postgres.begin() as tx:
                users.set_password_hash(tx, DEMO_ID, new_hash)
        return
    password_hash = ctx.passwords.hash(password)
    now = to_datetime(ctx.clock.now_ms())
    with ctx.postgres.begin() as tx:
        users.create(tx, user_id=DEMO_ID, email=DEMO_EMAIL, password_hash=password_hash, full_name="Demo")
        for pipeline_id, definition in _examples(ctx.settings.examples_dir):
            pipelines.create(
                tx, pipeline_id=pipeline_id, user_id=DEMO_ID, definition=definition, is_active=True, at=now
            )
    _log.info("demo user and example pipelines are there", email=DEMO_EMAIL)


def _examples(folder: Path) -> list[tuple[UUID, pipelines.Definition]]:
    found: list[tuple[UUID, pipelines.Definition]] = []
    for file in sorted(folder.glob("*.json")):
        try:
            config = load_json(file.read_text())
            pipeline_id = _id_of(config.id)
            found.append((pipeline_id, define(config.to_json(), pipeline_id)))
        except InvalidInput as invalid:
            raise ConfigError(f"example {file}: {invalid}") from None
    return found


def _id_of(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError:
        return uuid5(DEMO_ID, text)
