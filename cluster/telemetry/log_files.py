"""The log files of one process: one open, the next when it is full or old, what is too much of the node's removed."""

import contextlib
import errno
import fcntl
import os
import re
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from cluster.settings.log_files import LogFileSettings

SUFFIX = ".jsonl"
_RETRY_S = 5.0
_UNSAFE = re.compile(r"[^A-Za-z0-9-]+")


class LogFile:
    """Belongs to one thread, which waits for the disk (`LogWriter`); a line is one write.

    What fails is told to `on_fault` once until it works again.

    Never two processes write into one file: its name has the start and the id of the process in it, and it is
    locked (shared) while it is open, by which others see that it lives.
    """

    def __init__(
        self, settings: LogFileSettings, name: str, on_fault: Callable[[str], None], on_lost: Callable[[], None]
    ) -> None:
        started = datetime.now(UTC).strftime("%Y%m%dT%H%M%S")
        self._settings = settings
        self._stem = f"{_UNSAFE.sub('-', name)}.{started}.{os.getpid()}"
        self._on_fault, self._on_lost = on_fault, on_lost
        self._number = 0
        self._fd: int | None = None
        self._size, self._opened_s = 0, 0.0
        self._torn = self._faulty = False
        self._retry_s = 0.0

    @property
    def path(self) -> Path:
        """Of the file that is written at present, or was last."""
        return self._settings.folder / f"{self._stem}.{self._number:04d}{SUFFIX}"

    def write(self, line: str) -> None:
        """Appends `line`; blocks as long as the disk does, and never raises."""
        try:
            self._write((line + "\n").encode("utf-8", "backslashreplace"))
        except OSError as error:
            self._on_lost()
            self._failed(error)

    def close(self) -> None:
        fd, self._fd = self._fd, None
        if fd is not None:
            with contextlib.suppress(OSError):
                os.close(fd)

    def _write(self, line: bytes) -> None:
        if self._faulty and time.monotonic() < self._retry_s:
            self._on_lost()
            return
        fd = self._ready(len(line))
        # After a disk that was full half a line may stand there: the next one must not hang on it.
        line = b"\n" + line if self._torn else line
        self._torn = True
        written = os.write(fd, line)
        self._size += written
        if written < len(line):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._torn = self._faulty = False

    def _ready(self, more: int) -> int:
        """The file to write `more` bytes into: the one that is open, or a new one."""
        fd, limits = self._fd, self._settings
        if fd is None:
            return self._open()
        if os.fstat(fd).st_nlink == 0:  # somebody removed it: what is written there, nobody reads
            return self._open()
        is_full = self._size > 0 and self._size + more > limits.file_bytes
        if is_full or self._is_old:
            self._number += 1
            self._torn = False
            return self._open()
        return fd

    @property
    def _is_old(self) -> bool:
        return time.monotonic() - self._opened_s >= self._settings.file_age_s

    def _open(self) -> int:
        self.close()
        self._settings.folder.mkdir(parents=True, exist_ok=True)
        fd = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o640)
        self._fd = fd
        with contextlib.suppress(OSError):  # a file system without locks: its files go by age alone
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        self._size, self._opened_s = os.fstat(fd).st_size, time.monotonic()
        sweep(self._settings)
        return fd

    def _failed(self, error: OSError) -> None:
        was_faulty, self._faulty = self._faulty, True
        self._retry_s = time.monotonic() + _RETRY_S
        self.close()
        if not was_faulty:
            self._on_fault(f"{self.path}: {error.strerror or error}")


def sweep(limits: LogFileSettings) -> list[Path]:
    """Removes what is too old or too much, the oldest first, and says what went; never raises.

    A file that a process has open is left, whatever its age.
    """
    removed: list[Path] = []
    try:
        found = sorted(_found(limits.folder))
    except OSError:
        return removed
    total, oldest = sum(size for _, size, _ in found), time.time() - limits.keep_s
    for changed, size, path in found:
        if changed >= oldest and total <= limits.keep_bytes:
            break
        if not _is_open(path):
            with contextlib.suppress(OSError):
                path.unlink()
                removed.append(path)
                total -= size
    return removed


def _found(folder: Path) -> list[tuple[float, int, Path]]:
    """(last change in seconds since 1970, bytes, path) of each file."""
    found = []
    for entry in os.scandir(folder):
        if entry.name.endswith(SUFFIX):
            with contextlib.suppress(FileNotFoundError):  # another process sweeps too
                status = entry.stat()
                found.append((status.st_mtime, status.st_size, Path(entry.path)))
    return found


def _is_open(path: Path) -> bool:
    """Whether a process has it locked."""
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return False
    else:
        return False
    finally:
        os.close(fd)
