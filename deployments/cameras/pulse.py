"""Whether the loops of a process still come round. Knows no Ray."""

from collections.abc import Callable

_STUCK_AFTER_S = 120.0
"""Every wait in a turn has a deadline, and all of them together, the control store's included, take up to 110 s."""


class Pulse:
    """A beat a turn at least. What waits without an end in spite of all deadlines shows itself by missing beats."""

    def __init__(self, clock: Callable[[], float], whose: str = "supervisor") -> None:
        self._clock, self._whose = clock, whose
        self._beats_s: dict[str, float] = {}

    def beat(self, loop: str) -> None:
        """A turn of `loop` begins, or the next long wait in it."""
        self._beats_s[loop] = self._clock()

    def stuck(self) -> str:
        """In one line, which loop hangs; "": none."""
        now_s = self._clock()
        ages_s = {loop: now_s - beat_s for loop, beat_s in self._beats_s.items()}
        late = [f"{loop} for {age_s:.0f} s" for loop, age_s in ages_s.items() if age_s > _STUCK_AFTER_S]
        return f"a loop of the {self._whose} hangs: {', '.join(late)}" if late else ""
