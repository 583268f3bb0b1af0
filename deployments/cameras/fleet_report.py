"""What is said of a camera to whoever asks: its own words while they can be believed, else the supervisor's."""

from dataclasses import replace
from datetime import UTC, datetime

from cluster.safety.status import SWITCHED_OFF, CameraReport, CameraStatus
from deployments.cameras.desired import Desired
from deployments.cameras.watched import Watched

NO_ANSWER = "the camera's process does not answer"


def report_of(desired: Desired, watched: Watched | None, owner: str, now_s: float) -> CameraReport:
    """`owner`: the name of its actor, which is the one to ask for pictures also while it is being handed over."""
    settings, said = desired.settings, watched.report if watched is not None else None
    if not settings.enabled:
        return _in_its_place(desired, CameraStatus.DISABLED, desired.switched_off or SWITCHED_OFF)
    if watched is not None and watched.is_blind(now_s):
        blind = _in_its_place(desired, CameraStatus.UNMONITORED, watched.reason or NO_ANSWER)
        return replace(blind, since=watched.silent_since, epoch=watched.epoch, actor=owner)
    if said is None:
        reason = (watched.reason if watched is not None else "") or "the camera's process starts"
        return replace(_in_its_place(desired, CameraStatus.CONNECTING, reason), actor=owner)
    return replace(
        said, name=settings.name, source=settings.public_source, managed=desired.managed, actor=owner or said.actor
    )


def stranger(camera_id: str) -> CameraReport:
    """One that nobody is known to want, and that does not answer."""
    return CameraReport(camera_id, "", CameraStatus.UNMONITORED, datetime.now(UTC), NO_ANSWER)


def _in_its_place(desired: Desired, status: CameraStatus, reason: str) -> CameraReport:
    settings = desired.settings
    return CameraReport(
        settings.camera_id,
        settings.name,
        status,
        datetime.now(UTC),
        reason,
        settings.public_source,
        desired.managed,
        desired.revision,
    )
