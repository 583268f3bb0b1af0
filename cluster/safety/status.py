"""What a camera and a detector are worth at this moment, and how they report it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class CameraStatus(StrEnum):
    """CONNECTING: started, nothing seen yet. MONITORED: frames come and are looked at. DEGRADED: frames
    come, detection is off, late or failing. UNMONITORED: blind. DISABLED: switched off on purpose."""

    CONNECTING = "CONNECTING"
    MONITORED = "MONITORED"
    DEGRADED = "DEGRADED"
    UNMONITORED = "UNMONITORED"
    DISABLED = "DISABLED"


SWITCHED_OFF = "switched off"
"""Why a camera is DISABLED, and why what was open of it has ended."""
MOVED = "the camera moved to another node"
"""Why an episode ended that the former owner had open and the new one did not take up."""
DETECTION_OFF = "detection is switched off"
"""So begins the reason of a camera that is DEGRADED because nobody should look; by whom and until when may follow."""
NOT_JUDGED = "rules about "
"""So begins the reason of a camera with rules that the model in service cannot judge."""
ON_PURPOSE = (DETECTION_OFF, NOT_JUDGED)
"""How the reasons begin of a camera that is DEGRADED because it was configured so: waiting brings nothing more."""


@dataclass(frozen=True, slots=True)
class CameraReport:
    """One heartbeat of a camera, or what the supervisor says in its place.

    Ages are seconds before the report was made, None: never. Rates are frames a second over the last few
    seconds. `reason` says in one redacted line why the status is what it is; "" where it needs no reason.
    `speechless`: the camera's process answers but cannot tell events (its disk hangs, say): the supervisor does.
    `actor`: the Ray name of the process; `release`: the code that it runs; `standby`: it has not begun yet.
    `dropped_frames`: should have been looked at and were not, `unanswered_frames`: those of them whose call to the
    Detector failed. `detect_fps_limit`: what overload leaves of the configured rate; `gated_frames`: not looked at
    because nothing moved; `breaker`: closed, open or half_open, see `cluster.camera.breaker`. `open_events`: ids of the
    episodes that this process goes on with; who drains the disk of a node where the camera was leaves them to it.
    """

    camera_id: str
    name: str
    status: CameraStatus
    since: datetime
    reason: str = ""
    source: str = ""
    managed: str = "config"
    revision: int = 0
    epoch: int = 0
    width: int = 0
    height: int = 0
    capture_fps: float = 0.0
    detect_fps: float = 0.0
    frame_age_s: float | None = None
    inference_age_s: float | None = None
    dropped_frames: int = 0
    unanswered_frames: int = 0
    reconnects: int = 0
    outbox_events: int = 0
    outbox_dropped: int = 0
    outbox_dropped_critical: int = 0
    pid: int = 0
    node_id: str = ""
    speechless: bool = False
    actor: str = ""
    release: str = ""
    standby: bool = False
    detect_fps_limit: float = 0.0
    gated_frames: int = 0
    breaker: str = "closed"
    open_events: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class DetectorReport:
    """What one Detector replica runs. `error` is the last fault in one line, "" if there is none.

    `fallback`: it serves the last good model because the configured one was refused or answered wrongly.
    `canary_age_s`: since the model last proved on a stored picture that it finds what is there, None: never.
    `batch_limit`: frames that it takes together at present; less than configured after the GPU ran out of memory.
    `configured`: the model that it was told to serve, "" before it was told one.
    """

    model: str
    model_digest: str
    runtime: str
    device: str
    image_size: int
    ready: bool
    frames: int = 0
    inference_age_s: float | None = None
    error: str = ""
    pid: int = 0
    fallback: bool = False
    canary_age_s: float | None = None
    batch_limit: int = 1
    configured: str = ""
    node_id: str = ""
