"""Whether a process is the worker of one camera on this node. Knows no Ray."""

import os
from pathlib import Path

import psutil

TITLE = "ray::CameraActor"
"""How Ray calls the processes of camera actors, with the method that they work on behind it."""


def camera_worker(pid: int, camera_id: str, outboxes: Path | None, *, raylet: int | None = None) -> psutil.Process:
    """The process `pid`, if it is a camera actor's of this node and none of another camera's.

    It hangs, so it cannot be asked: its title says what it is, its parent (the raylet, as this process's own is) on
    which node, and its hold on a folder of `outboxes` which camera's. One that hangs before it opened its outbox
    holds none.

    Raises:
        ValueError: it is something else; killing it would harm somebody.
        psutil.Error: it has ended, or is not ours to look at.
    """
    process = psutil.Process(pid)
    title = " ".join(process.cmdline())
    if not title.startswith(TITLE):
        raise ValueError(f"process {pid} is no camera actor but {title[:60]!r}")
    if process.ppid() != (os.getppid() if raylet is None else raylet):
        raise ValueError(f"process {pid} belongs to another node of this machine")
    held = _held(process, outboxes)
    if held - {camera_id}:
        raise ValueError(f"process {pid} is that of camera {', '.join(sorted(held))}")
    return process


def _held(process: psutil.Process, outboxes: Path | None) -> set[str]:
    """Ids of the cameras whose outbox the process has open."""
    if outboxes is None:
        return set()
    root = outboxes.resolve()
    files = [Path(file.path) for file in process.open_files()]
    return {file.parent.name for file in files if file.name == "lock" and file.parent.parent == root}
