"""Whether the reports of the cameras amount to somebody watching; remembers what one report alone does not tell."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cluster.safety.status import CameraReport, CameraStatus


@dataclass(frozen=True, slots=True)
class CameraVerdict:
    """`watched`: ids of cameras that are looked at, or only just start. `reason`: what is wrong with others."""

    watched: tuple[str, ...]
    reason: str = ""


class Watchfulness:
    """Judges reports with a monotonic clock of its own, because wall times of other nodes cannot be compared."""

    def __init__(self, connecting_grace_s: float, critical_loss_s: float, clock: Callable[[], float]) -> None:
        self._connecting_grace_s, self._critical_loss_s, self._clock = connecting_grace_s, critical_loss_s, clock
        self._connecting_since_s: dict[str, float] = {}
        self._critical_losses: dict[str, int] = {}
        self._lost_at_s: dict[str, float] = {}

    def judge(self, reports: Sequence[CameraReport]) -> CameraVerdict:
        """Who is watched. MONITORED is, CONNECTING only for the grace after it was first seen."""
        enabled = [report for report in reports if report.status is not CameraStatus.DISABLED]
        self._note_connecting(enabled)
        watched = tuple(report.camera_id for report in enabled if self._is_watched(report))
        faults = [_fault(report) for report in enabled if report.status is not CameraStatus.MONITORED]
        return CameraVerdict(watched, "; ".join(faults))

    def lost_critical(self, reports: Sequence[CameraReport]) -> list[str]:
        """Cameras whose outbox gave up a CRITICAL event lately; a loss from before the first look counts as new."""
        now_s = self._clock()
        for report in reports:
            lost = report.outbox_dropped_critical
            if lost > self._critical_losses.get(report.camera_id, 0):
                self._lost_at_s[report.camera_id] = now_s
            self._critical_losses[report.camera_id] = lost
        return [camera_id for camera_id, lost_s in self._lost_at_s.items() if now_s - lost_s < self._critical_loss_s]

    def _note_connecting(self, reports: Sequence[CameraReport]) -> None:
        connecting = [report.camera_id for report in reports if report.status is CameraStatus.CONNECTING]
        now_s = self._clock()
        self._connecting_since_s = {name: self._connecting_since_s.get(name, now_s) for name in connecting}

    def _is_watched(self, report: CameraReport) -> bool:
        if report.status is CameraStatus.CONNECTING:
            return self._clock() - self._connecting_since_s[report.camera_id] < self._connecting_grace_s
        return report.status is CameraStatus.MONITORED


def _fault(report: CameraReport) -> str:
    reason = f": {report.reason}" if report.reason else ""
    return f"{report.camera_id} is {report.status.value}{reason}"
