"""The records of an outbox on disk: written, moved on, read, within their bound."""

import errno
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import structlog

from cluster.camera.disk_reserve import DiskReserve
from cluster.camera.episode_file import OutboxRecord, encode
from cluster.camera.outbox_files import OutboxFiles, Stage, disk_bytes, picture_names, record_name
from cluster.camera.outbox_index import Entry, OutboxIndex
from cluster.camera.outbox_recovery import entry_of, read_record, recover
from cluster.camera.outbox_room import Room
from cluster.camera.snapshot import SnapshotJpegs
from cluster.safety.events import Severity
from cluster.settings.site import OutboxSettings

_DISK_FULL = (errno.ENOSPC, errno.EDQUOT)


class OutboxDisk:
    """Under the lock of its outbox. Every writing method may raise OSError."""

    def __init__(self, files: OutboxFiles, settings: OutboxSettings, camera_id: str) -> None:
        self._files = files
        self._log = structlog.get_logger().bind(camera_id=camera_id)
        self.index = OutboxIndex()
        self.episodes: tuple[dict[str, Any], ...] = recover(files, self.index)
        self.next_sequence = files.highest_sequence() + 1
        self.room = Room(files, self.index, settings.max_bytes, camera_id)
        self._reserve = DiskReserve(files.folder / "reserve", settings.reserve_bytes)
        self._reserve.take()

    @property
    def folder(self) -> Path:
        return self._files.folder

    def put(self, record: OutboxRecord, snapshot: SnapshotJpegs | None) -> None:
        """Makes `record` durable, or its open episodes alone if its events are not worth the room.

        Raises:
            OSError: nothing of it is durable.
        """
        if not self.room.make(disk_bytes(len(encode(record))), record.severity):
            if record.severity is Severity.CRITICAL:
                raise OSError(errno.ENOSPC, "max_bytes is reached and CRITICAL events fill it")
            self.room.count(
                (event.severity for event in record.events), tuple(event.event_id for event in record.events)
            )
            record = record.without_events()
        if snapshot is not None and record.pictured:
            self._write_pictures(record, snapshot)
        self._write_record(record)
        self._reserve.take()

    def leave(self, entry: Entry, stage: Stage) -> None:
        """Moves `entry` on: SENT, or STATE, which means away unless its open episodes are the newest."""
        try:
            self._leave_on_disk(entry, stage)
        except OSError as error:
            # Left as it is, it is sent again after the next start, which the Recorder bears.
            self._log.error("outbox_mark_failed", sequence=entry.sequence, reason=str(error))
        if stage is Stage.SENT:
            self.index.await_pictures(entry)
        elif entry.sequence == self.index.newest:
            self.index.keep_state(entry)
        else:
            self.index.remove(entry)
        self._reserve.take()

    def unsent(self, limit: int) -> Iterator[OutboxRecord]:
        """At most `limit` records, in order."""
        return self._read_all(list(islice(self.index.unsent(), limit)))

    def deferred(self) -> Iterator[OutboxRecord]:
        """At most one."""
        return self._read_all(list(islice(self.index.deferred(), 1)))

    def awaiting_pictures(self, limit: int) -> Iterator[OutboxRecord]:
        return self._read_all(list(islice(self.index.awaiting_pictures(), limit)))

    def read_pictures(self, sequence: int) -> tuple[bytes, bytes] | None:
        """(drawn, clean), or None if they are given up or gone."""
        entry = self.index.get(sequence)
        if entry is None or not entry.picture_bytes:
            return None
        drawn, clean = picture_names(sequence)
        try:
            return self._files.read(drawn), self._files.read(clean)
        except OSError as error:
            self._log.error("outbox_picture_unreadable", sequence=sequence, reason=str(error))
            return None

    def close(self) -> None:
        self._files.close()

    def _write_pictures(self, record: OutboxRecord, snapshot: SnapshotJpegs) -> None:
        """What finds no room is missing beside its record, which means lost."""
        size = disk_bytes(len(snapshot.drawn)) + disk_bytes(len(snapshot.clean))
        if not self._reserve.held or not self.room.make_for_pictures(size, record.severity):
            self.room.count_pictures(record.sequence, record.severity, "no room")
            return
        try:
            for name, jpeg in zip(picture_names(record.sequence), (snapshot.drawn, snapshot.clean), strict=True):
                self._files.write(name, jpeg)
        except OSError as error:
            self._forgo_pictures(record, str(error))

    def _forgo_pictures(self, record: OutboxRecord, reason: str) -> None:
        self.room.remove_pictures(record.sequence)
        self.room.count_pictures(record.sequence, record.severity, reason)

    def _write_record(self, record: OutboxRecord) -> None:
        """Its rename is the moment from which it counts."""
        stage = Stage.UNSENT if record.events else Stage.STATE
        try:
            self._write_making_room(record, record_name(record.sequence, stage))
            self._files.sync()
        except OSError:
            self.room.remove_pictures(record.sequence)
            raise
        before = self.index.get(self.index.newest)
        self.index.add(entry_of(record, stage, self._files))
        self.episodes, self.next_sequence = record.open_episodes, record.sequence + 1
        if before is not None and before.stage is Stage.STATE:
            self.leave(before, Stage.STATE)

    def _write_making_room(self, record: OutboxRecord, name: str) -> None:
        """A full disk costs its own pictures, the reserve (CRITICAL only), then what is expendable, until it fits."""
        body = encode(record)
        if self._try(name, body):
            return
        if any(self._files.size_of(picture) for picture in picture_names(record.sequence)):
            self._forgo_pictures(record, "disk full")
        if record.severity is Severity.CRITICAL and not self._try(name, body) and self._reserve.release():
            self._log.error("outbox_reserve_released", reason="disk full")
        while not self._try(name, body):
            if not self.room.give_up_one(record.severity):
                raise OSError(errno.ENOSPC, "the disk is full")

    def _try(self, name: str, body: bytes) -> bool:
        """False: the disk is full; any other fault is raised."""
        try:
            self._files.write(name, body)
        except OSError as error:
            if error.errno not in _DISK_FULL:
                raise
            return False
        return True

    def _leave_on_disk(self, entry: Entry, stage: Stage) -> None:
        name = record_name(entry.sequence, entry.stage)
        if stage is Stage.SENT or entry.sequence == self.index.newest:
            self._files.rename(name, record_name(entry.sequence, stage))
        else:
            self._files.remove(name)
        if entry.picture_bytes and stage is Stage.STATE:
            # In this order, or a crash would make a stored picture look lost.
            self._files.sync()
            self.room.remove_pictures(entry.sequence)

    def _read_all(self, entries: list[Entry]) -> Iterator[OutboxRecord]:
        for entry in entries:
            try:
                record = read_record(self._files, entry.sequence, entry.stage)
            except FileNotFoundError:
                record = None
            except OSError as error:
                self._log.error("outbox_file_unreadable", sequence=entry.sequence, reason=str(error))
                continue
            if record is not None:
                yield record
            else:
                self.index.remove(entry)
