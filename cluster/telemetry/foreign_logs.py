"""What libraries and Ray log in our processes, and what nobody caught, in the form of our own lines."""

import contextlib
import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from types import TracebackType
from typing import Any

import structlog

from cluster.safety.redaction import redact
from cluster.telemetry.log_levels import levels

Processor = structlog.typing.Processor
_RAY, _SERVE = "ray", "ray.serve"
_FAILED = "Request failed."
_CLOSED = "after sending 'websocket.close'"
_log = structlog.get_logger()


class ForeignHandler(logging.Handler):
    """Hands the records of stdlib loggers to `write` as lines. Whatever goes wrong is dropped, as in all logging."""

    def __init__(self, formatter: logging.Formatter, write: Callable[[str], None]) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._write = write

    def createLock(self) -> None:  # noqa: N802 - the base calls it so
        """None: `write` may be called by any thread, and nobody should wait for another's formatting."""
        self.lock = None

    def emit(self, record: logging.LogRecord) -> None:
        if not levels.admits(record.levelno):
            return
        try:
            self._write(self.format(record))
        # The border to foreign arguments: a record whose text cannot be made must not cost the caller his work.
        except Exception:  # noqa: BLE001
            self._write('{"event": "log_line_not_rendered", "level": "warning"}')


class ClientsThatLeft(logging.Filter):
    """Ends the way of what Serve's HTTP server logs as an error, with a traceback, when a client has gone while it was
    answered: that is what clients do, all day. Our own code has ended by then; nothing that it raises comes this way.
    """

    def filter(self, record: logging.LogRecord) -> bool:
        error = record.exc_info[1] if record.exc_info else None
        return not (record.msg == _FAILED and error is not None and _has_left(error))


def _has_left(error: BaseException) -> bool:
    """By name and words: uvicorn is not imported in other processes than those that serve HTTP."""
    if type(error).__name__ == "ClientDisconnected":
        return True
    return (
        isinstance(error, RuntimeError) and str(error).startswith("Unexpected ASGI message") and _CLOSED in str(error)
    )


class ServeLines(logging.Filter):
    """Copies Serve's lines to `handler`. A filter of the logger, because Serve removes all handlers now and then."""

    def __init__(self, handler: logging.Handler) -> None:
        super().__init__()
        self.handler = handler

    def filter(self, record: logging.LogRecord) -> bool:
        if not getattr(record, "serve_access_log", False):
            self.handler.handle(record)
        return True


def take_over(foreign: Iterable[Processor], render: Processor, write: Callable[[str], None]) -> None:
    """From now on stdlib lines of WARNING and above (Ray's own of INFO) and uncaught errors come out by `write`.

    Calling it again replaces what was set. `foreign`: what makes an event of a record; `render`: the line of it.
    """
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.add_logger_name, *foreign],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, render],
    )
    handler = ForeignHandler(formatter, write)
    root = logging.getLogger()
    # Nobody reads what libraries print in their own form; the address of every request (httpx) is none of INFO's.
    root.handlers = [*(one for one in root.handlers if not _is_plain(one)), handler]
    root.setLevel(logging.WARNING)
    ray, serve = logging.getLogger(_RAY), logging.getLogger(_SERVE)
    ray.handlers = [one for one in ray.handlers if not isinstance(one, ForeignHandler)]
    if not ray.propagate:
        ray.addHandler(handler)
    serve.filters = [one for one in serve.filters if not isinstance(one, ClientsThatLeft | ServeLines)]
    # In this order: a filter that refuses a line ends its way to those behind it.
    serve.addFilter(ClientsThatLeft())
    serve.addFilter(ServeLines(handler))
    sys.excepthook, threading.excepthook = _uncaught, _uncaught_in_thread


def _is_plain(handler: logging.Handler) -> bool:
    """Ours of before, or one that prints to the terminal."""
    return isinstance(handler, ForeignHandler) or type(handler) is logging.StreamHandler


def _uncaught(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> None:
    if not issubclass(kind, KeyboardInterrupt | SystemExit):
        _log.critical("process_failed", exception=_shown(kind, error, at))


def _uncaught_in_thread(arguments: Any) -> None:
    if arguments.exc_type is SystemExit:
        return
    thread = arguments.thread.name if arguments.thread is not None else ""
    error = arguments.exc_value or arguments.exc_type()
    _log.critical("thread_failed", thread=thread, exception=_shown(arguments.exc_type, error, arguments.exc_traceback))


def _shown(kind: type[BaseException], error: BaseException, at: TracebackType | None) -> str:
    """The traceback, which stderr gets as well, as it would without us."""
    text = redact("".join(traceback.format_exception(kind, error, at)))
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(text)
    return text
