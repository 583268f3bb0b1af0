"""Whatever the moment at which the process dies, nothing that was accepted is lost or doubled."""

import contextlib
import multiprocessing
import os
import random
import signal
from pathlib import Path

import pytest

from cluster.camera.outbox import Outbox
from cluster.camera.outbox_files import OutboxFiles
from cluster.settings.site import OutboxSettings

SETTINGS = OutboxSettings(max_bytes=64 * 1024 * 1024, reserve_bytes=0)


class Died(BaseException):
    """The process ended here."""


class DyingFiles(OutboxFiles):
    """Dies at step `dies_at` of all changes to the disk, in the middle of a write too."""

    def __init__(self, folder: Path, dies_at: int) -> None:
        super().__init__(folder)
        self._left = dies_at

    def _step(self) -> None:
        self._left -= 1
        if self._left == 0:
            raise Died

    def write(self, name: str, body: bytes) -> None:
        self._step()
        (self.folder / f"{name}.tmp").write_bytes(body[: len(body) // 2])
        self._step()
        super().write(name, body)

    def rename(self, name: str, to: str) -> None:
        super().rename(name, to)
        self._step()

    def remove(self, name: str) -> None:
        super().remove(name)
        self._step()

    def sync(self) -> None:
        super().sync()
        self._step()


class Life:
    """A camera and its courier: what they were told, and what the Recorder has."""

    def __init__(self, make_event, make_snapshot) -> None:
        self.make_event, self.make_snapshot = make_event, make_snapshot
        self.accepted: list[tuple[str, int]] = []
        self.offered: list[tuple[str, int]] = []
        self.episodes: list[dict[str, object]] = []
        self.offered_episodes: list[dict[str, object]] = []
        self.rows: list[tuple[str, int]] = []
        self.pictures: list[str] = []

    def live(self, outbox: Outbox) -> None:
        self.accept(outbox, [(1, 1), (2, 1)], picture_of=1)
        self.accept(outbox, [(3, 1)], picture_of=3)
        self.send(outbox)
        self.accept(outbox, [(1, 2)])
        self.send_picture(outbox)
        self.send(outbox)
        self.accept(outbox, [(4, 1)], picture_of=4)
        self.send(outbox)
        self.send_picture(outbox)
        self.send_picture(outbox)

    def accept(self, outbox: Outbox, events: list[tuple[int, int]], picture_of: int = 0) -> None:
        frame = f"gate-1-3-{picture_of or events[0][0]}"
        made = [self.make_event(n, revision=revision, correlation_id=frame) for n, revision in events]
        self.offered = [(event.event_id, event.revision) for event in made]
        self.offered_episodes = [{"open": [f"{n}.{revision}" for n, revision in events]}]
        outbox.accept(made, self.make_snapshot(picture_of) if picture_of else None, self.offered_episodes)
        self.accepted += self.offered
        self.offered, self.episodes = [], self.offered_episodes

    def send(self, outbox: Outbox) -> None:
        for item in outbox.pending(1):
            self.rows += [(event.event_id, event.revision) for event in item.events]
            outbox.done(item)

    def send_picture(self, outbox: Outbox) -> None:
        for picture in outbox.pending_pictures(1):
            assert picture.jpegs is not None
            self.pictures.append(picture.event_id)
            outbox.picture_done(picture)


def steps_of_a_life(folder: Path, make_event, make_snapshot) -> int:
    files = DyingFiles(folder, dies_at=0)
    outbox = Outbox(folder, SETTINGS, "gate-1", files=files)
    Life(make_event, make_snapshot).live(outbox)
    outbox.close()
    return -files._left


def test_a_death_at_any_step_of_the_disk_loses_and_doubles_nothing(tmp_path, make_event, make_snapshot) -> None:
    steps = steps_of_a_life(tmp_path / "whole", make_event, make_snapshot)
    assert steps > 40

    for dies_at in range(1, steps + 1):
        life, folder = Life(make_event, make_snapshot), tmp_path / str(dies_at)
        files = DyingFiles(folder, dies_at)
        with pytest.raises(Died):
            life.live(Outbox(folder, SETTINGS, "gate-1", files=files))
        files.close()

        check(life, Outbox(folder, SETTINGS, "gate-1"), f"died at step {dies_at}")


def check(life: Life, outbox: Outbox, why: str) -> None:
    items = outbox.pending(1000)
    pending = [(event.event_id, event.revision) for item in items for event in item.events]
    found = set(pending) | set(life.rows)

    assert len(pending) == len(set(pending)), why
    assert set(life.accepted) <= found, why
    assert found <= set(life.accepted) | set(life.offered), why
    # The step in which it died happened as a whole or not at all.
    happened = bool(life.offered) and set(life.offered) <= found
    assert happened or not set(life.offered) & found, why
    assert outbox.open_episodes() == (life.offered_episodes if happened else life.episodes), why
    check_pictures(life, outbox, why)
    assert not list(outbox._disk.folder.glob("*.tmp")), why
    assert not list(outbox._disk.folder.glob("*.broken")), why
    outbox.close()


def check_pictures(life: Life, outbox: Outbox, why: str) -> None:
    """Each picture is stored, or waits with its event, or waits alone; none is said to be lost."""
    for item in outbox.pending(1000):
        outbox.done(item)
    waiting = outbox.pending_pictures(1000)
    assert all(picture.jpegs is not None for picture in waiting), why
    opened = {event_id for event_id, revision in life.accepted if revision == 1}
    assert opened <= {picture.event_id for picture in waiting} | set(life.pictures), why


def accept_until_killed(folder: Path, first: int, confirmed, make_event, make_snapshot) -> None:
    """The child: accepts event after event, and sends some. `rows` is the database, which outlives it."""
    outbox = Outbox(folder, SETTINGS, "gate-1")
    with (folder.parent / "rows").open("a") as rows:
        for n in range(first, first + 10_000):
            outbox.accept([make_event(n)], make_snapshot(n) if n % 3 == 0 else None, [{"newest": n}])
            confirmed.send(n)
            if n % 4 == 0:
                item = outbox.pending(1)[0]
                rows.write("".join(f"{event.event_id}\n" for event in item.events))
                rows.flush()
                outbox.done(item)


def test_a_process_killed_at_random_moments_loses_and_doubles_nothing(tmp_path, make_event, make_snapshot) -> None:
    folder, chance = tmp_path / "outbox", random.Random()  # noqa: S311
    fork, confirmed, first = multiprocessing.get_context("fork"), 0, 1
    for _ in range(8):
        receiver, sender = fork.Pipe(duplex=False)
        child = fork.Process(target=accept_until_killed, args=(folder, first, sender, make_event, make_snapshot))
        child.start()
        sender.close()
        for _ in range(chance.randint(1, 20)):
            confirmed = receiver.recv()
        os.kill(child.pid, signal.SIGKILL)
        child.join()
        with contextlib.suppress(EOFError):
            while True:
                confirmed = receiver.recv()

        outbox = Outbox(folder, SETTINGS, "gate-1")
        pending = [event.event_id for item in outbox.pending(100_000) for event in item.events]
        (newest,) = [episode["newest"] for episode in outbox.open_episodes()]
        outbox.close()

        rows = (tmp_path / "rows").read_text().splitlines()
        assert confirmed <= newest <= confirmed + 1
        assert set(rows) | set(pending) == {f"event-{n}" for n in range(1, newest + 1)}
        assert len(pending) == len(set(pending))
        assert len(set(rows) & set(pending)) <= 1, "at most the one that was on its way is sent again"
        first = newest + 1
