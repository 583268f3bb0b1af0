"""Where a camera's events are safe until the Recorder has them."""

import errno
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from cluster.camera.episode_file import OutboxRecord
from cluster.camera.outbox_disk import OutboxDisk
from cluster.camera.outbox_files import OutboxFiles, Stage
from cluster.camera.outbox_index import Entry
from cluster.camera.snapshot import SnapshotJpegs
from cluster.camera.unwritten import Unwritten
from cluster.safety.errors import OutboxFull
from cluster.safety.events import SafetyEvent, Severity
from cluster.settings.site import OutboxSettings


@dataclass(frozen=True, slots=True)
class OutboxItem:
    """Revisions of one step, to be recorded together. `sequence` 0: they are not on disk."""

    sequence: int
    events: tuple[SafetyEvent, ...]
    with_pictures: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PictureItem:
    """(drawn, clean) JPEGs of one event whose row is recorded; None: given up, the row should say so."""

    sequence: int
    event_id: str
    correlation_id: str
    jpegs: tuple[bytes, bytes] | None


class Outbox:
    """One folder, one camera, one owning process; every method may be called from any thread.

    Each `accept` writes one record file with the events *and* the open episodes, which appears by one
    rename: a crash leaves both or neither (see `episode_file`). Pictures are written before the record
    that names them; a record without its pictures says that they are lost. What was sent is marked by
    renaming the record, so that a full disk cannot prevent it. A crash after the Recorder took an event and
    before `done` sends it again: the Recorder's upsert by id and revision makes that harmless.

    Bound: `max_bytes` for all files in whole disk blocks, a third of it at most for pictures (`reserve_bytes`
    come on top). When that or the disk is full, pictures of low severity go first, then INFO events, pictures
    of CRITICAL ones, WARNING events, the oldest first. A record goes as a whole, by its worst event.
    """

    def __init__(
        self, folder: Path, settings: OutboxSettings, camera_id: str, *, files: OutboxFiles | None = None
    ) -> None:
        """Opens `folder` and takes up what a crash left.

        Raises:
            OutboxBusy: another living process owns it.
            OSError: it cannot be made or read.
        """
        files = OutboxFiles(folder) if files is None else files
        try:
            self._disk = OutboxDisk(files, settings, camera_id)
        except BaseException:
            # Nobody else can close it: the next attempt must not find the folder owned by this one.
            files.close()
            raise
        self._log = structlog.get_logger().bind(camera_id=camera_id)
        self._lock = threading.RLock()
        self._closed = False
        self._unwritten = Unwritten()

    def accept(
        self, events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None, open_episodes: Sequence[dict[str, Any]]
    ) -> None:
        """Returns when `events` and `open_episodes` are on disk, together.

        `snapshot` belongs to those events that open (revision 1) in the frame it was made from. INFO and WARNING
        events may be dropped for want of room: counted, logged, and no error.

        Raises:
            OutboxFull: nothing of this call is on disk. The outbox holds the events in memory (no picture) and
                sends them like the others; the caller keeps them too and offers them again, with what came
                since and the newest episodes. Offering an event twice does not double it.
        """
        with self._lock:
            offered = self._unwritten.with_these(events)
            pictured = _opened_in(offered, snapshot)
            record = OutboxRecord(self._disk.next_sequence, offered, pictured, tuple(open_episodes))
            try:
                self._refuse_if_closed()
                self._disk.put(record, snapshot)
            except OSError as error:
                self._hold(offered, error)
            else:
                self._unwritten.written()

    def open_episodes(self) -> list[dict[str, Any]]:
        """Of the newest record: what a new owner takes up again."""
        with self._lock:
            return list(self._disk.episodes)

    def pending(self, limit: int) -> list[OutboxItem]:
        """Items to be recorded, oldest first: one at least if there is one, then up to `limit` revisions.

        A deferred item comes when there is no other, and alone.
        """
        with self._lock:
            items: list[OutboxItem] = []
            revisions = 0
            for item in self._items(limit):
                revisions += len(item.events)
                if items and revisions > limit:
                    break
                items.append(item)
            return items

    def unsent_ids(self) -> frozenset[str]:
        """Events of which something is not recorded yet, deferred ones included."""
        with self._lock:
            return self._disk.index.unsent_ids() | {event.event_id for event in self._unwritten.events}

    def oldest_s(self) -> float:
        """For how long the oldest event on disk waits to be recorded, 0: none does."""
        with self._lock:
            added_s = self._disk.index.oldest_s()
        return 0.0 if added_s is None else time.monotonic() - added_s

    def done(self, item: OutboxItem) -> None:
        """The events of `item` are recorded."""
        with self._lock:
            if item.sequence == 0:
                self._unwritten.recorded(item.events)
            elif (entry := self._entry(item.sequence, Stage.UNSENT)) is not None:
                self._disk.leave(entry, Stage.SENT if entry.waiting else Stage.STATE)

    def defer(self, item: OutboxItem) -> None:
        """Puts `item` behind all others, also those to come: one that the Recorder cannot take holds up nobody."""
        with self._lock:
            self._disk.index.defer(item.sequence)

    def pending_pictures(self, limit: int) -> list[PictureItem]:
        """Pictures of recorded events, oldest first; up to `limit` pairs are read into memory."""
        with self._lock:
            return [] if self._closed else list(islice(self._picture_items(limit), limit))

    def picture_done(self, item: PictureItem) -> None:
        """The pictures of `item` are stored, or their loss is told."""
        with self._lock:
            if (entry := self._entry(item.sequence, Stage.SENT)) is not None:
                entry.waiting.discard(item.event_id)
                if not entry.waiting:
                    self._disk.leave(entry, Stage.STATE)

    def defer_picture(self, item: PictureItem) -> None:
        """Puts the pictures of this record behind the others."""
        with self._lock:
            self._disk.index.defer_pictures(item.sequence)

    # The numbers are read without the lock: a heartbeat must not wait for a disk.

    def depth(self) -> int:
        """Revisions that are not recorded yet."""
        return self._disk.index.depth + len(self._unwritten)

    def unwritten(self) -> int:
        """Of these, the ones that the disk refused: they are in memory only."""
        return len(self._unwritten)

    def pictures_waiting(self) -> int:
        """Records whose events are recorded and whose pictures are not."""
        return self._disk.index.pictures_waiting

    def dropped(self) -> dict[Severity, int]:
        """Revisions given up for want of room since this process opened the outbox."""
        return {severity: self._disk.room.dropped[severity] for severity in Severity}

    def close(self) -> None:
        """Gives the folder to whom comes next; what a late thread still does here changes nothing."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._disk.close()

    def _refuse_if_closed(self) -> None:
        if self._closed:
            raise OSError(errno.EBADF, "the outbox is closed")

    def _hold(self, offered: tuple[SafetyEvent, ...], error: OSError) -> None:
        too_many = self._unwritten.hold(offered)
        self._disk.room.count((event.severity for event in too_many), tuple(event.event_id for event in too_many))
        if not offered:
            # All of them were recorded from memory: only the open episodes on disk are old.
            self._log.error("outbox_episodes_not_written", reason=str(error))
            return
        raise OutboxFull(str(self._disk.folder), error.strerror or str(error)) from error

    def _items(self, limit: int) -> Iterator[OutboxItem]:
        if self._closed:
            return
        ready = [*self._disk.unsent(limit)]
        events = self._unwritten.events[:limit]
        for record in ready if ready or events else self._disk.deferred():
            yield OutboxItem(record.sequence, record.events, frozenset(record.pictured))
        if events:
            yield OutboxItem(0, events)

    def _picture_items(self, limit: int) -> Iterator[PictureItem]:
        for record in self._disk.awaiting_pictures(limit):
            entry = self._disk.index.get(record.sequence)
            frames = {event.event_id: event.correlation_id for event in record.events}
            for event_id in record.pictured:
                if entry is not None and event_id in entry.waiting:
                    jpegs = self._disk.read_pictures(record.sequence)
                    yield PictureItem(record.sequence, event_id, frames[event_id], jpegs)

    def _entry(self, sequence: int, stage: Stage) -> Entry | None:
        """The entry if it is still here and at `stage`: it may have been dropped while it was on its way."""
        entry = None if self._closed else self._disk.index.get(sequence)
        return entry if entry is not None and entry.stage is stage else None


def _opened_in(events: Sequence[SafetyEvent], snapshot: SnapshotJpegs | None) -> tuple[str, ...]:
    """Whose picture it is: never that of an event which an earlier frame opened."""
    if snapshot is None:
        return ()
    return tuple(
        event.event_id
        for event in events
        if event.revision == 1 and snapshot.correlation_id in ("", event.correlation_id)
    )
