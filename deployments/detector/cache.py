"""The lock that keeps two replicas from making or fetching the same thing together."""

import fcntl
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cluster.safety.errors import WeightsError
from cluster.settings.base import CACHE_VARIABLE

_POLL_S = 0.2


@contextmanager
def locked(path: Path, *, timeout_s: float) -> Iterator[None]:
    """Hold the lock of `path` (a file beside it) across processes and threads.

    The kernel lets go of the lock when its holder dies, so a file left behind blocks nobody. The file stays:
    removing it would let two processes hold locks on two files of one name.

    Raises:
        WeightsError: somebody else held it for `timeout_s`, or the folder cannot be written.
    """
    file = path.with_name(f".{path.name}.lock")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
    except OSError as error:
        raise WeightsError(f"{file.parent}: {error.strerror}", f"make it writable or set {CACHE_VARIABLE}") from error
    try:
        _acquire(handle, file, timeout_s)
        yield
    finally:
        os.close(handle)


def _acquire(handle: int, file: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise WeightsError(
                    f"{file}: another process has held this lock for {timeout_s:.0f} s", "look what it is doing"
                ) from None
        else:
            return
        threading.Event().wait(_POLL_S)  # flock has no time-out of its own
