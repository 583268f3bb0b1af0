"""What this checkout remembers of the Ray that it started: `.safe-yolo/ray.json`."""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from cluster.operation.process_tree import is_ray, is_same, members, was_given_away
from cluster.safety.errors import MachineUnfit
from cluster.settings.base import project_path


@dataclass(frozen=True, slots=True)
class RayState:
    """The Ray that `up` started. `page` is "" until the site was deployed on it."""

    pid: int
    created: float
    """When the process started, in seconds of wall time: tells it from a later one with the same id."""
    address: str
    dashboard: str
    run_dir: str
    page: str = ""
    config: str = ""
    logs: str = ""
    """The folder of the log files of our processes on this node."""

    @property
    def runs(self) -> bool:
        return is_same(self.pid, self.created)

    @property
    def left_over(self) -> bool:
        """Whether its first process has ended and others of its session live on: two agents always do."""
        if self.runs or was_given_away(self.pid, self.created):
            return False
        return any(is_ray(process) for process in members(self.pid))


def state_dir() -> Path:
    """The folder of this checkout's state. `SAFE_YOLO_STATE_DIR` gives each test its own."""
    return Path(os.environ.get("SAFE_YOLO_STATE_DIR") or project_path(".safe-yolo"))


def load() -> RayState | None:
    """The Ray that runs, or None: never started, ended, or the file cannot be read."""
    state = last()
    return state if state is not None and state.runs else None


def last() -> RayState | None:
    """The Ray that was started last, whether it runs or not."""
    try:
        return RayState(**json.loads(_file().read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def save(state: RayState) -> None:
    """Replace the file in one step, so that no reader sees half of it."""
    file = _file()
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(asdict(state), indent=2), encoding="utf-8")
    fresh.replace(file)


def forget() -> None:
    _file().unlink(missing_ok=True)


@contextmanager
def only_one() -> Iterator[None]:
    """Hold the lock under which Ray is started and stopped.

    Raises:
        MachineUnfit: another `safe-yolo` holds it.
    """
    folder = state_dir()
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "operation.lock").open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise MachineUnfit("another safe-yolo starts or stops this site", "wait until it has ended") from error
        yield


def _file() -> Path:
    return state_dir() / "ray.json"
