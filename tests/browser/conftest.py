"""A running platform, a browser, and a page that is watched for complaints."""

from __future__ import annotations

import os
from collections.abc import Generator
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Error, Page, sync_playwright

from tests.browser.words import Login
from tests.kit.platform import DEMO_EMAIL, Platform, running_platform
from tests.kit.stack import reachable_folder

CHECKOUT = Path(__file__).parents[2]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
PATIENCE_MS = 20_000
_TELL_VIOLATIONS = """
addEventListener('securitypolicyviolation', (event) => {
  console.error(`policy violated: ${event.violatedDirective} by ${event.blockedURI} ${event.sample}`);
});
"""


@dataclass(slots=True)
class Complaints:
    """What browser, page and policy complained of, in order. `forgiven` holds parts of texts a test brings about."""

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


@pytest.fixture
def context(browser: Browser, base_url: str) -> Generator[BrowserContext]:
    context = browser.new_context(base_url=base_url, viewport={"width": 1440, "height": 900})
    context.set_default_timeout(PATIENCE_MS)
    context.add_init_script(_TELL_VIOLATIONS)
    yield context
    context.close()


@pytest.fixture
def complaints() -> Complaints:
    return Complaints()


@pytest.fixture
def page(context: BrowserContext, complaints: Complaints) -> Generator[Page]:
    """A page that fails its test when anything was complained of."""
    page = context.new_page()
    page.on("console", complaints.note_console)
    page.on("pageerror", complaints.note_error)
    yield page
    assert complaints.unforgiven() == []
