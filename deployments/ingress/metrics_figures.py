"""A few figures out of the metrics page, for people who look at the system without a dashboard."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

_GPU: Final = {
    "utilization_percent": "gpu_utilization_percent",
    "memory_used_bytes": "gpu_memory_used_bytes",
    "memory_total_bytes": "gpu_memory_total_bytes",
    "temperature_celsius": "gpu_temperature_celsius",
}
_SUMMED: Final = ("detector_frames_waiting", "notifications_waiting")
_WANTED: Final = (*_GPU.values(), *_SUMMED)


def gauges(page: bytes) -> list[Sample]:
    """The samples of these figures; of the rest of the page nothing is read."""
    wanted = [line for line in page.decode(errors="replace").splitlines() if line.startswith(_WANTED)]
    try:
        families = list(text_string_to_metric_families("\n".join(wanted) + "\n"))
    except ValueError:
        return []
    return [sample for family in families for sample in family.samples]


def sums(samples: Sequence[Sample]) -> dict[str, float]:
    """One figure each, over all processes; those that nobody reports are left out."""
    found: dict[str, float] = defaultdict(float)
    for sample in samples:
        if sample.name in _SUMMED:
            found[sample.name] += sample.value
    return dict(found)


def gpu_documents(samples: Sequence[Sample]) -> list[dict[str, Any]]:
    """Each GPU with its readings, null for those that are missing."""
    readings: dict[tuple[str, str], dict[str, float]] = defaultdict(dict)
    for sample in samples:
        if sample.name in _GPU.values():
            readings[_place(sample.labels)][sample.name] = sample.value
    return [
        {"node": node, "gpu": gpu, **{name: values.get(metric) for name, metric in _GPU.items()}}
        for (node, gpu), values in sorted(readings.items())
    ]


def _place(labels: Mapping[str, str]) -> tuple[str, str]:
    return labels.get("node", ""), labels.get("gpu", "")
