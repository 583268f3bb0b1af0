"""What a metric is: name, kind, labels, how it is merged over the processes that write it; and how it is written."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from ray.util import metrics as ray_metrics

from cluster.telemetry.steady import SteadyGauge


class Kind(StrEnum):
    """As Prometheus says it."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Merge(StrEnum):
    """What several processes' values of one series become in `GET /metrics`.

    sum: added up; for counters and histograms without ever going down. largest: the most worrying word counts.
    last: the word of the process that began to write it last; of a camera's two processes that is the one that works.
    """

    SUM = "sum"
    LARGEST = "largest"
    LAST = "last"


@dataclass(frozen=True, slots=True)
class Declared:
    """One metric. `labels` are all that `GET /metrics` shows of it; `bounds` are a histogram's, in its unit."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    merge: Merge = Merge.SUM
    bounds: tuple[float, ...] = ()


DECLARED: dict[str, Declared] = {}
"""Every metric of SAFE-YOLO by name; filled by importing `cluster.telemetry.metrics`."""


def counter(name: str, help: str, *labels: str) -> ray_metrics.Counter:
    """A counter; `name` ends in `_total`, which Ray's export does not add a second time."""
    _declare(Declared(name, Kind.COUNTER, help, labels))
    return ray_metrics.Counter(name, help, tag_keys=labels)


def gauge(name: str, help: str, *labels: str, merge: Merge = Merge.LARGEST) -> ray_metrics.Gauge:
    """A gauge that is set again and again: what was not set for two report intervals is forgotten."""
    _declare(Declared(name, Kind.GAUGE, help, labels, merge))
    return ray_metrics.Gauge(name, help, tag_keys=labels)


def steady_gauge(name: str, help: str, *labels: str, merge: Merge = Merge.LARGEST) -> SteadyGauge:
    """A gauge that stands until it is set again or forgotten, or its process ends."""
    return SteadyGauge(gauge(name, help, *labels, merge=merge))


def histogram(name: str, help: str, *labels: str, bounds: Sequence[float]) -> ray_metrics.Histogram:
    """A histogram. Ray carries counts of buckets only: `_sum` is made of their middles, quantiles are not touched."""
    _declare(Declared(name, Kind.HISTOGRAM, help, labels, Merge.SUM, tuple(bounds)))
    return ray_metrics.Histogram(name, help, boundaries=list(bounds), tag_keys=labels)


def _declare(metric: Declared) -> None:
    if metric.name in DECLARED:
        raise ValueError(f"metric {metric.name} is declared twice")
    DECLARED[metric.name] = metric
