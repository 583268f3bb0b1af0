"""Gauges of many processes, each made one number in the way that its declaration asks for."""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from cluster.telemetry.export import Series
from cluster.telemetry.instruments import Merge


@dataclass(slots=True)
class _Node:
    read_s: float = 0.0
    levels: Mapping[Series, float] = field(default_factory=dict)
    since: dict[Series, int] = field(default_factory=dict)


class Levels:
    """The newest gauges of every node. A gauge of a process that died is forgotten by its node, after two report
    intervals; those of a node that does not answer are forgotten here after `stale_s`."""

    def __init__(self, stale_s: float) -> None:
        self._stale_s = stale_s
        self._nodes: dict[str, _Node] = {}
        self._reads = 0

    def read(self, node_id: str, levels: Mapping[Series, float], now_s: float) -> None:
        """What node `node_id` shows now (monotonic `now_s`)."""
        self._reads += 1
        before = self._nodes.get(node_id, _Node())
        since = {series: before.since.get(series, self._reads) for series in levels}
        self._nodes[node_id] = _Node(now_s, levels, since)

    def keep_only(self, node_ids: Collection[str]) -> None:
        """The other nodes are gone."""
        for node_id in self._nodes.keys() - set(node_ids):
            del self._nodes[node_id]

    def merged(self, now_s: float) -> dict[str, float]:
        """One number a sample."""
        words: dict[str, list[tuple[int, float]]] = defaultdict(list)
        merges: dict[str, Merge] = {}
        for node in self._nodes.values():
            if now_s - node.read_s > self._stale_s:
                continue
            for series, value in node.levels.items():
                words[series.sample].append((node.since[series], value))
                merges[series.sample] = series.metric.merge
        return {sample: _merge(merges[sample], heard) for sample, heard in words.items()}


def _merge(merge: Merge, heard: list[tuple[int, float]]) -> float:
    """`heard`: since which reading a process says it, and its value."""
    if len(heard) == 1:
        return heard[0][1]
    if merge is Merge.SUM:
        return sum(value for _, value in heard)
    if merge is Merge.LARGEST:
        return max(value for _, value in heard)
    return max(heard)[1]
