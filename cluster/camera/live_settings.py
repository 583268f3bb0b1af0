"""Which settings of a camera change while it runs."""

from cluster.settings.cameras import Assignment, CameraSettings, managed_of

_LIVE_FIELDS = frozenset(
    {
        "name",
        "enabled",
        "node",
        "detect",
        "detect_fps",
        "motion_gate",
        "max_frame_age_s",
        "detector_deadline_s",
        "degraded_after_s",
        "fallen",
        "zones",
    }
)
"""What changes in a running camera, or is the supervisor's affair. Everything else concerns the capture, and begins a
new lease."""


def needs_restart(old: Assignment, new: Assignment) -> bool:
    """Whether what `new` changes begins a new lease."""
    kept = set(CameraSettings.model_fields) - _LIVE_FIELDS
    if old.epoch != new.epoch or managed_of(old) != managed_of(new):
        return True
    return any(getattr(old.camera, key) != getattr(new.camera, key) for key in kept)
