"""A disk that is really full: a small tmpfs where it may be mounted, a disk that only says so everywhere."""

import contextlib
import errno
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from counterparts.missing import missing_counterpart

from cluster.camera.outbox_files import OutboxFiles, disk_bytes
from cluster.safety.errors import OutboxFull
from cluster.safety.events import Severity

INFO, WARNING, CRITICAL = Severity.INFO, Severity.WARNING, Severity.CRITICAL
RESERVE = 64 * 1024


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 1 MiB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], check=False, capture_output=True
    )
    if mounted.returncode:
        missing_counterpart("a small disk (root, and a kernel that mounts tmpfs)", OSError(mounted.stderr.decode()))
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


def fill(disk: Path) -> Path:
    """Somebody else's file, which takes all that is left."""
    foreign = disk / "foreign"
    with foreign.open("ab", buffering=0) as file:
        for size in (4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass
    return foreign


def test_a_critical_event_fits_on_a_full_disk(open_outbox, make_event, ids_of, small_disk: Path) -> None:
    outbox = open_outbox(reserve_bytes=RESERVE, folder=small_disk / "outbox")
    fill(small_disk)

    for n in range(1, 9):
        outbox.accept([make_event(n)], None, [{"episode": n}])
    outbox.close()

    after = open_outbox(reserve_bytes=RESERVE, folder=small_disk / "outbox")
    assert ids_of(after.pending(100)) == [f"event-{n}" for n in range(1, 9)]
    assert after.open_episodes() == [{"episode": 8}]


def test_the_reserve_is_really_written_and_taken_again_when_there_is_room(open_outbox, make_event, small_disk) -> None:
    outbox = open_outbox(reserve_bytes=RESERVE, folder=small_disk / "outbox")
    reserve = small_disk / "outbox" / "reserve"
    assert reserve.stat().st_blocks * 512 >= RESERVE
    foreign = fill(small_disk)
    outbox.accept([make_event(1)], None, [])
    assert not reserve.exists()

    foreign.unlink()
    outbox.accept([make_event(2)], None, [])

    assert reserve.stat().st_blocks * 512 >= RESERVE


def test_lesser_events_do_not_touch_the_reserve(open_outbox, make_event, small_disk: Path) -> None:
    outbox = open_outbox(reserve_bytes=RESERVE, folder=small_disk / "outbox")
    fill(small_disk)

    with pytest.raises(OutboxFull):
        outbox.accept([make_event(1, WARNING)], None, [])

    assert (small_disk / "outbox" / "reserve").stat().st_size == RESERVE


def test_own_pictures_and_info_events_make_room_on_a_full_disk(
    open_outbox, make_event, make_snapshot, ids_of, small_disk
):
    outbox = open_outbox(folder=small_disk / "outbox")
    outbox.accept([make_event(1, INFO)], make_snapshot(1, 8000), [])
    for n in (2, 3, 4):
        outbox.accept([make_event(n, INFO)], None, [])
    fill(small_disk)

    for n in range(10, 18):
        outbox.accept([make_event(n, WARNING)], None, [])

    assert ids_of(outbox.pending(100))[-8:] == [f"event-{n}" for n in range(10, 18)]
    assert outbox.dropped() == {INFO: 4, WARNING: 0, CRITICAL: 0}


def test_no_room_for_a_picture_does_not_cost_the_event(
    open_outbox, make_event, make_snapshot, small_disk: Path
) -> None:
    outbox = open_outbox(reserve_bytes=RESERVE, folder=small_disk / "outbox")
    fill(small_disk)

    outbox.accept([make_event(1)], make_snapshot(1, 8000), [])

    (item,) = outbox.pending(1)
    outbox.done(item)
    assert outbox.pending_pictures(1)[0].jpegs is None


def test_events_are_marked_done_and_removed_on_a_full_disk(open_outbox, make_event, small_disk: Path) -> None:
    outbox = open_outbox(reserve_bytes=RESERVE, folder=small_disk / "outbox")
    for n in (1, 2, 3):
        outbox.accept([make_event(n)], None, [{"episode": n}])
    fill(small_disk)
    for item in outbox.pending(10):
        outbox.done(item)
    outbox.close()

    after = open_outbox(reserve_bytes=RESERVE, folder=small_disk / "outbox")

    assert after.depth() == 0
    assert after.open_episodes() == [{"episode": 3}]


class FailingFiles(OutboxFiles):
    """Says `code` as long as `failing`, wherever it stands."""

    failing = False
    code = errno.ENOSPC

    def write(self, name: str, body: bytes) -> None:
        if self.failing:
            raise OSError(self.code, os.strerror(self.code))
        super().write(name, body)


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS])
def test_what_no_disk_takes_is_sent_from_memory_and_written_when_it_can_be(
    open_outbox, make_event, ids_of, tmp_path: Path, code: int
) -> None:
    files = FailingFiles(tmp_path / "outbox")
    outbox = open_outbox(files=files)
    files.failing, files.code = True, code
    with pytest.raises(OutboxFull):
        outbox.accept([make_event(1)], None, [{"episode": 1}])
    with pytest.raises(OutboxFull):
        outbox.accept([make_event(1), make_event(2)], None, [{"episode": 2}])
    assert ids_of(outbox.pending(10)) == ["event-1", "event-2"]

    files.failing = False
    outbox.accept([make_event(1), make_event(2), make_event(3)], None, [{"episode": 3}])
    outbox.close()

    after = open_outbox()
    assert ids_of(after.pending(10)) == ["event-1", "event-2", "event-3"]
    assert after.open_episodes() == [{"episode": 3}]


def test_a_caller_who_forgets_a_refused_event_does_not_lose_it(open_outbox, make_event, ids_of, tmp_path: Path) -> None:
    files = FailingFiles(tmp_path / "outbox")
    outbox = open_outbox(files=files)
    files.failing = True
    with pytest.raises(OutboxFull):
        outbox.accept([make_event(1)], None, [])
    files.failing = False

    outbox.accept([make_event(2)], None, [])

    assert ids_of(outbox.pending(10)) == ["event-1", "event-2"]


def test_memory_is_bounded_and_keeps_the_critical_ones(open_outbox, make_event, ids_of, tmp_path: Path) -> None:
    files = FailingFiles(tmp_path / "outbox")
    outbox = open_outbox(files=files)
    files.failing = True
    many = [make_event(n, INFO if n % 2 else CRITICAL) for n in range(1, 1203)]

    with pytest.raises(OutboxFull):
        outbox.accept(many, None, [])

    assert outbox.depth() == 1000
    assert outbox.dropped() == {INFO: 202, WARNING: 0, CRITICAL: 0}
    assert set(ids_of(outbox.pending(2000))) >= {f"event-{n}" for n in range(2, 1203, 2)}


def test_sizes_count_whole_blocks() -> None:
    assert [disk_bytes(size) for size in (0, 1, 4096, 4097)] == [4096, 4096, 4096, 8192]
