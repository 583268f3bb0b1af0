"""Lines of Ray's and Serve's own processes (raylet, control store, controller, proxy) in the form of our own."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cluster.telemetry.log_texts import rendered

_RAYLET = re.compile(r"\[(?P<at>[0-9-]+ [0-9:]+,[0-9]+) (?P<level>[A-Z]) [0-9 ]+\] (?:\([^)]*\) )?(?P<message>.*)")
_PYTHON = re.compile(r"(?P<at>[0-9-]+ [0-9:]+,[0-9]+)\s(?P<level>[A-Z]+) (?P<message>.*)")
_LEVELS = {"W": "warning", "E": "error", "C": "critical", "F": "critical", "WARNING": "warning", "ERROR": "error"}
"""Of their text files. What is less is thousands of lines of no concern to a site."""
_FILES = {
    "raylet.out": "raylet",
    "gcs_server.out": "control-store",
    "monitor.log": "ray-monitor",
    "dashboard.log": "ray-dashboard",
}
_SERVE = {"controller_*.log": "serve-controller", "proxy_*.log": "serve-proxy"}


def ray_files(session_logs: Path) -> Iterator[tuple[Path, str]]:
    """(file, process) of those processes whose lines are not ours already."""
    yield from ((session_logs / name, process) for name, process in _FILES.items())
    for pattern, process in _SERVE.items():
        yield from ((path, process) for path in sorted((session_logs / "serve").glob(pattern)))


def ray_line(line: str, process: str) -> str | None:
    """The JSON line, or None: not of interest, or the rest of a line before."""
    if line.startswith("{"):
        return _of_serve(line, process)
    found = _RAYLET.match(line) or _PYTHON.match(line)
    level = _LEVELS.get(found["level"]) if found else None
    if found is None or level is None:
        return None
    return _said(_utc(found["at"]), level, process, found["message"])


def _of_serve(line: str, process: str) -> str | None:
    try:
        record: dict[str, Any] = json.loads(line)
        at = _utc(str(record["asctime"]))
    except (ValueError, KeyError, TypeError):
        return None
    message = "\n".join(filter(None, (str(record.get("message", "")), str(record.get("exc_text") or ""))))
    return _said(at, str(record.get("levelname", "INFO")).lower(), process, message, pid=record.get("process"))


def _said(at: str, level: str, process: str, message: str, **more: Any) -> str:
    return rendered(
        {"timestamp": at, "level": level, "event": "library_message", "process": process, "message": message, **more}
    )


def _utc(local: str) -> str:
    """`2026-11-23 01:37:13,882` of this machine's time zone, as our own lines have it."""
    moment = datetime.strptime(local, "%Y-%m-%d %H:%M:%S,%f").astimezone(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
