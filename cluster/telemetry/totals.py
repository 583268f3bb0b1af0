"""Sums of counters over processes that come and go; they never go down while the cluster lives."""

import json
import zlib
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

Writer = tuple[str, str]
"""(sample, writer): one counter of one process."""


@dataclass(slots=True)
class _Node:
    """What one node counted. `last`: the newest value of each counter; `restored`: sums that a former hub had read."""

    started_s: float | None = None
    last: dict[Writer, float] = field(default_factory=dict)
    restored: dict[str, float] = field(default_factory=dict)

    def sums(self) -> dict[str, float]:
        sums: dict[str, float] = defaultdict(float, self.restored)
        for (sample, _), value in self.last.items():
            sums[sample] += value
        return sums


class Totals:
    """The sum of each sample over all nodes and processes that ever counted it.

    A node counts for its processes, dead ones too, and begins at nothing when its own counting process is started
    anew: what it had counted by then is carried on here. What a node does not show, or a node that does not answer,
    stays as it was last seen. `dump` and the constructor's `saved` let a hub that is started anew go on.
    """

    def __init__(self, saved: bytes = b"") -> None:
        """Raises: ValueError, if `saved` is not what `dump` wrote."""
        self._carried: dict[str, float] = defaultdict(float)
        self._nodes: dict[str, _Node] = {}
        if saved:
            self._restore(saved)

    def read(self, node_id: str, started_s: float | None, counts: Mapping[Writer, float]) -> None:
        """What node `node_id` shows now; `started_s` tells its counting process apart from the one before."""
        node = self._nodes.setdefault(node_id, _Node(started_s))
        if _is_another(node, started_s, counts):
            self._carry(node)
            node = self._nodes[node_id] = _Node(started_s)
        elif node.restored:
            self._take_up(node, counts)
        node.started_s = started_s if started_s is not None else node.started_s
        for writer, value in counts.items():
            if value < node.last.get(writer, 0.0):
                self._carried[writer[0]] += node.last[writer]
            node.last[writer] = value

    def keep_only(self, node_ids: frozenset[str]) -> None:
        """The other nodes are gone for good: what they counted stays, who counted it does not."""
        for node_id in self._nodes.keys() - node_ids:
            self._carry(self._nodes.pop(node_id))

    def sums(self) -> dict[str, float]:
        """The sum of every sample."""
        sums: dict[str, float] = defaultdict(float, self._carried)
        for node in self._nodes.values():
            for sample, value in node.sums().items():
                sums[sample] += value
        return dict(sums)

    def dump(self) -> bytes:
        """All that has to outlive this process: sums only, because a node still shows who counted them (Ray lets no
        counter of a dead process vanish while the node's own agent lives)."""
        nodes = {node_id: [node.started_s, node.sums()] for node_id, node in self._nodes.items()}
        return zlib.compress(json.dumps([self._carried, nodes], separators=(",", ":")).encode(), level=1)

    def _restore(self, saved: bytes) -> None:
        try:
            carried, nodes = json.loads(zlib.decompress(saved))
            self._carried.update({str(sample): float(value) for sample, value in carried.items()})
            for node_id, (started_s, sums) in nodes.items():
                self._nodes[node_id] = _Node(started_s, restored={sample: float(sums[sample]) for sample in sums})
        except (zlib.error, TypeError, AttributeError) as error:
            raise ValueError(f"the saved totals cannot be read: {error}") from error

    def _carry(self, node: _Node) -> None:
        for sample, value in node.sums().items():
            self._carried[sample] += value

    def _take_up(self, node: _Node, counts: Mapping[Writer, float]) -> None:
        """The node shows by process what the former hub kept as sums; what it does not show any more is carried."""
        shown: dict[str, float] = defaultdict(float)
        for (sample, _), value in counts.items():
            shown[sample] += value
        for sample, value in node.restored.items():
            self._carried[sample] += max(0.0, value - shown[sample])
        node.restored = {}


def _is_another(node: _Node, started_s: float | None, counts: Mapping[Writer, float]) -> bool:
    """Whether another process counts on that node now, from nothing. Where it does not say when it was started, one
    counter that went down tells it of all, so that buckets and counts of a histogram stay in step."""
    if started_s is not None and node.started_s is not None:
        return started_s != node.started_s
    if node.restored:
        shown: dict[str, float] = defaultdict(float)
        for (sample, _), value in counts.items():
            shown[sample] += value
        return any(shown[sample] < value for sample, value in node.restored.items())
    return any(value < node.last.get(writer, 0.0) for writer, value in counts.items())
