"""What viewers get of a camera that shows nothing: its status and why, never its last frame."""

from dataclasses import replace
from datetime import UTC, datetime

from cluster.safety.pictures import LivePicture
from cluster.safety.status import CameraReport, CameraStatus

SEEING = (CameraStatus.MONITORED, CameraStatus.DEGRADED)


def is_blind(picture: LivePicture) -> bool:
    """Whether there is no live frame in `picture`; a JPEG beside a blind status counts as none."""
    return not picture.jpeg or picture.status not in SEEING


def honest(picture: LivePicture) -> LivePicture:
    """`picture`, in which a blind status has no JPEG and no JPEG means a blind status."""
    if not is_blind(picture):
        return picture
    status = CameraStatus.UNMONITORED if picture.status in SEEING else picture.status
    return replace(
        picture, status=status, reason=picture.reason or "no picture", jpeg=b"", width=0, height=0, objects=()
    )


def blind_picture(camera_id: str, *, reason: str, report: CameraReport | None = None) -> LivePicture:
    """A picture without a JPEG, for a camera whose own process cannot be asked.

    DISABLED and CONNECTING are taken from the supervisor's report; whatever else it said last, nobody looks
    through this camera now. `captured_at` is since when, as far as that is known.
    """
    status = CameraStatus.UNMONITORED
    if report is not None and report.status in (CameraStatus.DISABLED, CameraStatus.CONNECTING):
        status, reason = report.status, report.reason or reason
    elif report is not None and report.status is CameraStatus.UNMONITORED:
        reason = report.reason or reason
    known = report is not None and report.status is status
    return LivePicture(
        camera_id=camera_id,
        epoch=report.epoch if report is not None else 0,
        sequence=0,
        captured_at=report.since if report is not None and known else datetime.now(UTC),
        status=status,
        reason=reason,
        width=0,
        height=0,
        jpeg=b"",
    )
