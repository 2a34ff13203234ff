"""One log line format and one metrics endpoint for every process.

A line is one JSON object: `at`, `level`, `process`, `message`, and where they apply `symbol`, `pipeline`,
`execution`. `start` is called once by a process; libraries' logs take the same way.
"""

from __future__ import annotations

import logging
import re
import sys

import structlog
from prometheus_client import start_http_server
from structlog.stdlib import BoundLogger
from structlog.typing import EventDict, WrappedLogger

from core.settings import Settings

_SECRET_IN_URL = re.compile(r"(?i)([?&](?:token|key|secret|apikey|api_key)=)[^&\s'\"]+|(://[^:/@\s]*:)[^@/\s]+(?=@)")


def start(process: str, settings: Settings, *, nth: int = 0) -> None:
    """Set up logging to stdout and, where `metrics_port` is set, the metrics endpoint.

    Args:
        nth: Which of several equal processes of one host this is; its port is as many above.
    """
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    shared = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
        _named(process),
        structlog.processors.format_exc_info,
        structlog.processors.EventRenamer("message"),
        redact,
    ]
    renderer = (
        structlog.processors.JSONRenderer()
        if settings.log_format == "json"
        else structlog.dev.ConsoleRenderer(
            event_key="message",
            # The default prints the values of variables: slow for minutes with large ones, and keys are among them.
            exception_formatter=structlog.dev.plain_traceback,
        )
    )
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for chatty in ("httpx", "httpcore", "urllib3", "websockets", "aiohttp.access", "openai"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    if settings.metrics_port:
        _serve_metrics(settings.metrics_address, settings.metrics_port + nth)


def _serve_metrics(address: str, port: int) -> None:
    try:
        start_http_server(port, addr=address)
    except (OSError, OverflowError) as error:
        # A process that cannot be measured still does its work.
        logger(__name__).error("no metrics: the address is taken or wrong", address=address, port=port, why=str(error))


def logger(name: str) -> BoundLogger:
    """Return the logger of a module; bind `symbol`, `pipeline`, `execution` where they apply."""
    bound: BoundLogger = structlog.stdlib.get_logger(name)
    return bound


def redact(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Take keys and passwords out of any URL in any text of a line."""
    for key, value in event.items():
        if isinstance(value, str):
            event[key] = hide_secrets(value)
    return event


def hide_secrets(text: str) -> str:
    """Return the text with the values of key-like URL parameters and URL passwords replaced by ***."""
    return _SECRET_IN_URL.sub(lambda m: f"{m.group(1) or m.group(2)}***", text)


def _named(process: str) -> structlog.typing.Processor:
    def add(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        event["process"] = process
        return event

    return add
