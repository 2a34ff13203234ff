"""`python -m api`: the API, the page, and the outbox relay, until SIGTERM."""

from __future__ import annotations

import signal
import socket
import sys
import threading
from types import FrameType

import uvicorn

from api.app import create_app
from api.context import Context
from api.relay import STOP_S, Relay
from api.seed import seed
from api.threads import make_thread
from core import observability, settings
from core.errors import ConfigError, Unavailable
from core.heartbeat import Heartbeat
from core.observability import logger
from core.settings import Settings

PROCESS = "api"
_log = logger(__name__)


def main() -> None:
    try:
        configured = settings.load()
        observability.start(PROCESS, configured)
        serve(configured)
    except ConfigError as error:
        sys.stderr.write(f"{error}\n")
        sys.exit(2)


def serve(configured: Settings) -> None:
    """Serve until a signal says stop. What a start needs of Postgres is tried until it answers."""
    app = create_app(configured)
    ctx = app.state.context
    assert isinstance(ctx, Context)
    ctx.tokens.require_secret()
    listener = _listen(configured)
    keeper = Keeper(ctx, Heartbeat(PROCESS, configured).start())
    keeper.start()
    server = uvicorn.Server(
        uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            server_header=False,
            proxy_headers=False,
            ws_max_size=65_536,
            ws_max_queue=16,
            timeout_graceful_shutdown=1,
        )
    )
    # The server raises a signal again once it has stopped; we still have to close what is ours.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _pass)
    _log.info("serving", address=configured.origin)
    try:
        server.run(sockets=[listener])
    finally:
        keeper.close()
    if keeper.refused:
        raise ConfigError(keeper.refused)


def _pass(_number: int, _frame: FrameType | None) -> None:
    """Do nothing."""


def _listen(configured: Settings) -> socket.socket:
    """Open the port.

    Raises:
        ConfigError: it is taken, or not ours to open.
    """
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((configured.api_host, configured.api_port))
    except OSError as error:
        listener.close()
        where = f"{configured.api_host}:{configured.api_port}"
        raise ConfigError(f"TAPEWATCH_API_PORT: {where} cannot be opened: {error.strerror}") from None
    return listener


class Keeper:
    """A thread that seeds, starts the relay, and says once a second how the process is."""

    def __init__(self, ctx: Context, heartbeat: Heartbeat) -> None:
        self._ctx = ctx
        self._heartbeat = heartbeat
        self._relay = Relay(ctx)
        self._stopped = threading.Event()
        self._thread = make_thread("keeper", self._keep)
        self.refused = ""
        """Why this configuration cannot serve; the process ends with it."""

    def start(self) -> None:
        self._thread.start()

    def close(self) -> None:
        """End what runs beside the server. Its threads are daemons: one that waits for a neighbour is left to it."""
        self._stopped.set()
        self._relay.close()
        if self._thread.is_alive():
            self._thread.join(timeout=STOP_S)

    def _keep(self) -> None:
        if not self._seed():
            return
        self._relay.start()
        while not self._stopped.wait(1.0):
            trouble = self._relay.trouble
            self._heartbeat.report("waiting" if trouble else "ok", trouble or "serving")
        self._heartbeat.close()

    def _seed(self) -> bool:
        """Seed as soon as Postgres answers; False where it cannot be."""
        while True:
            try:
                seed(self._ctx)
            except Unavailable as error:
                self._heartbeat.report("waiting", str(error))
            except ConfigError as error:
                self.refused = str(error)
                signal.raise_signal(signal.SIGTERM)
                return False
            else:
                return True
            if self._stopped.wait(0.5):
                return False


if __name__ == "__main__":
    main()
