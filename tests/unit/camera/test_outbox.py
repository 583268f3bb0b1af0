import os
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cluster.camera.outbox import Outbox
from cluster.safety.errors import OutboxBusy, OutboxFull
from cluster.safety.events import Severity


def test_accepted_events_are_found_again_by_the_next_owner(open_outbox, make_event) -> None:
    before = open_outbox()
    before.accept([make_event(1), make_event(2)], None, [{"episode": 1}])
    before.accept([make_event(1, revision=2)], None, [{"episode": 2}])
    before.close()

    after = open_outbox()

    assert [item.events for item in after.pending(10)] == [(make_event(1), make_event(2)), (make_event(1, revision=2),)]
    assert after.open_episodes() == [{"episode": 2}]
    assert after.depth() == 3


def test_pending_gives_whole_steps_up_to_the_limit(open_outbox, make_event, ids_of) -> None:
    outbox = open_outbox()
    outbox.accept([make_event(1), make_event(2), make_event(3)], None, [])
    outbox.accept([make_event(4)], None, [])
    outbox.accept([make_event(5)], None, [])

    assert ids_of(outbox.pending(1)) == ["event-1", "event-2", "event-3"]
    assert ids_of(outbox.pending(4)) == ["event-1", "event-2", "event-3", "event-4"]


def test_what_is_done_does_not_come_again_and_leaves_its_open_episodes(open_outbox, make_event) -> None:
    outbox = open_outbox()
    outbox.accept([make_event(1)], None, [{"episode": 1}])
    outbox.accept([make_event(2)], None, [{"episode": 2}])
    for item in outbox.pending(10):
        outbox.done(item)
    outbox.close()

    after = open_outbox()

    assert after.pending(10) == []
    assert after.open_episodes() == [{"episode": 2}]
    assert after.depth() == 0


def test_only_the_newest_finished_record_stays_on_disk(open_outbox, make_event, tmp_path: Path) -> None:
    outbox = open_outbox()
    for n in range(1, 6):
        outbox.accept([make_event(n)], None, [{"episode": n}])
        outbox.done(outbox.pending(1)[0])

    assert sorted(path.name for path in (tmp_path / "outbox").iterdir()) == ["0000000005.state.json", "lock"]


def test_deferred_events_are_unsent_too(open_outbox, make_event) -> None:
    outbox = open_outbox()
    for n in (1, 2, 3):
        outbox.accept([make_event(n)], None, [])
    first, second, _ = outbox.pending(10)
    outbox.defer(first)
    outbox.done(second)

    assert outbox.unsent_ids() == {"event-1", "event-3"}


def test_open_episodes_can_be_written_without_events(open_outbox) -> None:
    outbox = open_outbox()
    outbox.accept([], None, [{"episode": 1}])
    outbox.close()

    after = open_outbox()

    assert after.open_episodes() == [{"episode": 1}]
    assert after.pending(10) == []


def test_pictures_come_after_their_event_and_survive_a_restart(open_outbox, make_event, make_snapshot) -> None:
    outbox = open_outbox()
    outbox.accept([make_event(1)], make_snapshot(1), [])
    (item,) = outbox.pending(10)
    assert item.with_pictures == {"event-1"}
    assert outbox.pending_pictures(10) == []
    outbox.done(item)
    outbox.close()

    after = open_outbox()
    (picture,) = after.pending_pictures(10)

    assert (picture.event_id, picture.correlation_id) == ("event-1", "gate-1-3-1")
    assert picture.jpegs == (make_snapshot(1).drawn, make_snapshot(1).clean)
    assert after.pending(10) == []


def test_stored_pictures_leave_the_disk(open_outbox, make_event, make_snapshot, tmp_path: Path) -> None:
    outbox = open_outbox()
    outbox.accept([make_event(1)], make_snapshot(1), [])
    outbox.accept([make_event(2)], None, [])
    for item in outbox.pending(10):
        outbox.done(item)

    outbox.picture_done(outbox.pending_pictures(1)[0])

    assert outbox.pending_pictures(1) == []
    assert outbox.pictures_waiting() == 0
    assert list((tmp_path / "outbox").glob("*.jpg")) == []


def test_two_events_of_one_frame_share_its_picture(open_outbox, make_event, make_snapshot) -> None:
    outbox = open_outbox()
    both = [make_event(1), make_event(2, correlation_id="gate-1-3-1")]
    outbox.accept(both, make_snapshot(1), [])
    outbox.done(outbox.pending(10)[0])

    first, second = outbox.pending_pictures(10)
    outbox.picture_done(first)

    assert outbox.pending_pictures(10) == [second]
    assert second.jpegs is not None
    outbox.picture_done(second)
    assert outbox.pending_pictures(10) == []


@pytest.mark.parametrize(
    ("other", "why"),
    [
        ({"revision": 2}, "a later revision keeps the picture of its opening"),
        (
            {"correlation_id": "gate-1-3-99"},
            "an event held since an earlier frame must not get the picture of this one",
        ),
    ],
)
def test_a_picture_belongs_only_to_what_its_frame_opened(open_outbox, make_event, make_snapshot, other, why) -> None:
    outbox = open_outbox()
    outbox.accept([make_event(1), make_event(2, **{"correlation_id": "gate-1-3-1", **other})], make_snapshot(1), [])

    assert outbox.pending(10)[0].with_pictures == {"event-1"}, why


def test_a_second_owner_is_refused_until_the_first_is_gone(open_outbox, make_event) -> None:
    first = open_outbox()
    with pytest.raises(OutboxBusy):
        open_outbox()

    first.accept([make_event(1)], None, [])
    first.close()

    assert open_outbox().depth() == 1


def test_broken_and_half_written_files_are_set_aside_and_said(open_outbox, make_event, ids_of, tmp_path: Path) -> None:
    outbox = open_outbox()
    for n in (1, 2, 3):
        outbox.accept([make_event(n)], None, [{"episode": n}])
    outbox.close()
    folder = tmp_path / "outbox"
    os.truncate(folder / "0000000001.json", 40)
    (folder / "0000000002.json").write_bytes(b"[]")
    (folder / "0000000004.json.tmp").write_bytes(b"{")
    (folder / "0000000009.json").write_bytes(b"\x00" * 100)

    with capture_logs() as logs:
        after = open_outbox()

    assert ids_of(after.pending(10)) == ["event-3"]
    assert after.open_episodes() == [{"episode": 3}]
    assert [entry["event"] for entry in logs] == ["outbox_file_broken"] * 3
    assert sorted(path.name for path in folder.glob("*.broken")) == [
        "0000000001.json.broken",
        "0000000002.json.broken",
        "0000000009.json.broken",
    ]
    assert list(folder.glob("*.tmp")) == []
    after.accept([make_event(10)], None, [])
    assert (folder / "0000000010.json").exists(), "a number is never given twice"


def test_a_record_that_breaks_while_it_waits_does_not_hold_up_the_others(
    open_outbox, make_event, ids_of, tmp_path
) -> None:
    outbox = open_outbox()
    outbox.accept([make_event(1)], None, [])
    outbox.accept([make_event(2)], None, [])
    os.truncate(tmp_path / "outbox" / "0000000001.json", 40)

    assert ids_of(outbox.pending(10)) == ["event-2"]
    assert outbox.depth() == 1


def test_a_picture_that_vanished_is_lost_and_not_fatal(open_outbox, make_event, make_snapshot, tmp_path: Path) -> None:
    outbox = open_outbox()
    outbox.accept([make_event(1)], make_snapshot(1), [])
    outbox.close()
    (tmp_path / "outbox" / "0000000001-clean.jpg").unlink()

    after = open_outbox()
    (item,) = after.pending(1)
    after.done(item)

    assert item.with_pictures == {"event-1"}
    assert [picture.jpegs for picture in after.pending_pictures(1)] == [None]


def test_pictures_without_a_record_are_removed(open_outbox, tmp_path: Path) -> None:
    open_outbox().close()
    (tmp_path / "outbox" / "0000000001-drawn.jpg").write_bytes(b"jpeg")

    open_outbox()

    assert list((tmp_path / "outbox").glob("*.jpg")) == []


def test_a_deferred_item_comes_alone_and_after_all_others(open_outbox, make_event, ids_of) -> None:
    outbox = open_outbox()
    for n in (1, 2):
        outbox.accept([make_event(n)], None, [])
    outbox.defer(outbox.pending(1)[0])
    outbox.accept([make_event(3)], None, [])

    assert ids_of(outbox.pending(10)) == ["event-2", "event-3"]
    for item in outbox.pending(10):
        outbox.done(item)
    assert ids_of(outbox.pending(10)) == ["event-1"]
    outbox.done(outbox.pending(10)[0])
    assert outbox.depth() == 0


def test_a_closed_outbox_changes_nothing_more(open_outbox, make_event) -> None:
    outbox: Outbox = open_outbox()
    outbox.accept([make_event(1)], None, [])
    (item,) = outbox.pending(1)
    outbox.close()

    outbox.done(item)
    with pytest.raises(OutboxFull):
        outbox.accept([make_event(2)], None, [])

    assert outbox.pending(10) == []
    assert open_outbox().depth() == 1


def test_nothing_is_dropped_while_there_is_room(open_outbox, make_event) -> None:
    outbox = open_outbox()
    outbox.accept([make_event(1)], None, [])

    assert outbox.dropped() == dict.fromkeys(Severity, 0)
