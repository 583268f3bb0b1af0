"""A fleet on nodes that come, go, drain and are full."""

from collections import Counter

import pytest
from counterparts.camera_fleet import FleetSite, desired, node
from structlog.testing import capture_logs

from cluster.safety.status import CameraStatus
from deployments.cameras.camera_actors import ActorState
from deployments.cameras.restart_guard import RestartGuard

FOUR = [desired(name) for name in "abcd"]


@pytest.fixture
def site() -> FleetSite:
    """Four cameras on the one node n1."""
    site = FleetSite()
    site.rounds(2, *FOUR)
    return site


def where(site: FleetSite) -> Counter[str]:
    return Counter(site.report(name).node_id for name in "abcd")


def test_cameras_move_onto_a_new_node_one_at_a_time(site: FleetSite) -> None:
    site.nodes.nodes.append(node("n2"))
    moving = []
    for _ in range(30):
        site.round(*FOUR)
        moving.append(sum(one.standby and not one.ended for one in site.actors.actors.values()))

    assert where(site) == {"n1": 2, "n2": 2}
    assert max(moving) == 1
    assert all(len(site.working(name)) == 1 for name in "abcd")
    assert site.told == []


def test_a_node_that_only_shows_itself_for_a_moment_moves_nobody(site: FleetSite) -> None:
    for _ in range(5):
        site.nodes.nodes = [node("n1"), node("n2")]
        site.rounds(2, *FOUR)
        site.nodes.nodes = [node("n1")]
        site.rounds(2, *FOUR)

    assert site.actors.created == list("abcd")


def test_a_draining_node_is_emptied(site: FleetSite) -> None:
    site.nodes.nodes = [node("n1", draining=True), node("n2")]

    site.rounds(20, *FOUR)

    assert where(site) == {"n2": 4}


def test_a_camera_that_cannot_leave_a_draining_node_keeps_no_other_one_there(site: FleetSite) -> None:
    site.nodes.nodes = [node("n1", draining=True), node("n2")]
    site.actors.new_ones = {"refuses_to_begin": "OutboxBusy: in use"}
    site.round(*FOUR)
    site.actors.new_ones = {}

    site.rounds(20, *FOUR)

    assert any("camera a was not handed over (drain)" in fault for fault in site.fleet.faults())
    assert where(site) == {"n1": 1, "n2": 3}


def test_a_camera_that_sees_nothing_on_its_new_node_keeps_nobody_on_one_that_goes(site: FleetSite) -> None:
    site.nodes.nodes = [node("n1", draining=True), node("n2")]
    site.rounds(2, *FOUR)
    site.actor("a", 1).status = CameraStatus.UNMONITORED

    site.rounds(20, *FOUR)

    assert where(site) == {"n2": 4}
    assert site.actors.created == [*"abcd", *"abcd"]


def test_while_the_control_store_is_away_nobody_is_moved(site: FleetSite) -> None:
    site.nodes.nodes = [node("n1", draining=True), node("n2")]
    site.nodes.listed = False

    site.rounds(10, *FOUR)

    assert where(site) == {"n1": 4}


def test_a_camera_without_room_says_so_and_is_made_once() -> None:
    site = FleetSite()
    site.nodes.nodes = [node("n1", free=0.0)]
    site.actors.pending = True

    site.rounds(10, desired("a"))

    report = site.report()
    assert report.status is CameraStatus.UNMONITORED
    assert "the cluster has no room for it" in report.reason
    assert (site.actors.created, site.actor().restarts, site.actor().ended) == (["a"], 0, False)
    assert [event.event_type for event in site.told] == ["CAMERA_UNMONITORED"]

    site.actor().state = ActorState.ALIVE
    site.nodes.nodes = [node("n1")]
    site.round(desired("a"))
    assert site.status() is CameraStatus.MONITORED


def test_a_hung_process_is_replaced_once_and_then_given_time(site: FleetSite) -> None:
    site.actor("a").silent = True

    site.rounds(12, *FOUR)
    assert site.actor("a").restarts == 1
    assert [site.actor(name).restarts for name in "bcd"] == [0, 0, 0]

    site.rounds(100, *FOUR)
    assert 2 <= site.actor("a").restarts <= 5
    assert site.report("a").status is CameraStatus.UNMONITORED


@pytest.mark.parametrize(("round_s", "replaced"), [(14.0, 1), (36.0, 1), (60.0, 0)])
def test_a_round_that_one_slow_camera_holds_up_keeps_no_hung_process_alive(
    site: FleetSite, round_s: float, replaced: int
) -> None:
    site.actor("a").silent = True

    for _ in range(4):
        site.round(*FOUR, after_s=round_s)

    assert site.actor("a").restarts == replaced, "who comes later than that has stood still itself"


@pytest.mark.parametrize("fault", ["speechless", "cannot start"])
def test_a_process_that_does_not_come_to_work_is_replaced(site: FleetSite, fault: str) -> None:
    actor = site.actor("a")
    if fault == "speechless":
        actor.speechless = True
    else:
        actor.status, actor.epoch = CameraStatus.CONNECTING, 0

    site.rounds(20, *FOUR)
    assert actor.restarts == 0

    site.rounds(15, *FOUR)
    assert actor.restarts == 1


@pytest.mark.parametrize("status", [CameraStatus.CONNECTING, CameraStatus.UNMONITORED])
def test_a_camera_that_gives_no_picture_is_no_reason_to_replace_its_process(
    site: FleetSite, status: CameraStatus
) -> None:
    site.actor("a").status = status
    site.rounds(100, *FOUR)
    assert site.actor("a").restarts == 0


def test_a_fleet_that_falls_silent_at_once_is_waited_for_and_then_replaced_one_by_one(site: FleetSite) -> None:
    for name in "abcd":
        site.actor(name).silent = True

    def restarts() -> int:
        return sum(site.actor(name).restarts for name in "abcd")

    site.rounds(4, *FOUR)
    assert restarts() == 0

    most = 0
    for _ in range(10):
        before = restarts()
        site.round(*FOUR)
        most = max(most, restarts() - before)
    assert (restarts(), most) == (4, 1)


def test_a_fleet_that_waits_says_so(site: FleetSite) -> None:
    for name in "abcd":
        site.actor(name).silent = True
    with capture_logs() as logs:
        site.rounds(5, *FOUR)

    assert any("fell silent at once" in fault for fault in site.fleet.faults())
    assert [line["event"] for line in logs].count("replacing_waits") == 1


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"silent": 3}, "3 of 6 cameras fell silent at once"),
        ({"late": True}, "the supervisor itself stood still"),
        ({"stalled": True}, "the database does not answer"),
        ({"silent": 2}, ""),
    ],
)
def test_the_guard_waits_five_rounds_at_most(facts: dict[str, object], reason: str) -> None:
    guard = RestartGuard()
    said = {"silent": 0, "cameras": 6, "late": False, "stalled": False, **facts}

    allowed = [guard.allowed(**said) for _ in range(7)]

    assert allowed == ([0, 0, 0, 0, 0, 1, 1] if reason else [2] * 7)
    assert guard.reason == reason


def test_a_third_of_a_large_fleet_may_fall_silent() -> None:
    assert RestartGuard().allowed(silent=16, cameras=48, late=False, stalled=False) == 2
    assert RestartGuard().allowed(silent=17, cameras=48, late=False, stalled=False) == 0
