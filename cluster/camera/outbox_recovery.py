"""What a crash left in the folder of an outbox, made whole again."""

import time
from typing import Any

import structlog

from cluster.camera.episode_file import OutboxRecord, decode
from cluster.camera.outbox_files import OutboxFiles, Stage, picture_names, record_name
from cluster.camera.outbox_index import Entry, OutboxIndex

_log = structlog.get_logger()


def recover(files: OutboxFiles, index: OutboxIndex) -> tuple[dict[str, Any], ...]:
    """Fills `index` from the folder and returns the newest open episodes.

    Half-written files are removed: no `accept` returned for them. Broken ones are set aside, never fatal.
    """
    for name in files.names():
        if name.endswith(".tmp"):
            files.remove(name)
    episodes: tuple[dict[str, Any], ...] = ()
    for sequence, stage, _ in list(files.records()):
        record = _read(files, sequence, stage)
        if record is not None:
            episodes = record.open_episodes
            _supersede(files, index)
            index.add(entry_of(record, stage, files))
    _remove_stray_pictures(files, index)
    return episodes


def entry_of(record: OutboxRecord, stage: Stage, files: OutboxFiles) -> Entry:
    """The entry of a record that lies on disk, with the pictures that lie beside it."""
    waiting = set() if stage is Stage.STATE else set(record.pictured)
    sizes = [files.size_of(name) for name in picture_names(record.sequence)] if waiting else [0]
    return Entry(
        sequence=record.sequence,
        stage=stage,
        severities=tuple(event.severity for event in record.events),
        event_ids=tuple(event.event_id for event in record.events),
        waiting=waiting,
        record_bytes=files.size_of(record_name(record.sequence, stage)),
        picture_bytes=sum(sizes) if all(sizes) else 0,
        # Renamed files keep their time: what a former owner left waits since that one accepted it.
        added_s=time.monotonic() - files.age_s(record_name(record.sequence, stage)),
    )


def read_record(files: OutboxFiles, sequence: int, stage: Stage) -> OutboxRecord | None:
    """The record, or None if its content is broken (then it is set aside).

    Raises:
        OSError: it cannot be read now.
    """
    name = record_name(sequence, stage)
    try:
        record = decode(files.read(name))
        if record.sequence != sequence:
            raise ValueError(f"holds sequence {record.sequence}")  # noqa: TRY301 - one way out for all that is broken
    except ValueError as error:
        _log.error("outbox_file_broken", file=str(files.folder / name), reason=str(error))
        files.rename(name, f"{name}.broken")
        return None
    return record


def _read(files: OutboxFiles, sequence: int, stage: Stage) -> OutboxRecord | None:
    try:
        return read_record(files, sequence, stage)
    except OSError as error:
        # One unreadable sector must not keep the camera from starting.
        _log.error("outbox_file_unreadable", file=record_name(sequence, stage), reason=str(error))
        return None


def _supersede(files: OutboxFiles, index: OutboxIndex) -> None:
    """A record that only held open episodes ends where a newer one is found."""
    before = index.get(index.newest)
    if before is not None and before.stage is Stage.STATE:
        files.remove(record_name(before.sequence, Stage.STATE))
        index.remove(before)


def _remove_stray_pictures(files: OutboxFiles, index: OutboxIndex) -> None:
    """Pictures whose record never came, is done, or lost the other one of the pair."""
    for sequence, name in list(files.pictures()):
        entry = index.get(sequence)
        if entry is None or not entry.picture_bytes:
            files.remove(name)
