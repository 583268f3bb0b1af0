"""The folder of one outbox: who owns it, and how a file becomes durable.

0000000012.json         a record whose events are not recorded yet
0000000012.sent.json    events recorded, pictures still wait
0000000012.state.json   all done; kept because its open episodes are the newest
0000000012-drawn.jpg, 0000000012-clean.jpg
*.broken                could not be read; kept for a person to look at
reserve, lock
wanted                  somebody who should own the folder found it owned; a node's agent then lets go of it
"""

import contextlib
import fcntl
import os
import re
import time
from collections.abc import Iterator
from enum import StrEnum
from pathlib import Path

from cluster.safety.errors import OutboxBusy

_RECORD = re.compile(r"^(?P<sequence>\d{10,})\.(?P<stage>json|sent\.json|state\.json)$")
_PICTURE = re.compile(r"^(?P<sequence>\d{10,})-(?:drawn|clean)\.jpg$")
_BLOCK_BYTES = 4096
WANTED = "wanted"


class Stage(StrEnum):
    """How far a record is; the value is the end of its file's name."""

    UNSENT = "json"
    SENT = "sent.json"
    STATE = "state.json"


class OutboxFiles:
    """Owns the folder from construction to `close`; one process at a time, a dead one's lock is free by itself.

    Raises:
        OutboxBusy: another living process owns it.
    """

    def __init__(self, folder: Path, *, asks: bool = True) -> None:
        """`asks`: whoever owns it now and can wait (`wanted`) is asked to let go."""
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self._lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            # A folder that was removed between the two calls is nobody's: the lock in it excludes nobody.
            still_there = os.path.samestat(os.fstat(self._lock), (folder / "lock").stat())
        except OSError as error:
            os.close(self._lock)
            self._ask(asks)
            raise OutboxBusy(f"outbox {folder}: another process owns it", "stop the other camera actor") from error
        if not still_there:
            os.close(self._lock)
            raise OutboxBusy(f"outbox {folder}: was removed at this moment", "try again")
        if asks:
            with contextlib.suppress(OSError):
                (folder / WANTED).unlink()

    def close(self) -> None:
        os.close(self._lock)

    def remove_folder(self) -> None:
        """Removes what is done with, and the folder if nothing else lies in it; `close` follows.

        Raises:
            OSError: something lies there that a person should look at.
        """
        done = {name for _, stage, name in self.records() if stage is Stage.STATE} | {"reserve", WANTED}
        for name in done:
            self.remove(name)
        if self.names() == ["lock"]:
            self.remove("lock")
        self.folder.rmdir()

    def _ask(self, asks: bool) -> None:
        if asks:
            with contextlib.suppress(OSError):
                (self.folder / WANTED).touch()

    def write(self, name: str, body: bytes) -> None:
        """Puts `body` there whole or not at all, on the disk itself; durable under its name after `sync`."""
        temporary = self.folder / f"{name}.tmp"
        try:
            with temporary.open("wb") as file:
                file.write(body)
                file.flush()
                os.fsync(file.fileno())
            self.rename(temporary.name, name)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise

    def read(self, name: str) -> bytes:
        return (self.folder / name).read_bytes()

    def rename(self, name: str, to: str) -> None:
        (self.folder / name).replace(self.folder / to)

    def remove(self, name: str) -> None:
        (self.folder / name).unlink(missing_ok=True)

    def sync(self) -> None:
        """Makes the names durable."""
        handle = os.open(self.folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)

    def names(self) -> list[str]:
        return sorted(entry.name for entry in self.folder.iterdir())

    def records(self) -> Iterator[tuple[int, Stage, str]]:
        """(sequence, stage, name), oldest first."""
        matches = [match for name in self.names() if (match := _RECORD.match(name))]
        for match in sorted(matches, key=lambda match: int(match["sequence"])):
            yield int(match["sequence"]), Stage(match["stage"]), match.group()

    def pictures(self) -> Iterator[tuple[int, str]]:
        """(sequence, name) of every JPEG."""
        for name in self.names():
            if match := _PICTURE.match(name):
                yield int(match["sequence"]), name

    def size_of(self, name: str) -> int:
        """Bytes on the disk, 0 if there is no such file."""
        try:
            return disk_bytes((self.folder / name).stat().st_size)
        except OSError:
            return 0

    def age_s(self, name: str) -> float:
        """Since it was written, by this machine's clock; 0 if there is no such file, or the clock went back since."""
        try:
            return max(0.0, time.time() - (self.folder / name).stat().st_mtime)
        except OSError:
            return 0.0

    def highest_sequence(self) -> int:
        """Over everything that ever had one and still stands here, broken files too; 0 for none."""
        leading = (re.match(r"\d{10,}", name) for name in self.names())
        return max((int(match.group()) for match in leading if match), default=0)


def record_name(sequence: int, stage: Stage) -> str:
    return f"{sequence:010d}.{stage.value}"


def picture_names(sequence: int) -> tuple[str, str]:
    """Of the drawn and of the clean one."""
    return f"{sequence:010d}-drawn.jpg", f"{sequence:010d}-clean.jpg"


def disk_bytes(size: int) -> int:
    """What a file of `size` bytes takes: a disk gives whole blocks."""
    return max(1, -(-size // _BLOCK_BYTES)) * _BLOCK_BYTES
