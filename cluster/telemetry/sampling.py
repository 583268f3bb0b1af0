"""Lines that would come with every frame, thinned out."""

import time
from collections.abc import Callable, Hashable


class Sampler:
    """Lets the first of a kind pass, then one every `every_s` seconds. Not thread-safe: one a thread.

    `kinds` come from closed sets, so that what is remembered has an end.
    """

    def __init__(self, every_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self.every_s, self._clock = every_s, clock
        self._passed: dict[Hashable, float] = {}
        self._held: dict[Hashable, int] = {}

    def passes(self, kind: Hashable = "", *, always: bool = False) -> bool:
        """Whether this one is to be written; `always`: it is, and the pause begins anew."""
        now_s, before_s = self._clock(), self._passed.get(kind)
        if not always and before_s is not None and now_s - before_s < self.every_s:
            self._held[kind] = self._held.get(kind, 0) + 1
            return False
        self._passed[kind] = now_s
        return True

    def held_back(self, kind: Hashable = "") -> int:
        """How many of this kind were not written since the last one that was; asked once for each that passes."""
        return self._held.pop(kind, 0)
