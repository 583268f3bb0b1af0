"""Reads what a Ray node exports about itself: our own metrics out of thousands of lines that are Ray's."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from cluster.telemetry.instruments import Declared, Kind

_PREFIX = "ray_"
_FAMILY = "\n# HELP "
_START = "process_start_time_seconds "
_LABEL = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_NOT_THE_WRITER = ("otel_scope_", "Version")
_MOST_KNOWN = 200_000


@dataclass(frozen=True, slots=True)
class Series:
    """One line of the export. `sample` is the line of `GET /metrics` that it becomes a part of, without its value;
    `writer` tells the processes apart that write the same sample."""

    metric: Declared
    sample: str
    writer: str


@dataclass(slots=True)
class Export:
    """One answer of one node. `started_s`: when the process that counts was started (since 1970), None: unknown.

    `counts` go up only, as long as that process lives; `levels` are gauges.
    """

    started_s: float | None = None
    counts: dict[Series, float] = field(default_factory=dict)
    levels: dict[Series, float] = field(default_factory=dict)


class ExportReader:
    """Reads exports; remembers how each series is written, because from one answer to the next only values change.

    Belongs to one thread at a time.
    """

    def __init__(self, declared: Mapping[str, Declared]) -> None:
        self._declared = declared
        self._known: dict[str, Series] = {}

    def read(self, text: str) -> Export:
        """The metrics of ours in `text` (Prometheus' text format); of two lines of one series the values are added."""
        export = Export()
        for family in f"\n{text}".split(_FAMILY)[1:]:
            name, _, rest = family.partition(" ")
            metric = self._declared.get(name.removeprefix(_PREFIX)) if name.startswith(_PREFIX) else None
            if metric is not None:
                self._read_family(metric, rest, export)
            elif name == "process_start_time_seconds" and (at := family.rfind(_START)) > 0:
                export.started_s = float(family[at + len(_START) :].split(None, 1)[0])
        return export

    def _read_family(self, metric: Declared, text: str, export: Export) -> None:
        into = export.levels if metric.kind is Kind.GAUGE else export.counts
        for line in text.split("\n")[1:]:
            if line and line[0] != "#":
                written, _, value = line.rpartition(" ")
                series = self._known.get(written) or self._learn(metric, written)
                into[series] = into.get(series, 0.0) + float(value)

    def _learn(self, metric: Declared, written: str) -> Series:
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        series = self._known[written] = _series(metric, written)
        return series


def _series(metric: Declared, written: str) -> Series:
    name, _, inside = written.partition("{")
    labels = dict(_LABEL.findall(inside))
    shown = [(key, labels.pop(key, "")) for key in metric.labels]
    if le := labels.pop("le", ""):
        shown.append(("le", le))
    # A label that one process adds stands with "" on the lines of all others from then on: it says nothing.
    writer = ",".join(
        f"{key}={value}" for key, value in sorted(labels.items()) if value and not key.startswith(_NOT_THE_WRITER)
    )
    return Series(metric, sample_text(name.removeprefix(_PREFIX), shown), writer)


def sample_text(name: str, labels: Sequence[tuple[str, str]]) -> str:
    """A line of the text format without its value; `labels` with their values escaped."""
    inside = ",".join(f'{key}="{value}"' for key, value in labels)
    return f"{name}{{{inside}}}" if inside else name
