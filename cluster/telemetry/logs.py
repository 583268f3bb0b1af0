"""One set-up of logging for every process: JSON lines, event names and not sentences, nothing secret.

A line goes to stdout, which Ray writes to the worker's file, and to the process's own rotating file in the node's
log folder, which Filebeat ships and `safe-yolo logs` shows. Who logs waits for neither: one thread writes both.
"""

import atexit
import contextlib
import logging
import os
import socket
import sys
from typing import Any

import structlog

from cluster.safety.errors import ConfigError
from cluster.settings.load import parse
from cluster.settings.log_files import LogFileSettings, log_files, log_folder
from cluster.settings.log_levels import LogSettings, without_logging
from cluster.telemetry.foreign_logs import take_over
from cluster.telemetry.log_files import LogFile
from cluster.telemetry.log_levels import LEVELS, levels
from cluster.telemetry.log_texts import rendered
from cluster.telemetry.log_writer import LogWriter
from cluster.telemetry.request_ids import request_id

LEVEL_VARIABLE = "SAFE_YOLO_LOG_LEVEL"
"""What a process begins with; `user_config` of the deployments changes it while it runs."""
_NUMBERS = logging.getLevelNamesMapping()
_PROCESS: dict[str, Any] = {}
"""On every line of this process."""


_FLUSH_S = 1.0
"""So long the end of a process waits for its last lines."""


def _count_lost() -> None:
    from cluster.telemetry import metrics  # Ray, which the command does without as long as nothing fails

    metrics.log_write_failures.inc()


_WRITER = LogWriter(_count_lost)
"""One a process."""


class LogOutput:
    """Where the lines of a process go, soon: `write` hands them to the writer's thread."""

    def __init__(self, file: LogFile | None, stdout: bool) -> None:
        self._file, self._stdout = file, stdout

    def write(self, line: str) -> None:
        _WRITER.put(self._write_now, line)

    def close(self) -> None:
        if self._file is not None:
            _WRITER.afterwards(self._file.close)

    def _write_now(self, line: str) -> None:
        if self._file is not None:
            self._file.write(line)
        if self._stdout:
            with contextlib.suppress(OSError, ValueError):  # closed, full, or nobody reads
                sys.stdout.write(line + "\n")
                sys.stdout.flush()

    # What structlog calls with the finished line; the level was judged before.
    msg = debug = info = warning = error = critical = exception = write


_output = LogOutput(None, stdout=True)


def flush_logs(timeout_s: float = _FLUSH_S) -> bool:
    """Waits until what was logged before is written; False: it is not, in that time."""
    return _WRITER.flush(timeout_s)


def configure_logs(process: str, *, level: str = "", stdout: bool = True, **bound: Any) -> None:
    """Lines of this process from now on: JSON, to stdout (unless not wanted) and to a file of its own.

    `process` (camera, detector, supervisor, ...) and `bound` stand on every line of this process; `level` is that
    of `SAFE_YOLO_LOG_LEVEL`, or INFO. Calling it again replaces what was set. Nothing here raises: a process
    without a log file works, says so on stderr, and counts.
    """
    global _output
    _WRITER.start()
    _output.close()
    name = "-".join([process, *([str(bound["camera_id"])] if "camera_id" in bound else [])])
    _PROCESS.clear()
    _PROCESS.update(process=process, pid=os.getpid(), host=socket.gethostname(), **bound)
    file, file_fault = _file(name)
    _output = output = LogOutput(file, stdout)
    structlog.configure(
        processors=[_admitted, structlog.contextvars.merge_contextvars, *_COMMON, _render],
        wrapper_class=structlog.make_filtering_bound_logger(logging.DEBUG),  # `_admitted` decides, at any moment
        logger_factory=lambda *_: output,
        cache_logger_on_first_use=False,
    )
    structlog.contextvars.clear_contextvars()
    take_over([structlog.contextvars.merge_contextvars, _of_a_library, *_COMMON], _render, output.write)
    level_fault = _begin_with(level or _node_level())
    for fault in (file_fault, level_fault):
        if fault:
            structlog.get_logger().error("log_setting_refused", reason=fault)


def apply_log_settings(settings: LogSettings) -> None:
    """From the next line on they hold in this process."""
    levels.change(settings.level or _node_level(), settings.cameras)


def take_logging(user_config: Any, where: str) -> tuple[LogSettings | None, Any, str]:
    """Applies `logging` of a deployment's `user_config`; what was said there, the rest, and what is wrong with it.

    Never raises: a wrong level is logged and refused (None), what held before goes on, and so does all else.
    """
    said, rest = without_logging(user_config)
    try:
        settings = parse(LogSettings, said, where=where, prefix="user_config.logging")
    except ConfigError as error:
        structlog.get_logger().error("log_setting_refused", reason=str(error))
        return None, rest, str(error)
    apply_log_settings(settings)
    return settings, rest, ""


def _file(name: str) -> tuple[LogFile | None, str]:
    """The file, and what is wrong with the settings of files."""
    try:
        return LogFile(log_files(), name, _say_fault, _count_lost), ""
    except ConfigError as error:
        return LogFile(LogFileSettings(folder=log_folder()), name, _say_fault, _count_lost), str(error)


def _node_level() -> str:
    level = os.environ.get(LEVEL_VARIABLE, "").upper()
    return level if level in LEVELS else "INFO"


def _begin_with(level: str) -> str:
    """What is wrong with what the node says."""
    levels.change(level)
    said = os.environ.get(LEVEL_VARIABLE, "")
    return f"{LEVEL_VARIABLE}={said!r} is none of {', '.join(LEVELS)}" if said and said.upper() not in LEVELS else ""


def _say_fault(fault: str) -> None:
    """Once until the file can be written again. To stderr: the log is what does not work."""
    with contextlib.suppress(OSError, ValueError):
        sys.stderr.write(f"log_file_failed: {fault}; lines go to stdout only, it is tried again\n")
        sys.stderr.flush()


def _admitted(_: Any, method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """Ends the way of a line that is not written, before anything of it is formatted."""
    if not levels.admits(_NUMBERS[method.upper()], event.get("camera_id") or _PROCESS.get("camera_id")):
        raise structlog.DropEvent
    return event


def _bound_to_process(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    first = {key: event.pop(key) for key in ("timestamp", "level", "event") if key in event}
    line = {**first, **_PROCESS, **event}
    if "request_id" not in line and (called := request_id()):
        line["request_id"] = called
    return line


def _of_a_library(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    """`event` holds names only, of which there are a few hundred; sentences are text."""
    return {"event": "library_message", "message": event.pop("event", ""), **event}


def _render(_: Any, __: str, event: structlog.typing.EventDict) -> str:
    """The choke point: whatever text leaves as a log line has no password in it."""
    return rendered(event)


_COMMON: list[structlog.typing.Processor] = [
    structlog.processors.add_log_level,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
    structlog.processors.format_exc_info,
    _bound_to_process,
]

# Before daemon threads end: the last lines of a process say why it ends.
atexit.register(flush_logs)
