"""The live link: lost, replaced by polling, back again, and nothing missed."""

from __future__ import annotations

import re

from playwright.sync_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Complaints
from tests.browser.words import Login, link_of, log_in, rows, wait_for_price


def test_without_its_socket_the_page_polls_and_then_resumes(
    page: Page, demo_login: Login, complaints: Complaints
) -> None:
    complaints.forgiven.append("WebSocket")
    sockets: list[WebSocketRoute] = []
    is_refused = False

    def pass_on(socket: WebSocketRoute) -> None:
        if is_refused:
            socket.close(code=1011)
            return
        sockets.append(socket)
        socket.connect_to_server()

    page.route_web_socket(re.compile("/ws$"), pass_on)
    log_in(page, demo_login)
    expect(link_of(page, "Live")).to_be_visible()
    wait_for_price(page)

    is_refused = True
    sockets[-1].close(code=1011)
    expect(link_of(page, "Polling")).to_be_visible()
    polled = wait_for_price(page)
    expect(page.get_by_test_id("price")).not_to_have_text(polled)
    page.goto("/pipelines")
    rows(page, "Pipelines").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Chain")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Fire .* now$")).click()
    expect(page.get_by_test_id("status")).to_have_text(re.compile("Completed|Suppressed"), timeout=60_000)

    is_refused = False
    expect(link_of(page, "Live")).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text(re.compile("Finished|Suppressed"))


def test_an_ended_session_leads_to_the_login_and_back(page: Page, demo_login: Login, complaints: Complaints) -> None:
    complaints.forgiven += ["401", "WebSocket"]
    log_in(page, demo_login)
    page.context.clear_cookies()
    page.goto("/reports")
    page.get_by_label("Email").fill(demo_login.email)
    page.get_by_label("Password").fill(demo_login.password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Reports", level=1)).to_be_visible()
