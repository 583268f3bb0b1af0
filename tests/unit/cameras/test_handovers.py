"""Handing a camera from one process to the next, and what is left when the supervisor dies in between."""

import contextlib
from typing import Any

import pytest
from counterparts.camera_fleet import FakeActor, FakeActors, FleetSite, desired, node
from structlog.testing import capture_logs

from cluster.safety.status import CameraStatus
from deployments.cameras.camera_actors import ActorState, Place
from deployments.cameras.roster import Candidate, choose_owner


@pytest.fixture
def site() -> FleetSite:
    return FleetSite(release="r2")


def old_release(site: FleetSite, *camera_ids: str) -> None:
    """Actors that a supervisor of release r1 made; new ones run r2."""
    for camera_id in camera_ids:
        site.actors.add(camera_id, release="r1")
    site.actors.release = "r2"


def test_an_actor_of_an_old_release_is_followed_by_one_of_the_new(site: FleetSite) -> None:
    old_release(site, "a")

    site.rounds(4, desired("a"))

    old, new = site.actor("a"), site.actor("a", 1)
    assert (old.stopped, old.ended) == (True, True)
    assert [(one.release, one.epoch) for one in new.begun] == [("r2", 101)]
    assert site.working() == ["camera:a~1"]
    assert (site.report().actor, site.status()) == ("camera:a~1", CameraStatus.MONITORED)
    assert site.told == []


def test_the_old_one_watches_until_the_successor_stands_by(site: FleetSite) -> None:
    old_release(site, "a")
    site.actors.new_ones = {"silent": True}

    site.rounds(5, desired("a"))
    assert site.working() == ["camera:a"]

    site.actor("a", 1).silent = False
    site.round(desired("a"))
    assert site.working() == ["camera:a~1"]


def test_one_camera_after_the_other_and_the_next_only_when_the_last_one_sees(site: FleetSite) -> None:
    old_release(site, "a", "b", "c")
    cameras = [desired(name) for name in "abc"]
    site.rounds(2, *cameras)
    assert site.working("a") == ["camera:a~1"]
    site.actor("a", 1).status = CameraStatus.CONNECTING

    site.rounds(5, *cameras)
    assert site.actors.created == ["a"]
    assert site.working("b") == ["camera:b"]

    site.actor("a", 1).status = CameraStatus.MONITORED
    most = 0
    for _ in range(10):
        site.round(*cameras)
        most = max(most, sum(one.standby and not one.ended for one in site.actors.actors.values()))
    assert most == 1
    assert [site.working(name) for name in "abc"] == [[f"camera:{name}~1"] for name in "abc"]


def test_a_successor_that_never_stands_by_is_given_up_and_the_old_one_goes_on(site: FleetSite) -> None:
    old_release(site, "a", "b")
    site.actors.new_ones = {"silent": True}

    site.rounds(40, desired("a"), desired("b"))

    assert site.actor("a", 1).ended
    assert site.working() == ["camera:a"]
    assert site.actors.created == ["a"]  # nor is another one tried with the same release
    assert any("did not stand by within 60 s" in fault for fault in site.fleet.faults())


def test_a_successor_that_cannot_begin_is_ended_and_the_old_one_begins_again(site: FleetSite) -> None:
    old_release(site, "a")
    site.actors.new_ones = {"refuses_to_begin": "ValueError: broken release"}

    site.rounds(4, desired("a"))

    assert site.actor("a", 1).ended
    assert [one.epoch for one in site.actor("a").begun] == [102]
    assert site.working() == ["camera:a"]
    assert any("broken release" in fault for fault in site.fleet.faults())


def test_an_old_one_that_hangs_at_its_stop_is_killed_and_the_new_one_begins(site: FleetSite) -> None:
    old_release(site, "a")
    site.actor("a").hangs_at_stop = True

    site.rounds(3, desired("a"))

    assert site.actor("a").ended
    assert site.working() == ["camera:a~1"]


def test_a_successor_without_room_is_no_reason_not_to_roll(site: FleetSite) -> None:
    old_release(site, "a")
    site.actors.pending = True

    while not site.actor("a").restarts:
        site.round(desired("a"))
    site.actor("a").release = "r2"
    site.rounds(10, desired("a"))

    assert site.actor("a").restarts == 1
    assert site.actor("a", 1).ended
    assert site.actors.created == ["a"]


def test_a_camera_that_is_switched_off_in_the_middle_leaves_nobody(site: FleetSite) -> None:
    old_release(site, "a")
    site.actors.new_ones = {"silent": True}
    site.rounds(2, desired("a"))

    site.round(desired("a", enabled=False))

    assert (site.actor("a").ended, site.actor("a", 1).ended) == (True, True)
    assert site.status() is CameraStatus.DISABLED


@pytest.mark.parametrize(
    ("died", "old", "new", "owner"),
    [
        ("before the switch", {"epoch": 5}, {"standby": True, "epoch": 0}, "camera:a"),
        ("after the stop", {"standby": True, "epoch": 0}, {"standby": True, "epoch": 0}, "camera:a~1"),
        ("before the end of the old one", {"standby": True, "epoch": 0}, {"epoch": 9}, "camera:a~1"),
        ("with both at work", {"epoch": 5}, {"epoch": 9}, "camera:a~1"),
        ("and the old one came back", {"epoch": 11}, {"epoch": 9}, "camera:a"),
    ],
)
def test_a_supervisor_that_dies_in_a_handover_leaves_what_the_next_one_can_finish(
    died: str, old: dict[str, object], new: dict[str, object], owner: str
) -> None:
    heir = FleetSite()
    heir.actors.add("a", **old)
    heir.actors.add("a", 1, **new)

    heir.rounds(2, desired("a"))

    assert heir.working() == [owner], died
    assert [name for name, one in heir.actors.actors.items() if not one.ended] == [owner]
    assert (heir.fleet.owns("a", owner), heir.status()) == (True, CameraStatus.MONITORED)


def test_who_does_not_answer_may_be_the_one_that_watches_and_is_waited_for() -> None:
    site = FleetSite()
    silent, standby = site.actors.add("a", silent=True), site.actors.add("a", 1)
    standby.stop_working()

    site.rounds(3, desired("a"))
    assert (silent.ended, standby.ended) == (False, False)
    assert not any(site.fleet.owns("a", name) for name in ("camera:a", "camera:a~1"))

    silent.silent = False
    site.rounds(2, desired("a"))
    assert site.working() == ["camera:a"]


def test_of_two_that_are_silent_for_good_the_newer_one_is_taken() -> None:
    site = FleetSite()
    site.actors.add("a", silent=True)
    site.actors.add("a", 1, silent=True)

    site.rounds(8, desired("a"))

    assert site.actor("a").ended
    assert site.fleet.owns("a", "camera:a~1")


def test_nobody_owns_a_camera_without_actors() -> None:
    assert choose_owner([], wait=False) is None
    assert choose_owner([Candidate("camera:a", None)], wait=True) is None


def test_an_actor_that_retired_and_is_found_by_the_next_supervisor_watches_again() -> None:
    site = FleetSite()
    site.actors.add("a").stop_working()

    site.rounds(2, desired("a"))

    assert (site.working(), len(site.actor("a").begun)) == (["camera:a"], 1)


def test_a_usb_camera_is_not_given_to_a_process_on_another_node(site: FleetSite) -> None:
    site.nodes.nodes = [node("n1"), node("n2")]
    old_release(site, "a")
    site.actors.new_ones = {"node_id": "n2"}

    site.rounds(4, desired("a", source="usb:0"))

    assert site.working() == ["camera:a"]
    assert site.actors.places["camera:a~1"] == Place(node_id="n1")
    assert any("another node" in fault for fault in site.fleet.faults())


def test_a_superseded_supervisor_stops_acting_and_says_so(site: FleetSite) -> None:
    site.actors.add("a", superseded=True)
    site.round(desired("a"))
    assert not site.fleet.owns("a", "camera:a")

    site.actor("a").superseded = False
    site.actor("a").state = ActorState.GONE
    site.rounds(20, desired("a"), desired("b"))

    assert site.actors.created == []
    assert site.actor("a").restarts == 0
    assert any("followed by" in fault for fault in site.fleet.faults())


def test_while_the_database_does_not_answer_the_old_one_goes_on(site: FleetSite) -> None:
    old_release(site, "a")
    site.fleet.database_stalled = True

    site.rounds(5, desired("a"))
    assert (site.working(), site.actors.created) == (["camera:a"], [])

    site.fleet.database_stalled = False
    site.rounds(4, desired("a"))
    assert site.working() == ["camera:a~1"]


def test_a_database_that_falls_silent_in_the_middle_puts_the_switch_off_and_not_for_long(site: FleetSite) -> None:
    old_release(site, "a")
    site.actors.new_ones = {"silent": True}
    site.rounds(2, desired("a"))
    site.actor("a", 1).silent = False
    site.fleet.database_stalled = True

    site.rounds(3, desired("a"))
    assert (site.working(), site.actor("a").stopped, site.actor("a", 1).ended) == (["camera:a"], False, True)
    assert site.fleet.faults() == []

    site.fleet.database_stalled, site.actors.new_ones = False, {}
    site.rounds(5, desired("a"))
    assert [one.name for one in site.actors.actors.values() if not one.ended] == site.working() == ["camera:a~1"]


def test_who_is_on_a_node_that_goes_away_does_not_wait_for_the_database(site: FleetSite) -> None:
    site.nodes.nodes = [node("n1"), node("n2")]
    site.actors.release = "r2"
    site.actors.add("a")
    site.round(desired("a"))
    site.fleet.database_stalled = True
    site.nodes.nodes = [node("n1", draining=True), node("n2")]

    site.rounds(5, desired("a"))

    assert site.working() == ["camera:a~1"]
    assert site.actors.places["camera:a~1"] == Place(node_id="n2")


class DiedError(BaseException):
    """The supervisor's process is gone in the middle of a call."""


class Mortal:
    """An actor's handle whose holder dies with the call after `calls` others, before or after it took effect."""

    def __init__(self, actor: FakeActor, life: "Life") -> None:
        self._actor, self._life = actor, life

    def __getattr__(self, name: str) -> Any:
        async def call(*arguments: Any, **options: Any) -> Any:
            self._life.spend(before=True)
            answer = await getattr(self._actor, name)(*arguments, **options)
            self._life.spend(before=False)
            return answer

        return call


class Life:
    def __init__(self, calls: int, *, before: bool) -> None:
        self.calls, self.before = calls, before

    def spend(self, *, before: bool) -> None:
        if before is self.before:
            self.calls -= 1
            if self.calls < 0:
                raise DiedError


class MortalActors(FakeActors):
    def __init__(self, actors: FakeActors, life: Life) -> None:
        super().__init__()
        self.actors, self.release, self._life = actors.actors, actors.release, life

    async def running(self) -> dict[str, Any]:
        return {name: Mortal(actor, self._life) for name, actor in self.actors.items() if not actor.ended}

    async def create(self, camera_id: str, name: str, place: Place) -> Any:
        return Mortal(await super().create(camera_id, name, place), self._life)


@pytest.mark.parametrize("before", [True, False])
@pytest.mark.parametrize("calls", range(12))
def test_wherever_a_supervisor_dies_one_actor_of_the_new_release_watches_in_the_end(calls: int, before: bool) -> None:
    first = FleetSite(release="r2")
    old_release(first, "a")
    dying = FleetSite(release="r2", actors=MortalActors(first.actors, Life(calls, before=before)))
    with contextlib.suppress(DiedError), capture_logs():  # all that it does from then on fails, and is logged
        dying.rounds(6, desired("a"))

    heir = FleetSite(release="r2")
    heir.last_epoch = 200
    heir.actors.actors, heir.actors.release = first.actors.actors, "r2"
    for _ in range(12):
        heir.round(desired("a"))
        assert len(heir.working()) <= 1

    (owner,) = heir.working()
    assert heir.fleet.owns("a", owner)
    assert heir.actors.actors[owner].release == "r2"
    assert [name for name, one in heir.actors.actors.items() if not one.ended] == [owner]
    assert heir.told == []
