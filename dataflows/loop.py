"""The market flow without Bytewax: the same three steps in a plain loop."""

from __future__ import annotations

from dataflows.stream import Stream


def run(stream: Stream) -> None:
    while (poll := stream.read()) is not None:
        if not stream.is_idle(poll):
            stream.write([stream.process(poll)])
