"""Make a picture of the dashboard with a live chart, firings and executions: `screenshot.py OUT [--data-dir D]`.

Uses the platform that runs in the data folder; where none does, starts one in a temporary folder and stops it again.
"""

from __future__ import annotations

import argparse
import contextlib
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

CHECKOUT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(CHECKOUT))

from deploy.embedded import environment, runfile  # noqa: E402

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync"]
SIZE = {"width": 1440, "height": 1000}
EMAIL = "demo@tapewatch.local"
START_S = 120.0
SHOWN = 7
FILL_MS = 420_000


@contextlib.contextmanager
def running(data_dir: Path) -> Generator[Path]:
    """Yield the folder of a platform that runs."""
    if runfile.read(data_dir / "run.json") is not None:
        yield data_dir
        return
    with tempfile.TemporaryDirectory(prefix="tapewatch-picture-", ignore_cleanup_errors=True) as folder:
        # PostgreSQL runs as a user of its own where we are root.
        Path(folder).chmod(0o711)
        own = Path(folder) / "data"
        command = [sys.executable, "-m", "cli.main", "up", "--data-dir", str(own)]
        process = subprocess.Popen(command, cwd=CHECKOUT, stdin=subprocess.DEVNULL, start_new_session=True)
        try:
            wait_until_ready(process, own)
            yield own
        finally:
            process.send_signal(signal.SIGINT)
            process.wait(timeout=60)


def wait_until_ready(process: subprocess.Popen[bytes], data_dir: Path) -> None:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise SystemExit(f"tapewatch up ended with {process.returncode}")
        run = runfile.read(data_dir / "run.json")
        if run is not None and run.ready:
            return
        time.sleep(0.2)
    raise SystemExit(f"tapewatch up was not ready within {START_S:.0f} s")


def log_in(page: Page, password: str) -> None:
    page.goto("/")
    page.get_by_label("Email").fill(EMAIL)
    page.get_by_label("Password").fill(password)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


def take(page: Page, out: Path) -> None:
    """Wait for what the picture has to show, then take it."""
    executions = page.get_by_role("region", name="Executions", exact=True).locator("tbody tr")
    firings = page.get_by_role("region", name="Latest firings", exact=True).locator("tbody tr")
    expect(page.locator("[data-candles]")).to_be_visible()
    # A few of them, so that tables and marks look as after a while of work.
    expect(executions.filter(has_text="Completed").nth(SHOWN - 1)).to_be_visible(timeout=FILL_MS)
    expect(firings.first).to_be_visible()
    expect(page.get_by_text("trigger fired")).to_be_visible(timeout=60_000)
    expect(page.get_by_test_id("price")).to_contain_text(".")
    page.mouse.move(0, 0)
    out.parent.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("out", type=Path)
    parser.add_argument("--data-dir", type=Path, default=CHECKOUT / "data")
    arguments = parser.parse_args()
    command = os.environ.get("TAPEWATCH_BROWSER") or str(CHECKOUT / ".browser" / "chromium")
    with running(arguments.data_dir) as data_dir, sync_playwright() as playwright:
        run = runfile.read(data_dir / "run.json")
        assert run is not None
        settings = environment.settings_of(environment.of_running_stack(data_dir))
        browser = playwright.chromium.launch(executable_path=command, args=FLAGS)
        context = browser.new_context(base_url=run.url, viewport=SIZE, device_scale_factor=2)
        page = context.new_page()
        log_in(page, settings.demo_password.get_secret_value())
        take(page, arguments.out)
        browser.close()
    print(f"wrote {arguments.out}")  # noqa: T201


if __name__ == "__main__":
    main()
