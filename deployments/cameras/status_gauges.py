"""What every camera is worth, as gauges."""

from collections import Counter
from collections.abc import Sequence

from cluster.safety.status import CameraReport, CameraStatus
from cluster.telemetry import metrics


class StatusGauges:
    """Says what changed; fifty cameras are 250 gauges."""

    def __init__(self) -> None:
        self._said: dict[str, CameraStatus] = {}

    def export(self, reports: Sequence[CameraReport]) -> None:
        """`reports` of all cameras; one that is not among them any more has no status."""
        statuses = {report.camera_id: report.status for report in reports}
        for camera_id, status in statuses.items():
            if status is not self._said.get(camera_id):
                _say(camera_id, status)
        for camera_id in self._said.keys() - statuses.keys():
            _forget(camera_id)
        self._said = statuses
        counts = Counter(statuses.values())
        for status in CameraStatus:
            metrics.cameras.set(counts[status], {"status": status.value})
        metrics.cameras_unmonitored.set(counts[CameraStatus.UNMONITORED])


def _say(camera_id: str, now: CameraStatus) -> None:
    for status in CameraStatus:
        metrics.camera_status.set(float(status is now), {"camera_id": camera_id, "status": status.value})


def _forget(camera_id: str) -> None:
    for status in CameraStatus:
        metrics.camera_status.forget({"camera_id": camera_id, "status": status.value})
