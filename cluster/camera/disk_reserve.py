"""Disk that is set aside while there is some, so that a CRITICAL event fits when there is none."""

import contextlib
import os
from pathlib import Path

import structlog

_log = structlog.get_logger()
_CHUNK_BYTES = 1024 * 1024


class DiskReserve:
    """A file of `size_bytes` that is really written. Belongs to one outbox, under its lock."""

    def __init__(self, path: Path, size_bytes: int) -> None:
        self._path, self._size = path, size_bytes
        self.held = size_bytes == 0 or self._is_whole()

    def take(self) -> bool:
        """Sets it aside if the disk has room; False: not now."""
        if self.held:
            return True
        try:
            if self._free_bytes() < 2 * self._size:
                # As much again must stay free, or the next event would give the reserve up at once.
                return False
            self._write()
            self.held = True
        except OSError as error:
            self.release()
            _log.warning("outbox_reserve_not_taken", file=str(self._path), reason=str(error))
            return False
        _log.info("outbox_reserve_taken", file=str(self._path), bytes=self._size)
        return True

    def release(self) -> bool:
        """Gives it up; False: there was nothing to give."""
        self.held = self._size == 0
        try:
            self._path.unlink()
        except OSError:
            return False
        return self._size > 0

    def _is_whole(self) -> bool:
        """Whether a former owner left all of it, in blocks and not only in length."""
        try:
            status = self._path.stat()
        except OSError:
            return False
        return status.st_size == self._size and status.st_blocks * 512 >= self._size

    def _free_bytes(self) -> int:
        disk = os.statvfs(self._path.parent)
        return disk.f_bavail * disk.f_frsize

    def _write(self) -> None:
        # Random bytes: a file system that compresses would keep nothing of zeros.
        chunk = os.urandom(min(_CHUNK_BYTES, self._size))
        with contextlib.suppress(FileNotFoundError):
            self._path.unlink()
        with self._path.open("wb") as file:
            left = self._size
            while left > 0:
                left -= file.write(chunk[:left])
            file.flush()
            os.fsync(file.fileno())
