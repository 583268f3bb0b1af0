"""Writes `GET /metrics`: Prometheus' text format, version 0.0.4."""

from collections import defaultdict
from collections.abc import Iterable, Mapping

from cluster.telemetry.export import sample_text
from cluster.telemetry.instruments import Declared, Kind

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SUFFIXES = ("_bucket", "_sum", "_count")
_Order = tuple[str, int, float]


class PageWriter:
    """Writes pages of the same metrics again and again; remembers where each sample stands. One thread at a time."""

    def __init__(self, declared: Mapping[str, Declared]) -> None:
        self._declared = declared
        self._places: dict[str, tuple[str, _Order]] = {}
        self._zeros = {sample: 0.0 for metric in declared.values() for sample in _never_counted(metric)}

    def write(self, samples: Mapping[str, float]) -> bytes:
        """The page. A metric without labels that nobody has counted yet stands at 0: its alarm can be computed.

        Samples of metrics that are not declared, an older release's, are left out.
        """
        by_metric: dict[str, list[tuple[_Order, str, float]]] = defaultdict(list)
        for sample, value in {**self._zeros, **samples}.items():
            name, order = self._place(sample)
            by_metric[name].append((order, sample, value))
        lines: list[str] = []
        for metric in self._declared.values():
            lines += [f"# HELP {metric.name} {_escaped(metric.help)}", f"# TYPE {metric.name} {metric.kind.value}"]
            lines += [f"{sample} {_number(value)}" for _, sample, value in sorted(by_metric[metric.name])]
        return ("\n".join(lines) + "\n").encode()

    def _place(self, sample: str) -> tuple[str, _Order]:
        if sample not in self._places:
            self._places[sample] = self._find(sample)
        return self._places[sample]

    def _find(self, sample: str) -> tuple[str, _Order]:
        name, _, inside = sample.partition("{")
        if name in self._declared:
            return name, (inside, 0, 0.0)
        suffix = next((end for end in _SUFFIXES if name.endswith(end)), "")
        labels, _, le = inside.removesuffix("}").rpartition('le="')
        bound = float(le.removesuffix('"')) if suffix == "_bucket" else 0.0
        series = labels.rstrip(",") if suffix == "_bucket" else inside.removesuffix("}")
        return name.removesuffix(suffix), (series, _SUFFIXES.index(suffix) if suffix else 0, bound)


def _never_counted(metric: Declared) -> Iterable[str]:
    if metric.labels or metric.kind is Kind.GAUGE:
        return []
    if metric.kind is Kind.COUNTER:
        return [metric.name]
    bounds = [*(str(float(bound)) for bound in metric.bounds), "+Inf"]
    buckets = [sample_text(f"{metric.name}_bucket", [("le", bound)]) for bound in bounds]
    return [*buckets, f"{metric.name}_sum", f"{metric.name}_count"]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
