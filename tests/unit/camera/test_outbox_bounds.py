"""What goes first when an outbox is full. A record takes one disk block of 4 KiB, so 1 MiB holds 256."""

import pytest
from structlog.testing import capture_logs

from cluster.camera.outbox_files import OutboxFiles
from cluster.safety.errors import OutboxFull
from cluster.safety.events import Severity

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
ONE_MIB = 1024 * 1024
RECORDS = 256


class UnsyncedFiles(OutboxFiles):
    """A disk that is quick: these tests write thousands of records and pull no plug."""

    def write(self, name, body):
        (self.folder / name).write_bytes(body)

    def sync(self):
        pass


@pytest.fixture
def open_outbox(open_outbox, tmp_path):
    return lambda max_bytes: open_outbox(max_bytes, files=UnsyncedFiles(tmp_path / "outbox"))


def fill(outbox, make_event, severities, first=1):
    for n, severity in enumerate(severities, first):
        outbox.accept([make_event(n, severity)], None, [{"episode": n}])


def test_the_oldest_info_goes_first(open_outbox, make_event, ids_of) -> None:
    outbox = open_outbox(ONE_MIB)
    fill(outbox, make_event, [WARNING, INFO, CRITICAL, INFO] * (RECORDS // 4))

    with capture_logs() as logs:
        outbox.accept([make_event(1000, INFO)], None, [])

    assert ids_of(outbox.pending(1000))[:4] == ["event-1", "event-3", "event-4", "event-5"]
    assert ids_of(outbox.pending(1000))[-1] == "event-1000"
    assert outbox.dropped() == {INFO: 1, WARNING: 0, CRITICAL: 0}
    assert [(entry["event"], entry["log_level"], entry["severity"]) for entry in logs] == [
        ("outbox_dropped", "error", "INFO")
    ]


def test_then_the_oldest_warning(open_outbox, make_event, ids_of) -> None:
    outbox = open_outbox(ONE_MIB)
    fill(outbox, make_event, [CRITICAL, WARNING] * (RECORDS // 2))

    outbox.accept([make_event(1000, CRITICAL)], None, [])

    assert ids_of(outbox.pending(1000))[:3] == ["event-1", "event-3", "event-4"]
    assert outbox.dropped() == {INFO: 0, WARNING: 1, CRITICAL: 0}


@pytest.mark.parametrize(("severity", "older"), [(INFO, WARNING), (INFO, CRITICAL), (WARNING, CRITICAL)])
def test_nothing_worse_goes_for_a_lesser_event(open_outbox, make_event, ids_of, severity, older) -> None:
    outbox = open_outbox(ONE_MIB)
    fill(outbox, make_event, [older] * RECORDS)

    outbox.accept([make_event(1000, severity)], None, [{"episode": "newest"}])

    assert len(outbox.pending(1000)) == RECORDS
    assert "event-1000" not in ids_of(outbox.pending(1000))
    assert outbox.dropped()[severity] == 1
    assert outbox.open_episodes() == [{"episode": "newest"}]


def test_a_critical_event_is_refused_only_when_critical_ones_fill_the_outbox(open_outbox, make_event, ids_of) -> None:
    outbox = open_outbox(ONE_MIB)
    fill(outbox, make_event, [CRITICAL] * RECORDS)

    with pytest.raises(OutboxFull):
        outbox.accept([make_event(1000, CRITICAL)], None, [{"episode": "newest"}])

    assert outbox.depth() == RECORDS + 1
    assert ids_of(outbox.pending(1000))[-1] == "event-1000", "it is sent from memory"
    assert outbox.open_episodes() == [{"episode": RECORDS}], "never episodes without their events"
    assert sum(outbox.dropped().values()) == 0


def test_a_refused_event_is_accepted_as_soon_as_there_is_room(open_outbox, make_event, ids_of) -> None:
    outbox = open_outbox(ONE_MIB)
    fill(outbox, make_event, [CRITICAL] * RECORDS)
    refused = make_event(1000, CRITICAL)
    with pytest.raises(OutboxFull):
        outbox.accept([refused], None, [{"episode": 1000}])
    for item in outbox.pending(2):
        outbox.done(item)

    outbox.accept([refused, make_event(1001, CRITICAL)], None, [{"episode": 1001}])
    outbox.close()

    after = open_outbox(ONE_MIB)
    assert ids_of(after.pending(1000))[-2:] == ["event-1000", "event-1001"]
    assert after.depth() == RECORDS
    assert after.open_episodes() == [{"episode": 1001}]


def test_an_event_recorded_from_memory_is_not_sent_again_when_it_is_offered_again(open_outbox, make_event) -> None:
    outbox = open_outbox(ONE_MIB)
    fill(outbox, make_event, [CRITICAL] * RECORDS)
    with pytest.raises(OutboxFull):
        outbox.accept([make_event(1000)], None, [{"episode": 1000}])
    from_memory = outbox.pending(1000)[-1]
    outbox.done(from_memory)

    outbox.accept([make_event(1000)], None, [{"episode": 1000}])

    assert outbox.depth() == RECORDS
    assert outbox.open_episodes() == [{"episode": 1000}]


def test_pictures_of_low_severity_go_before_any_event(open_outbox, make_event, make_snapshot) -> None:
    outbox = open_outbox(ONE_MIB)
    outbox.accept([make_event(1, WARNING)], make_snapshot(1, 40_000), [])
    fill(outbox, make_event, [INFO] * 300, first=2)

    outbox.done(outbox.pending(1)[0])

    assert [picture.jpegs for picture in outbox.pending_pictures(1)] == [None]
    assert outbox.dropped()[INFO] == 301 - RECORDS


def test_the_picture_of_a_critical_event_outlives_info_events(open_outbox, make_event, make_snapshot) -> None:
    outbox = open_outbox(ONE_MIB)
    outbox.accept([make_event(1, CRITICAL)], make_snapshot(1, 40_000), [])
    fill(outbox, make_event, [INFO] * 300, first=2)
    outbox.done(outbox.pending(1)[0])

    assert outbox.pending_pictures(1)[0].jpegs is not None


def test_the_picture_of_a_critical_event_goes_before_a_warning_event(open_outbox, make_event, make_snapshot) -> None:
    outbox = open_outbox(ONE_MIB)
    outbox.accept([make_event(1, CRITICAL)], make_snapshot(1, 40_000), [])
    fill(outbox, make_event, [WARNING] * (RECORDS - 1), first=2)
    outbox.done(outbox.pending(1)[0])

    assert outbox.pending_pictures(1)[0].jpegs is None
    assert outbox.dropped()[WARNING] == 0


def test_pictures_take_a_third_at_most_and_the_oldest_goes(open_outbox, make_event, make_snapshot) -> None:
    outbox = open_outbox(ONE_MIB)
    for n in range(1, 6):
        outbox.accept([make_event(n)], make_snapshot(n, 50_000), [])
    for item in outbox.pending(10):
        outbox.done(item)

    kept = {picture.event_id: picture.jpegs is not None for picture in outbox.pending_pictures(10)}

    assert kept == {"event-1": False, "event-2": False, "event-3": True, "event-4": True, "event-5": True}


def test_a_lesser_picture_does_not_drive_out_that_of_a_worse_event(open_outbox, make_event, make_snapshot) -> None:
    outbox = open_outbox(ONE_MIB)
    for n in range(1, 4):
        outbox.accept([make_event(n)], make_snapshot(n, 50_000), [])

    outbox.accept([make_event(4, INFO)], make_snapshot(4, 50_000), [])
    for item in outbox.pending(10):
        outbox.done(item)

    kept = {picture.event_id: picture.jpegs is not None for picture in outbox.pending_pictures(10)}
    assert kept == {"event-1": True, "event-2": True, "event-3": True, "event-4": False}


def test_a_picture_larger_than_its_part_is_lost_and_the_event_is_not(open_outbox, make_event, make_snapshot) -> None:
    outbox = open_outbox(ONE_MIB)

    outbox.accept([make_event(1)], make_snapshot(1, ONE_MIB), [])

    (item,) = outbox.pending(1)
    outbox.done(item)
    assert outbox.pending_pictures(1)[0].jpegs is None


def test_what_was_dropped_while_it_was_on_its_way_is_simply_done(open_outbox, make_event) -> None:
    outbox = open_outbox(ONE_MIB)
    fill(outbox, make_event, [INFO] * RECORDS)
    (on_its_way,) = outbox.pending(1)
    outbox.accept([make_event(1000)], None, [])

    outbox.done(on_its_way)

    assert outbox.depth() == RECORDS


def test_the_bound_holds_after_a_restart(open_outbox, make_event) -> None:
    outbox = open_outbox(ONE_MIB)
    fill(outbox, make_event, [INFO] * RECORDS)
    outbox.close()

    after = open_outbox(ONE_MIB)
    after.accept([make_event(1000)], None, [])

    assert after.depth() == RECORDS
    assert after.dropped()[INFO] == 1
