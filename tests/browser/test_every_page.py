"""What holds for every page: no accessibility violation, no complaint of the browser, reachable by keyboard."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pytest
from playwright.sync_api import Page, expect

from tests.browser.words import chart, rows

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
def test_a_list_has_no_accessibility_violation(own_page: Page, path: str, region: str) -> None:
    own_page.goto(path)
    expect(rows(own_page, region).first).to_be_visible(timeout=90_000)
    if path == "/dashboard":
        expect(chart(own_page)).to_be_visible()
    assert violations(own_page) == []


@pytest.mark.parametrize("path", ["/pipelines", "/executions", "/reports"])
def test_a_detail_has_no_accessibility_violation(own_page: Page, path: str) -> None:
    own_page.goto(path)
    own_page.locator("tbody tr td:first-child a").first.click(timeout=90_000)
    expect(own_page.get_by_role("main").get_by_role("heading", level=2).first).to_be_visible()
    assert violations(own_page) == []


def test_every_place_is_reached_by_keys(own_page: Page) -> None:
    own_page.goto("/dashboard")
    expect(own_page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    for key, title in (("p", "Pipelines"), ("e", "Executions"), ("r", "Reports"), ("b", "Billing"), ("d", "Dashboard")):
        own_page.keyboard.press("g")
        own_page.keyboard.press(key)
        expect(own_page.get_by_role("heading", name=title, level=1)).to_be_visible()
    own_page.keyboard.press("?")
    expect(own_page.get_by_role("dialog", name="Keys")).to_be_visible()
    own_page.keyboard.press("Escape")
    own_page.keyboard.press("Control+k")
    own_page.get_by_role("combobox", name="Command or symbol").fill("bill")
    own_page.keyboard.press("Enter")
    expect(own_page.get_by_role("heading", name="Billing", level=1)).to_be_visible()
