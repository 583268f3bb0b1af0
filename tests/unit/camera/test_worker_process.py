"""Which process may be killed as that of a hung camera."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from cluster.camera.worker_process import TITLE, camera_worker

_HOLD = "import sys; files = [open(name, 'a') for name in sys.argv[1:]]; print('ready', flush=True); sys.stdin.read()"


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., int]]:
    """start(title, "gate-1"): a process with this title that has the outbox of gate-1 open; its pid."""
    processes: list[subprocess.Popen[str]] = []

    def make(title: str, *cameras: str) -> int:
        locks = [tmp_path / camera_id / "lock" for camera_id in cameras]
        for lock in locks:
            lock.parent.mkdir(exist_ok=True)
        process = subprocess.Popen(
            [title, "-c", _HOLD, *map(str, locks)],
            executable=sys.executable,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        processes.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        return process.pid

    yield make
    for process in processes:
        process.communicate(timeout=60)


@pytest.mark.parametrize("title", [TITLE, f"{TITLE}.report"])
@pytest.mark.parametrize("cameras", [(), ("gate-1",)])
def test_the_process_of_the_camera_is_found(start: Any, tmp_path: Path, title: str, cameras: tuple[str, ...]) -> None:
    pid = start(title, *cameras)

    assert camera_worker(pid, "gate-1", tmp_path, raylet=os.getpid()).pid == pid
    assert camera_worker(pid, "gate-1", None, raylet=os.getpid()).pid == pid


@pytest.mark.parametrize(
    ("title", "cameras", "raylet", "reason"),
    [
        (
            "ray::ServeReplica:detector:Detector",
            (),
            None,
            "is no camera actor but 'ray::ServeReplica:detector:Detector",
        ),
        ("postgres", (), None, "is no camera actor"),
        (TITLE, ("dock-1",), None, "is that of camera dock-1"),
        (TITLE, ("gate-1",), 1, "belongs to another node"),
    ],
)
def test_anything_else_is_refused(
    start: Any, tmp_path: Path, title: str, cameras: tuple[str, ...], raylet: int | None, reason: str
) -> None:
    pid = start(title, *cameras)

    with pytest.raises(ValueError, match=reason):
        camera_worker(pid, "gate-1", tmp_path, raylet=raylet or os.getpid())
