"""What is logged when the whole service fails, and when it works again: once each, not with every round."""

from collections.abc import Sequence

import structlog

from cluster.safety.status import CameraReport, CameraStatus
from cluster.telemetry.sampling import Sampler

_log = structlog.get_logger()
_AGAIN_S = 60.0


class OutageLines:
    """Belongs to the supervisor's event loop."""

    def __init__(self) -> None:
        self._database = Sampler(_AGAIN_S)
        self._database_away = self._down = False

    def database(self, fault: str) -> None:
        """`fault`: why it was not read now, "" if it was."""
        if fault and self._database.passes(always=not self._database_away):
            _log.error("cameras_not_read", reason=fault)
        if self._database_away and not fault:
            _log.warning("cameras_read_again")
        self._database_away = bool(fault)

    def cameras(self, reports: Sequence[CameraReport]) -> None:
        """Down is the service when it sees nothing of anything that it should watch."""
        wanted = [report for report in reports if report.status is not CameraStatus.DISABLED]
        down = bool(wanted) and all(report.status is CameraStatus.UNMONITORED for report in wanted)
        if down and not self._down:
            reasons = sorted({report.reason for report in wanted})[:5]
            _log.critical("service_down", cameras=len(wanted), reasons=reasons)
        if self._down and not down:
            _log.warning("service_back", cameras=len(wanted))
        self._down = down
