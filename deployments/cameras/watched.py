"""What the fleet knows of one camera, and when that is too little to call it watched."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.status import CameraReport

_SILENT_AFTER_S = 6.0
_MISSED = 2
"""A slow round of the supervisor's own must not look like a silent camera: so many heartbeats must be missed."""
_SILENT_FOR_SURE_S = 20.0
"""Longer than any round takes: an answer so old is none, whoever is to blame."""
_STARTS_WITHIN_S = 30.0


@dataclass(slots=True)
class Watched:
    """What the fleet knows of one camera. `answered_s`: it answered; `worked_s`: it said that it can do its work."""

    created_s: float
    answered_s: float | None = None
    worked_s: float | None = None
    missed: int = 0
    report: CameraReport | None = None
    silent_since: datetime = field(default_factory=lambda: datetime.now(UTC))
    reason: str = ""
    health: CameraHealthRules | None = None
    epoch: int = 0

    def is_blind(self, now_s: float) -> bool:
        """Whether nobody watches, as far as this process can tell."""
        if self.answered_s is not None:
            silent_s = now_s - self.answered_s
            if silent_s > _SILENT_FOR_SURE_S or (silent_s > _SILENT_AFTER_S and self.missed >= _MISSED):
                return True
        return now_s - (self.worked_s or self.created_s) > _STARTS_WITHIN_S
