"""Decides from the facts of one camera what it is worth; pure, the clock is handed in."""

from collections.abc import Collection
from dataclasses import dataclass

from cluster.camera.looking import NOT_LOOKED, LookState
from cluster.safety.status import DETECTION_OFF, NOT_JUDGED, SWITCHED_OFF, CameraStatus
from cluster.settings.cameras import CameraSettings

PICTURE_FAULTS = ("frozen", "covered")
"""Error codes, and beginnings of the reasons, of a picture that comes but shows nothing."""


@dataclass(frozen=True, slots=True)
class CameraFacts:
    """What is known at `now_s` (monotonic). Times are of the same clock, None: never.

    `frame_s`: the last new frame; `frames_since_s`: when frames began to come again after the last gap;
    `inference_s`: the last answer of the detector; `blind_reason`: why the picture shows nothing, or why it
    does not come; `detector_reason`: the last failure of the detector; `unjudged`: what no rule can judge with
    the model in service; `switched_off`: who switched detection off, if somebody did; `look`: breaker and overload.
    """

    now_s: float
    started_s: float
    frame_s: float | None
    frames_since_s: float | None
    inference_s: float | None
    blind_reason: str = ""
    detector_reason: str = ""
    unjudged: str = ""
    switched_off: str = ""
    look: LookState = NOT_LOOKED


def judge(facts: CameraFacts, camera: CameraSettings, before: CameraStatus) -> tuple[CameraStatus, str]:
    """Status and its reason.

    A camera is MONITORED only after the detector has answered to a frame of the present stretch: until
    then it stays what it was, and becomes DEGRADED when the detector lets it wait too long.
    """
    if not camera.enabled:
        return CameraStatus.DISABLED, SWITCHED_OFF
    if reason := _blind(facts, camera):
        return _not_yet(facts, camera, reason)
    if not camera.detect:
        return CameraStatus.DEGRADED, facts.switched_off or DETECTION_OFF
    if facts.look.refused:
        return CameraStatus.DEGRADED, facts.look.refused
    return _looked_at(facts, camera, before)


def not_judged(objects: Collection[str]) -> str:
    """What the model in service leaves unwatched, in one line; "" for nothing."""
    names = ", ".join(sorted(objects))
    return f"{NOT_JUDGED}{names} are not judged: the model in service cannot find them" if objects else ""


def _blind(facts: CameraFacts, camera: CameraSettings) -> str:
    if facts.blind_reason and facts.frame_s is not None and _age(facts, facts.frame_s) <= camera.unmonitored_after_s:
        # Frames come but show nothing; a broken connection instead gets its time to mend itself.
        return facts.blind_reason if _shows_nothing(facts) else ""
    if facts.frame_s is None or _age(facts, facts.frame_s) > camera.unmonitored_after_s:
        return facts.blind_reason or "no frame arrives"
    return ""


def _shows_nothing(facts: CameraFacts) -> bool:
    return facts.blind_reason.startswith(PICTURE_FAULTS)


def _not_yet(facts: CameraFacts, camera: CameraSettings, reason: str) -> tuple[CameraStatus, str]:
    fresh = facts.frame_s is None and _age(facts, facts.started_s) <= camera.unmonitored_after_s
    return (CameraStatus.CONNECTING if fresh else CameraStatus.UNMONITORED), reason


def _looked_at(facts: CameraFacts, camera: CameraSettings, before: CameraStatus) -> tuple[CameraStatus, str]:
    since_s = facts.frames_since_s if facts.frames_since_s is not None else facts.started_s
    answered = facts.inference_s is not None and facts.inference_s >= since_s
    waiting_since_s = facts.inference_s if answered and facts.inference_s is not None else since_s
    if _age(facts, waiting_since_s) > camera.degraded_after_s:
        return CameraStatus.DEGRADED, facts.detector_reason or "the detector does not answer"
    if answered and facts.unjudged:
        # A zone whose rule nobody judges must not look safe.
        return CameraStatus.DEGRADED, facts.unjudged
    if answered and facts.look.starved and camera.has_danger_zone:
        return CameraStatus.DEGRADED, facts.look.slow
    if answered:
        return CameraStatus.MONITORED, facts.look.slow
    # CONNECTING, UNMONITORED or DEGRADED until the first answer; never MONITORED on credit.
    if before is CameraStatus.MONITORED:
        return CameraStatus.MONITORED, ""
    return before, "frames come, the detector has not answered yet"


def _age(facts: CameraFacts, then_s: float) -> float:
    return facts.now_s - then_s
