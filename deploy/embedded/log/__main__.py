"""The embedded broker as a process: `python -m deploy.embedded.log --port N --cluster-id ID --limit-mb N`."""

from __future__ import annotations

import argparse
import asyncio
import gc
import time

from deploy.embedded.log.requests import Requests
from deploy.embedded.log.server import serve
from deploy.embedded.log.store import Store

_EXPIRE_EVERY_S = 5.0


async def _run(requests: Requests) -> None:
    server = await serve(requests)
    async with server:
        while True:
            await asyncio.sleep(_EXPIRE_EVERY_S)
            requests.store.expire(time.time_ns() // 1_000_000)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded.log", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--cluster-id", required=True)
    parser.add_argument("--limit-mb", type=int, default=512)
    asked = parser.parse_args()
    # Batches refer to nothing: a collection over a million of them would find nothing, and hold everybody up.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 1_000)
    asyncio.run(_run(Requests(Store(asked.limit_mb * 1_000_000), asked.cluster_id, asked.host, asked.port)))


if __name__ == "__main__":
    main()
