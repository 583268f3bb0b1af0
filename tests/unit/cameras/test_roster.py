"""What a supervisor knows of who runs, and what it does before it knows."""

from counterparts.camera_fleet import FleetSite, desired

from cluster.safety.status import CameraStatus


def test_a_supervisor_that_cannot_list_the_actors_at_first_makes_no_second_fleet() -> None:
    heir = FleetSite()
    heir.actors.add("a", 1)
    heir.actors.listed = False

    heir.rounds(3, desired("a"))
    assert heir.actors.created == []
    assert not heir.fleet.owns("a", "camera:a")

    heir.actors.listed = True
    heir.rounds(2, desired("a"))
    assert (heir.actors.created, heir.actor("a", 1).ended, heir.working()) == ([], False, ["camera:a~1"])


def test_who_has_more_to_tell_than_was_taken_is_known() -> None:
    site = FleetSite()
    site.actors.add("a", outbox_events=3)
    site.actors.add("b")
    site.actors.add("c", silent=True)

    site.round(desired("a"), desired("b"), desired("c"))

    assert site.fleet.backlogged() == {"a"}


def test_as_long_as_nobody_can_be_listed_cameras_count_as_not_watched() -> None:
    heir = FleetSite()
    heir.actors.add("a")
    heir.actors.listed = False

    heir.rounds(20, desired("a"))

    assert heir.status() is CameraStatus.UNMONITORED
    assert "who runs is not known yet" in heir.report().reason
    assert [event.event_type for event in heir.told] == ["CAMERA_UNMONITORED"]
