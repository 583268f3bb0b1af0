"""One set-up of logging for every process: JSON lines, event names and not sentences, nothing secret."""

import logging
import sys
from typing import Any

import structlog

from cluster.safety.redaction import redact


def configure_logs(process: str, *, level: str = "INFO", **bound: Any) -> None:
    """JSON lines to stdout, which Ray writes to the worker's file and the dashboard shows.

    `process` (camera, detector, supervisor, ...) and `bound` stand on every line of this process.
    Calling it again replaces what was set.
    """
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            _redact_values,
            structlog.processors.JSONRenderer(ensure_ascii=False, default=str),
        ],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelNamesMapping()[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stdout),
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    _PROCESS.clear()
    _PROCESS.update(process=process, **bound)


_PROCESS: dict[str, Any] = {}


def _redact_values(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """The choke point: whatever text leaves as a log line has no password in it."""
    merged = {**_PROCESS, **event}
    return {key: redact(value) if isinstance(value, str) else value for key, value in merged.items()}
