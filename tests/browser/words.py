"""What a user does on the page, in the page's words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from playwright.sync_api import Locator, Page, expect


@dataclass(frozen=True, slots=True)
class Login:
    email: str
    password: str


def log_in(page: Page, login: Login) -> None:
    """Log in from the front door and wait for the dashboard."""
    page.goto("/")
    page.get_by_label("Email").fill(login.email)
    page.get_by_label("Password").fill(login.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def chart(page: Page) -> Locator:
    return page.get_by_role("img", name=re.compile("candles"))


def wait_for_price(page: Page) -> str:
    """Return the price that the dashboard shows, once it shows one."""
    price = page.get_by_test_id("price")
    expect(price).to_have_text(re.compile(r"\d"))
    return price.inner_text()


def rows(page: Page, region: str) -> Locator:
    return page.get_by_role("region", name=region, exact=True).locator("tbody tr")


def link_of(page: Page, word: str) -> Locator:
    """The word beside the menu that says how the page is told what happens; symbols have states of the same names."""
    return page.get_by_role("status").filter(has_text=re.compile(rf"^\s*{word}\s*$"))
