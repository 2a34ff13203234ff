"""The main job as a user sees it: the tape moves, a trigger fires, an execution ends with a report."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Complaints
from tests.browser.words import Login, chart, link_of, log_in, rows, wait_for_price
from tests.kit.platform import Platform
from tests.kit.waiting import wait_until


def test_a_user_sees_the_chart_move_and_reads_the_report_of_a_finished_execution(
    page: Page, demo_login: Login, platform: Platform
) -> None:
    log_in(page, demo_login)
    expect(link_of(page, "Live")).to_be_visible()
    expect(page.get_by_text("PAPER", exact=True)).to_be_visible()

    first = wait_for_price(page)
    expect(page.get_by_test_id("price")).not_to_have_text(first)
    expect(chart(page)).to_have_attribute("data-candles", re.compile(r"^[1-9]"))
    before = chart(page).screenshot()
    wait_until(lambda: chart(page).screenshot() != before, timeout_s=20, what="another picture of the chart")

    wait_until(lambda: platform.completed() > 0, timeout_s=90, what="a completed execution", every_s=0.5)
    finished = rows(page, "Executions").filter(has_text="Completed").first
    finished.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Why it fired")).to_be_visible()
    expect(page.get_by_test_id("status")).to_have_text("Completed")
    expect(page.get_by_role("log")).to_contain_text("Finished")

    page.get_by_role("link", name="Read report").click()
    expect(page.get_by_role("heading", name="Report", level=1)).to_be_visible()
    expect(page.get_by_role("article").locator("section").first).to_be_visible()
    expect(page.get_by_role("link", name="Open execution")).to_be_visible()


def test_an_execution_is_watched_step_by_step_from_the_button_to_its_report(own_page: Page) -> None:
    page = own_page
    page.goto("/pipelines")
    rows(page, "Pipelines").first.get_by_role("link").first.click()
    expect(page.get_by_role("heading", name="Chain")).to_be_visible()
    page.get_by_role("button", name=re.compile("^Fire .* now$")).click()

    expect(page.get_by_role("heading", name="Execution", level=1)).to_be_visible()
    expect(page.get_by_test_id("status")).to_have_text(re.compile("Completed|Suppressed"), timeout=60_000)
    expect(page.get_by_role("link", name="Read report")).to_be_visible()


def test_a_pipeline_is_paused_and_resumed_from_the_dashboard(own_page: Page) -> None:
    own_page.goto("/dashboard")
    pipelines = own_page.get_by_role("region", name="Active pipelines")
    pause = pipelines.get_by_role("button", name=re.compile("^Pause")).last
    name = (pause.get_attribute("aria-label") or "").removeprefix("Pause ")
    pause.click()
    resume = pipelines.get_by_role("button", name=f"Resume {name}")
    expect(resume).to_be_visible()
    resume.click()
    expect(pipelines.get_by_role("button", name=f"Pause {name}")).to_be_visible()


def test_a_wrong_password_is_refused_in_words(page: Page, demo_login: Login, complaints: Complaints) -> None:
    complaints.forgiven.append("401")
    page.goto("/executions")
    page.get_by_label("Email").fill(demo_login.email)
    page.get_by_label("Password").fill("not the password")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Email or password is wrong.")
