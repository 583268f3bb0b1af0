"""The absence of something that must be there: an object in its place, equipment on a person."""

from dataclasses import dataclass

from cluster.safety.observed_time import EPSILON_S


@dataclass(slots=True)
class Absence:
    """Missing after it was unseen for `missing_after_s` of observed time and in 2 looks (1 if that is 0);
    there again after it was seen for `seen_for_s`, in which it may flicker for less than `seen_for_s`.
    """

    missing_after_s: float
    seen_for_s: float
    is_missing: bool = False
    _unseen_s: float = 0.0
    _unseen_looks: int = 0
    _seen_s: float = 0.0
    _is_returning: bool = False

    def observe(self, seen: bool, observed_s: float) -> None:
        """One look, `observed_s` after the one before (0 for the first, or if that time was not observed)."""
        if self._is_returning:
            self._seen_s += observed_s
        self._unseen_s = 0.0 if seen else self._unseen_s + observed_s
        self._unseen_looks = 0 if seen else self._unseen_looks + 1
        if self.is_missing:
            self._judge_return(seen)
        else:
            self._judge_loss()

    def break_off(self) -> None:
        """The camera was blind: what was being counted starts again."""
        self._unseen_s, self._unseen_looks, self._seen_s, self._is_returning = 0.0, 0, 0.0, False

    def _judge_loss(self) -> None:
        enough_looks = self._unseen_looks >= 2 or (self._unseen_looks == 1 and self.missing_after_s <= 0.0)
        if enough_looks and self._unseen_s >= self.missing_after_s - EPSILON_S:
            self.is_missing, self._is_returning = True, False

    def _judge_return(self, seen: bool) -> None:
        if not seen:
            self._is_returning = self._is_returning and self._unseen_s < self.seen_for_s - EPSILON_S
            return
        if not self._is_returning:
            self._is_returning, self._seen_s = True, 0.0
        if self._seen_s >= self.seen_for_s - EPSILON_S:
            self.is_missing, self._is_returning = False, False
