"""Which nodes there are, and which there were until lately: one that is gone is said, not forgotten."""

from collections import Counter
from collections.abc import Collection, Mapping
from itertools import islice

GONE_S = 6 * 3600.0
"""So long a node that is gone is shown as down; a name that is back in time is up again. Somebody may sleep."""
_MOST_GONE = 200


class NodesUp:
    """Belongs to one thread at a time. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._last_s: dict[str, float] = {}

    def levels(self, nodes: Mapping[str, str], silent: Collection[str], now_s: float) -> dict[str, float]:
        """1 for each that answers, else 0, by name. `nodes`: names of those that live by id; `silent`: ids of those of
        them that do not answer. Two of one name (simulated ones on one machine) are told apart by their ids."""
        counts = Counter(nodes.values())
        names = {node_id: name if counts[name] == 1 else f"{name}/{node_id[:6]}" for node_id, name in nodes.items()}
        living = {name: float(node_id not in silent) for node_id, name in names.items()}
        gone = {name: at_s for name, at_s in self._last_s.items() if name not in living and now_s - at_s <= GONE_S}
        newest_first = sorted(gone.items(), key=lambda item: -item[1])
        self._last_s = {**dict(islice(newest_first, _MOST_GONE)), **dict.fromkeys(living, now_s)}
        return {**dict.fromkeys(self._last_s, 0.0), **living}
