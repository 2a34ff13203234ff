"""What holds for every page: no accessibility violation, no complaint of the browser, reachable by keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Page, expect

from tests.browser.words import Login, chart, log_in, rows

AXE = Path(__file__).parents[2] / "web" / "node_modules" / "axe-core" / "axe.min.js"
RUN_AXE = """async () => {
  const found = await axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa'] });
  return found.violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 160)).join(' | ')}`);
}"""


def violations(page: Page) -> list[str]:
    page.evaluate(AXE.read_text())
    return cast("list[str]", page.evaluate(RUN_AXE))


def test_the_login_has_no_accessibility_violation(page: Page) -> None:
    page.goto("/login")
    expect(page.get_by_label("Email")).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize(
    ("path", "region"),
    [
        ("/dashboard", "Executions"),
        ("/pipelines", "Pipelines"),
        ("/executions", "Executions"),
        ("/reports", "Reports"),
        ("/billing", "By agent"),
    ],
)
def test_a_list_has_no_accessibility_violation(page: Page, demo_login: Login, path: str, region: str) -> None:
    log_in(page, demo_login)
    page.goto(path)
    expect(rows(page, region).first).to_be_visible(timeout=90_000)
    if path == "/dashboard":
        expect(chart(page)).to_be_visible()
    assert violations(page) == []


@pytest.mark.parametrize("path", ["/pipelines", "/executions", "/reports"])
def test_a_detail_has_no_accessibility_violation(page: Page, demo_login: Login, path: str) -> None:
    log_in(page, demo_login)
    page.goto(path)
    page.locator("tbody tr td:first-child a").first.click(timeout=90_000)
    expect(page.get_by_role("main").get_by_role("heading", level=2).first).to_be_visible()
    assert violations(page) == []


def test_every_place_is_reached_by_keys(page: Page, demo_login: Login) -> None:
    log_in(page, demo_login)
    for key, title in (("p", "Pipelines"), ("e", "Executions"), ("r", "Reports"), ("b", "Billing"), ("d", "Dashboard")):
        page.keyboard.press("g")
        page.keyboard.press(key)
        expect(page.get_by_role("heading", name=title, level=1)).to_be_visible()
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
    page.keyboard.press("Escape")
    page.keyboard.press("Control+k")
    page.get_by_role("combobox", name="Command or symbol").fill("bill")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Billing", level=1)).to_be_visible()
