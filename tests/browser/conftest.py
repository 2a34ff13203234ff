"""A running platform, a browser, and a page that is watched for complaints."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    BrowserContext,
    ConsoleMessage,
    Error,
    Page,
    StorageState,
    expect,
    sync_playwright,
)

from tests.browser.words import Login, log_in
from tests.kit.platform import DEMO_EMAIL, Platform, running_platform
from tests.kit.stack import reachable_folder

CHECKOUT = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
PATIENCE_MS = 20_000
expect.set_options(timeout=PATIENCE_MS)
_TELL_VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) => {
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI} ${event.sample}`);
});
"""


@dataclass
class Complaints:
    """What browser, page and policy complained of, in order. `forgiven` holds parts of texts a test brings about.

    Without slots: Playwright keeps its wrappers of the methods on the object.
    """

    texts: list[str] = field(default_factory=list[str])
    forgiven: list[str] = field(default_factory=list[str])

    def note_console(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning"):
            self.texts.append(f"console {message.type}: {message.text} ({message.location.get('url', '')})")

    def note_error(self, error: Error) -> None:
        self.texts.append(f"page error: {error.message}")

    def unforgiven(self) -> list[str]:
        return [text for text in self.texts if not any(part in text for part in self.forgiven)]


@pytest.fixture(scope="session")
def platform() -> Generator[Platform]:
    with reachable_folder() as folder, running_platform(folder / "data") as running:
        yield running


@pytest.fixture(scope="session")
def base_url(platform: Platform) -> str:
    return platform.run().url.rstrip("/")


@pytest.fixture(scope="session")
def demo_login(platform: Platform) -> Login:
    return Login(DEMO_EMAIL, platform.password)


@pytest.fixture(scope="session")
def browser() -> Generator[Browser]:
    command = os.environ.get("TAPEWATCH_BROWSER") or str(CHECKOUT / ".browser" / "chromium")
    assert Path(command).exists(), f"no browser at {command!r}: run make test-browser, which unpacks one"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=command, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def session_state(browser: Browser, base_url: str, demo_login: Login) -> StorageState:
    """The cookies of one login, for tests that are about something else."""
    context = browser.new_context(base_url=base_url)
    log_in(context.new_page(), demo_login)
    state = context.storage_state()
    context.close()
    return state


def _open(browser: Browser, base_url: str, state: StorageState | None) -> BrowserContext:
    context = browser.new_context(base_url=base_url, viewport={"width": 1440, "height": 900}, storage_state=state)
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(_TELL_VIOLATIONS)
    return context


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(browser: Browser, base_url: str, complaints: Complaints) -> Generator[Page]:
    """A stranger's page; it fails its test when anything was complained of."""
    with _watched(_open(browser, base_url, None), complaints) as page:
        yield page


@pytest.fixture
def own_page(browser: Browser, base_url: str, session_state: StorageState, complaints: Complaints) -> Generator[Page]:
    """A page of somebody who is logged in, watched in the same way."""
    with _watched(_open(browser, base_url, session_state), complaints) as page:
        yield page


@contextlib.contextmanager
def _watched(context: BrowserContext, complaints: Complaints) -> Generator[Page]:
    page = context.new_page()
    page.on("console", complaints.note_console)
    page.on("pageerror", complaints.note_error)
    yield page
    context.close()
    assert complaints.unforgiven() == []
