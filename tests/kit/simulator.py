"""The feed's stand-in, running beside a test."""

from __future__ import annotations

import contextlib
import json
import urllib.request
from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path

from tests.kit.processes import RunningProcess, free_port, running
from tests.kit.waiting import wait_until

TOKEN = "simulator"


@dataclass(frozen=True, slots=True)
class Simulator:
    """One that runs somewhere on this machine."""

    port: int

    @property
    def ws_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}"

    @property
    def rest_url(self) -> str:
        return f"http://127.0.0.1:{self.port}/api/v1"

    def now_ms(self) -> int | None:
        """Return its clock, None while it does not answer."""
        try:
            with urllib.request.urlopen(f"{self.rest_url}/simulator/clock", timeout=5) as response:
                return int(json.load(response)["now_ms"])
        except OSError:
            return None

    def put_faults(self, **faults: object) -> None:
        """Let it have these faults from now on (`ingest.simulator.faults.Faults`) and no others."""
        self._ask("PUT", "faults", faults)

    def disconnect(self) -> None:
        """Let it close every socket once."""
        self._ask("POST", "disconnect", {})

    def calls(self, path: str) -> int:
        """Return how often a path of its REST side has been asked, e.g. `stock/candle`."""
        with urllib.request.urlopen(f"{self.rest_url}/simulator/calls", timeout=5) as response:
            return int(json.load(response).get(path, 0))

    def write_news(self, symbol: str, headline: str) -> None:
        """Let an item about a symbol be published now."""
        self._ask("POST", "news", {"symbol": symbol, "headline": headline})

    def _ask(self, method: str, path: str, body: object) -> None:
        data = json.dumps(body).encode()
        request = urllib.request.Request(f"{self.rest_url}/simulator/{path}", data, method=method)
        with urllib.request.urlopen(request, timeout=5) as response:
            assert response.status == 200


@dataclass(frozen=True, slots=True)
class RunningSimulator(Simulator):
    process: RunningProcess


@contextlib.contextmanager
def running_simulator(folder: Path, *arguments: str, port: int = 0) -> Generator[RunningSimulator]:
    """Start it in a folder that keeps its clock; wait until it answers."""
    port = port or free_port()
    given = ["--port", str(port), "--state", str(folder / "clock.json"), *arguments]
    with running({}, ["ingest.simulator", *given], folder / "simulator.log") as process:
        found = RunningSimulator(port, process)
        wait_until(lambda: found.now_ms() is not None, timeout_s=60, what="the simulator")
        yield found
