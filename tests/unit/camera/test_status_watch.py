"""What a camera is worth, as a table of facts."""

from dataclasses import replace

import pytest

from cluster.camera.looking import LookState
from cluster.camera.status_watch import CameraFacts, judge
from cluster.camera.watch import Watch
from cluster.safety.status import CameraStatus as S
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings

DANGER = Zone("press", ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0)))
CAMERA = CameraSettings(camera_id="a", source="x.mp4", unmonitored_after_s=5, degraded_after_s=5)


def facts(
    now: float,
    frame: float | None = None,
    resumed: float | None = None,
    inference: float | None = None,
    blind: str = "",
    detector: str = "",
) -> CameraFacts:
    return CameraFacts(now, 0.0, frame, resumed, inference, blind, detector)


CASES = [
    # What it is about, what is known, what it was, what it becomes.
    ("nothing yet, just started", facts(2), S.CONNECTING, S.CONNECTING),
    ("nothing for too long", facts(6), S.CONNECTING, S.UNMONITORED),
    ("refused password while starting", facts(2, blind="unauthorized: 401"), S.CONNECTING, S.CONNECTING),
    ("refused password for too long", facts(9, blind="unauthorized: 401"), S.CONNECTING, S.UNMONITORED),
    ("frames, not looked at yet", facts(3, 2.9, 1), S.CONNECTING, S.CONNECTING),
    ("frames, looked at", facts(3, 2.9, 1, 2.8), S.CONNECTING, S.MONITORED),
    ("frames, never looked at", facts(8, 7.9, 1), S.CONNECTING, S.DEGRADED),
    ("answers stopped a moment ago", facts(20, 19.9, 1, 17), S.MONITORED, S.MONITORED),
    ("answers stopped", facts(20, 19.9, 1, 14), S.MONITORED, S.DEGRADED),
    ("answers again", facts(20, 19.9, 1, 19.8), S.DEGRADED, S.MONITORED),
    ("frames stopped a moment ago", facts(20, 16, 1, 16), S.MONITORED, S.MONITORED),
    ("frames stopped", facts(20, 14.9, 1, 14.9), S.MONITORED, S.UNMONITORED),
    ("frames came back, old answer does not count", facts(50, 49.9, 49, 14.9), S.UNMONITORED, S.UNMONITORED),
    ("frames came back and were looked at", facts(50, 49.9, 49, 49.5), S.UNMONITORED, S.MONITORED),
    ("frames came back, detector silent", facts(56, 55.9, 49, 14.9), S.UNMONITORED, S.DEGRADED),
    ("frozen picture", facts(20, 19.9, 1, 19.8, blind="frozen picture"), S.MONITORED, S.UNMONITORED),
    ("covered lens", facts(20, 19.9, 1, 19.8, blind="covered lens"), S.MONITORED, S.UNMONITORED),
    ("reconnecting within its time", facts(20, 18, 1, 18, blind="stalled: no frame"), S.MONITORED, S.MONITORED),
]


@pytest.mark.parametrize(("what", "seen", "before", "after"), CASES, ids=[case[0] for case in CASES])
def test_status_follows_from_the_facts(what: str, seen: CameraFacts, before: S, after: S) -> None:
    assert judge(seen, CAMERA, before)[0] is after


def test_a_switched_off_camera_is_disabled_whatever_comes() -> None:
    off = CAMERA.model_copy(update={"enabled": False})

    assert judge(facts(3, 2.9, 1, 2.8), off, S.MONITORED)[0] is S.DISABLED


def test_detection_switched_off_is_degraded_and_says_so() -> None:
    off = CAMERA.model_copy(update={"detect": False})

    assert judge(facts(3, 2.9, 1, 2.8), off, S.MONITORED) == (S.DEGRADED, "detection is switched off")


def test_the_reason_of_a_degraded_camera_is_the_detectors() -> None:
    seen = facts(20, 19.9, 1, 14, detector="no answer within 2 s")

    assert judge(seen, CAMERA, S.MONITORED) == (S.DEGRADED, "no answer within 2 s")


def test_the_reason_of_a_blind_camera_is_the_sources() -> None:
    seen = facts(20, 10, 1, 10, blind="unreachable: connection refused")

    assert judge(seen, CAMERA, S.MONITORED) == (S.UNMONITORED, "unreachable: connection refused")


def test_rules_that_the_model_cannot_judge_make_a_camera_degraded() -> None:
    seen = replace(facts(3, 2.9, 1, 2.8), unjudged="rules about helmet are not judged")

    assert judge(seen, CAMERA, S.MONITORED) == (S.DEGRADED, "rules about helmet are not judged")


def test_a_breaker_that_is_open_degrades_at_once_with_the_detectors_reason() -> None:
    seen = replace(facts(3, 2.9, 1, 2.8), look=LookState(refused="no answer within 2 s"))

    assert judge(seen, CAMERA, S.MONITORED) == (S.DEGRADED, "no answer within 2 s")


@pytest.mark.parametrize(
    ("starved", "zones", "status"),
    [(False, (DANGER,), S.MONITORED), (True, (DANGER,), S.DEGRADED), (True, (), S.MONITORED)],
)
def test_overload_is_said_and_degrades_a_starved_danger_zone(starved: bool, zones: tuple[Zone, ...], status: S) -> None:
    seen = replace(facts(3, 2.9, 1, 2.8), look=LookState(slow="the detectors cannot follow", starved=starved))

    judged = judge(seen, CAMERA.model_copy(update={"zones": zones}), S.MONITORED)

    assert judged == (status, "the detectors cannot follow")


def test_a_watch_that_hangs_shows_nothing_as_watched() -> None:
    now = [0.0]
    watch = Watch("a", on_blind=lambda: None, clock=lambda: now[0])
    watch.become(S.MONITORED, "")
    assert watch.verdict() == (S.MONITORED, "")

    now[0] = 5.5

    assert watch.hangs
    assert watch.verdict()[0] is S.UNMONITORED
