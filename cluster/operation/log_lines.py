"""The log lines of all processes of a node: which of them somebody wants to see, and in the order of time."""

import heapq
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cluster.operation.ray_lines import ray_files, ray_line
from cluster.safety.errors import ConfigError
from cluster.telemetry.log_files import SUFFIX
from cluster.telemetry.log_levels import LEVELS

Translate = Callable[[str], str | None]
_STAMP_AT, _STAMP_END = len('{"timestamp": "'), len('{"timestamp": "2026-11-23T08:05:29.140641Z')


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which lines. "" wants all; `since` is a moment as the lines have it, `level` a name of `LEVELS`."""

    camera: str = ""
    correlation: str = ""
    level: str = ""
    since: str = ""

    def __post_init__(self) -> None:
        if self.level and self.level.upper() not in LEVELS:
            raise ConfigError("the command", "--level", self.level, "unknown", f"use one of {', '.join(LEVELS)}")

    def admits(self, line: str) -> bool:
        if self.since and stamp(line) < self.since:
            return False
        # Before the line is read as JSON, which costs more than all else: most lines have not even the text in them.
        if self.camera not in line or self.correlation not in line:
            return False
        return not (self.camera or self.correlation or self.level) or self._fits(line)

    def _fits(self, line: str) -> bool:
        try:
            fields: dict[str, Any] = json.loads(line)
        except ValueError:
            return False
        if self.camera and fields.get("camera_id") != self.camera:
            return False
        if self.level and _rank(fields.get("level")) < _rank(self.level):
            return False
        return not self.correlation or self.correlation in _ids(fields)


@dataclass(frozen=True, slots=True)
class LogSource:
    """A file and how its lines become ours."""

    path: Path
    translate: Translate


def log_sources(folder: Path, session_logs: Path | None) -> list[LogSource]:
    """The files of our processes in `folder`, and Ray's own of the session that runs or ran last."""
    ours = [LogSource(path, _as_it_is) for path in sorted(folder.glob(f"*{SUFFIX}"))]
    if session_logs is None:
        return ours
    return ours + [
        LogSource(path, lambda line, process=process: ray_line(line, process))  # type: ignore[misc]
        for path, process in ray_files(session_logs)
        if path.exists()
    ]


def merged(sources: Iterable[LogSource], wanted: Wanted) -> Iterator[str]:
    """All lines that are wanted, in the order of time. Only files that overlap in time are open at once."""
    begun = [(line, reader) for reader in map(_lines, sources) if (line := next(reader, None)) is not None]
    begun.sort(key=lambda one: stamp(one[0]), reverse=True)
    heap: list[tuple[str, int, str, Iterator[str]]] = []
    number = 0
    while begun or heap:
        while begun and (not heap or stamp(begun[-1][0]) <= heap[0][0]):
            line, reader = begun.pop()
            heapq.heappush(heap, (stamp(line), number, line, reader))
            number += 1
        _, own, line, reader = heap[0]
        if wanted.admits(line):
            yield line
        following = next(reader, None)
        if following is None:
            heapq.heappop(heap)
        else:
            heapq.heapreplace(heap, (stamp(following), own, following, reader))


def stamp(line: str) -> str:
    """When `line` was written, sortable; "" if it does not say."""
    return line[_STAMP_AT:_STAMP_END] if line.startswith('{"timestamp": "') else ""


def _lines(source: LogSource) -> Iterator[str]:
    """The file is open only while the next lines are read, because there may be thousands."""
    position = 0
    while True:
        try:
            with source.path.open("rb") as file:
                file.seek(position)
                block = file.readlines(256 * 1024)
        except OSError:
            return
        if not block:
            return
        position += sum(map(len, block))
        yield from filter(None, (source.translate(line.decode(errors="replace").rstrip("\n")) for line in block))


def _as_it_is(line: str) -> str | None:
    return line if line.startswith("{") else None


def _rank(level: Any) -> int:
    name = str(level).upper()
    return LEVELS.index(name) if name in LEVELS else 0


def _ids(fields: dict[str, Any]) -> list[Any]:
    many = fields.get("correlation_ids")
    return [fields.get("correlation_id"), fields.get("request_id"), *(many if isinstance(many, list) else [])]
