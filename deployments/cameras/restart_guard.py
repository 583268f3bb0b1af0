"""Keeps the supervisor from restarting the whole fleet for a fault that is not the cameras'. Pure."""

_MOST_TOGETHER = 2
_SHARE = 1 / 3
_MOST_WAITS = 5
_A_ROUND = 2


class RestartGuard:
    """Says how many processes may be replaced in a round.

    Many that fall silent at once are the symptom of a node, a network or a supervisor that stood still: they are
    waited for, a round at a time and five rounds at most, and then replaced one a round.
    """

    def __init__(self) -> None:
        self._waited = 0
        self.reason = ""

    def allowed(self, *, silent: int, cameras: int, late: bool, stalled: bool) -> int:
        """`silent`: cameras whose process gave no heartbeat in this round. `late`: the round came late, so that the
        supervisor itself stood still. `stalled`: the database does not answer, which cameras may wait for."""
        together = max(_MOST_TOGETHER, int(cameras * _SHARE))
        self.reason = _why(silent, cameras, together, late=late, stalled=stalled)
        if not self.reason:
            self._waited = 0
            return _A_ROUND
        self._waited += 1
        return 1 if self._waited > _MOST_WAITS else 0


def _why(silent: int, cameras: int, together: int, *, late: bool, stalled: bool) -> str:
    if late:
        return "the supervisor itself stood still"
    if silent > together:
        return f"{silent} of {cameras} cameras fell silent at once"
    return "the database does not answer" if stalled else ""
