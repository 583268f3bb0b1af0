"""What the fleet knows of one camera, and when that is too little to call it watched, or enough to replace it."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.status import CameraReport, CameraStatus
from deployments.cameras.camera_actors import ActorState

_SILENT_AFTER_S = 6.0
_MISSED = 2
"""A slow round of the supervisor's own must not look like a silent camera: so many heartbeats must be missed."""
_SILENT_FOR_SURE_S = 20.0
"""Longer than a round takes in which one camera is slow to begin: an answer so old is none, whoever is to blame."""
_STARTS_WITHIN_S = 30.0
_HUNG_AFTER_S = 8.0
_HUNG_MISSED = 3
_UNABLE_AFTER_S = 60.0
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 30.0, 600.0
"""Between two replacements of one camera's process."""
SEEING = (CameraStatus.MONITORED, CameraStatus.DEGRADED)


@dataclass(slots=True)
class Watched:
    """What the fleet knows of one camera. `answered_s`: it answered; `worked_s`: it said that it does its work;
    `able_s`: that it has a lease and can tell events; `unplaced_s`: since then its actor has found no room."""

    created_s: float
    answered_s: float | None = None
    worked_s: float | None = None
    able_s: float | None = None
    missed: int = 0
    report: CameraReport | None = None
    silent_since: datetime = field(default_factory=lambda: datetime.now(UTC))
    reason: str = ""
    health: CameraHealthRules | None = None
    epoch: int = 0
    state: ActorState = ActorState.ALIVE
    unplaced_s: float | None = None
    replaced_s: float = float("-inf")
    replacements: int = 0

    def is_blind(self, now_s: float) -> bool:
        """Whether nobody watches, as far as this process can tell."""
        if self.unplaced_s is not None and now_s - self.unplaced_s > _SILENT_AFTER_S:
            return True
        if self.answered_s is not None:
            silent_s = now_s - self.answered_s
            if silent_s > _SILENT_FOR_SURE_S or (silent_s > _SILENT_AFTER_S and self.missed >= _MISSED):
                return True
        return now_s - (self.worked_s or self.created_s) > _STARTS_WITHIN_S

    def is_seeing(self, now_s: float) -> bool:
        return self.report is not None and self.report.status in SEEING and not self.is_blind(now_s)

    def must_be_replaced(self, now_s: float) -> bool:
        """Whether its process hangs, or does not come to work; not: whether its camera gives no picture.

        An actor that waits for room, or is being started, has no process that could be replaced.
        """
        pause_s = min(_LONGEST_PAUSE_S, _SHORTEST_PAUSE_S * 2**self.replacements)
        if self.state is not ActorState.ALIVE or now_s - self.replaced_s < pause_s:
            return False
        if self.missed:
            silent_s = now_s - max(self.answered_s or self.created_s, self.replaced_s)
            return silent_s > _HUNG_AFTER_S and self.missed >= _HUNG_MISSED
        return now_s - max(self.able_s or self.created_s, self.replaced_s) > _UNABLE_AFTER_S

    def note_answer(self, report: CameraReport, now_s: float) -> None:
        self.answered_s, self.missed, self.report = now_s, 0, report
        self.state, self.unplaced_s = ActorState.ALIVE, None
        self.epoch = report.epoch or self.epoch
        if not is_starting(report):
            self.worked_s, self.replacements = now_s, 0
        if not report.speechless and report.epoch:
            # A camera that cannot be reached is no fault of the process.
            self.able_s = now_s

    def note_replacement(self, now_s: float) -> None:
        self.replaced_s, self.replacements = now_s, self.replacements + 1


def is_starting(report: CameraReport) -> bool:
    """Whether the process lives and does not watch, or cannot tell: forgiven for as long as a start takes."""
    return report.speechless or report.status is CameraStatus.CONNECTING
