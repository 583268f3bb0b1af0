"""A camera that is blind, and one that sees without being looked at."""

from datetime import UTC, datetime, timedelta

import pytest

from cluster.safety.camera_rules import CameraHealthRules
from cluster.safety.events import SafetyEvent
from cluster.safety.status import CameraStatus

START = datetime(2026, 1, 1, tzinfo=UTC)
UP, DEGRADED, BLIND = CameraStatus.MONITORED, CameraStatus.DEGRADED, CameraStatus.UNMONITORED
CONNECTING, OFF = CameraStatus.CONNECTING, CameraStatus.DISABLED


def play(rules: CameraHealthRules, script: list[tuple[CameraStatus, float]]) -> list[SafetyEvent]:
    """Each status at so many seconds; every second call repeats the one before, which must change nothing."""
    told = []
    for status, at_s in script:
        for _ in range(2):
            told += rules.observe(status, "offline", START + timedelta(seconds=at_s), at_s, f"cam-1-{at_s:g}")
    return told


def shown(events: list[SafetyEvent]) -> list[tuple[str, str, int, str]]:
    return [
        (event.event_type.removeprefix("CAMERA_"), event.state.value, event.revision, event.severity.value)
        for event in events
    ]


def blind(state: str, revision: int, severity: str = "CRITICAL") -> tuple[str, str, int, str]:
    return "UNMONITORED", state, revision, severity


def degraded(state: str, revision: int) -> tuple[str, str, int, str]:
    return "DEGRADED", state, revision, "WARNING"


CASES = {
    "works": (True, [(CONNECTING, 0), (UP, 1), (UP, 100)], []),
    "goes blind": (True, [(UP, 0), (BLIND, 10)], [blind("open", 1)]),
    "goes blind without a danger zone": (False, [(BLIND, 10)], [blind("open", 1, "WARNING")]),
    "comes back": (True, [(BLIND, 10), (UP, 90)], [blind("open", 1), blind("closed", 2)]),
    "connecting proves nothing": (True, [(BLIND, 10), (CONNECTING, 20), (BLIND, 30)], [blind("open", 1)]),
    "is switched off": (True, [(BLIND, 10), (OFF, 20)], [blind("open", 1), blind("closed", 2)]),
    "flaps": (
        True,
        [(BLIND, 10), (UP, 15), (BLIND, 20), (UP, 25)],
        [blind("open", 1), blind("closed", 2), blind("open", 3), blind("closed", 4)],
    ),
    "fails again much later": (
        True,
        [(BLIND, 10), (UP, 15), (BLIND, 90)],
        [blind("open", 1), blind("closed", 2), blind("open", 1)],
    ),
    "is degraded": (True, [(DEGRADED, 10), (UP, 20)], [degraded("open", 1), degraded("closed", 2)]),
    "is degraded without a danger zone": (False, [(DEGRADED, 10), (UP, 20)], []),
    "is degraded, then blind": (
        True,
        [(DEGRADED, 10), (BLIND, 20), (UP, 30)],
        [degraded("open", 1), degraded("closed", 2), blind("open", 1), blind("closed", 2)],
    ),
    "sees again but is not looked at": (
        True,
        [(BLIND, 10), (DEGRADED, 20)],
        [blind("open", 1), blind("closed", 2), degraded("open", 1)],
    ),
}


@pytest.mark.parametrize(("has_danger_zone", "script", "expected"), CASES.values(), ids=CASES.keys())
def test_camera_health(has_danger_zone, script, expected):
    told = play(CameraHealthRules("cam", 1, has_danger_zone), script)

    assert shown(told) == expected
    assert {(event.subject, event.zone_id) for event in told} <= {("picture", "")}
    assert len({event.event_id for event in told}) == sum(event.revision == 1 for event in told)


def test_an_event_tells_why_and_which_frame_was_the_last():
    (event,) = play(CameraHealthRules("cam", 1, True), [(BLIND, 10)])

    assert event.correlation_id == "cam-1-10"
    assert event.opened_at == START + timedelta(seconds=10)
    assert event.detail == {"status": "UNMONITORED", "status_reason": "offline"}


def test_a_danger_zone_that_is_drawn_while_the_camera_is_blind_makes_it_critical():
    rules = CameraHealthRules("cam", 1, False)
    told = play(rules, [(BLIND, 10)])
    rules.has_danger_zone = True
    told += play(rules, [(BLIND, 20)])

    assert shown(told) == [blind("open", 1, "WARNING"), blind("escalated", 2)]
    assert told[0].event_id == told[1].event_id


def test_degraded_ends_with_the_last_danger_zone():
    rules = CameraHealthRules("cam", 1, True)
    told = play(rules, [(DEGRADED, 10)])
    rules.has_danger_zone = False
    told += play(rules, [(DEGRADED, 20)])

    assert shown(told) == [degraded("open", 1), degraded("closed", 2)]


@pytest.mark.parametrize(
    ("script", "expected"),
    [
        ([(CONNECTING, 0), (BLIND, 5)], [blind("open", 2)]),
        ([(CONNECTING, 0), (UP, 5)], [blind("closed", 2)]),
        ([(CONNECTING, 0), (BLIND, 5), (UP, 9)], [blind("open", 2), blind("closed", 3)]),
    ],
)
def test_a_blind_camera_whose_actor_died_is_told_once(script, expected):
    before = CameraHealthRules("cam", 1, True)
    (opened,) = play(before, [(BLIND, 10)])
    after = CameraHealthRules("cam", 2, True)
    after.resume(before.open_episodes(), START, 0.0)
    told = play(after, script)

    assert shown(told) == expected
    assert {event.event_id for event in told} == {opened.event_id}
    assert {event.epoch for event in told} == {2}
