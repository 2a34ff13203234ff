"""What the page says while a part of the platform is down."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.words import link_of
from tests.kit.platform import Platform, kill


def test_the_page_says_what_happens_while_the_market_flow_restarts(own_page: Page, platform: Platform) -> None:
    own_page.goto("/dashboard")
    expect(own_page.get_by_role("button", name=re.compile("^All .* parts work$"))).to_be_visible(timeout=60_000)

    kill(platform.part("market-0").pid)
    said = own_page.get_by_role("status").get_by_text(re.compile("^Market flow"))
    expect(said).to_be_visible(timeout=30_000)
    expect(said).to_be_hidden(timeout=90_000)
    expect(link_of(own_page, "Live")).to_be_visible()
