"""A configuration that reaches the supervisor past the command line, as `serve deploy` brings it."""

import asyncio
import copy
from collections.abc import Callable
from typing import Any

import pytest

from cluster.safety.errors import DatabaseUnavailable
from cluster.settings.cameras import CameraSettings
from deployments.cameras.epochs import Epochs
from deployments.cameras.supervisor import CameraSupervisor

ZONE = {"zone_id": "press", "polygon": [[0.1, 0.1], [0.9, 0.1], [0.9, 0.9]]}
GOOD: dict[str, Any] = {
    "cameras": [
        {"camera_id": "gate-1", "source": "rtsp://cam/1", "zones": [ZONE]},
        {"camera_id": "gate-2", "source": "rtsp://cam/2"},
    ]
}


def put(*path: Any) -> Callable[[dict[str, Any]], None]:
    """Puts the last of `path` where the others lead."""

    def edit(config: dict[str, Any]) -> None:
        place: Any = config
        for step in path[:-2]:
            place = place[step]
        place[path[-2]] = path[-1]

    return edit


def twice(config: dict[str, Any]) -> None:
    config["cameras"].append(config["cameras"][0])


@pytest.mark.parametrize(
    ("edit", "expected"),
    [
        (put("camras", []), "serve_config.yaml: user_config.camras: unknown key"),
        (put("cameras", "gate-1"), "serve_config.yaml: user_config.cameras = 'gate-1': "),
        (put("cameras", 0, "zonez", []), "serve_config.yaml: user_config.cameras[0].zonez: unknown key"),
        (put("cameras", 1, "camera_id", "Gate 2"), "serve_config.yaml: user_config.cameras[1].camera_id = 'Gate 2': "),
        (put("cameras", 1, "detect_fps", 0), "serve_config.yaml: user_config.cameras[1].detect_fps = 0: "),
        (put("cameras", 1, "detect_fps", 0.3), "degraded_after_s = 5: too short for detect_fps = 0.3"),
        (put("cameras", 1, "degraded_after_s", 0.3), "write 0.4 or more, or raise detect_fps"),
        (put("cameras", 0, "source", "rtsp://u:S3cret@cam/1"), "camera gate-1: source: holds a written-out password"),
        (put("cameras", 0, "zones", 0, "polygon", [[0, 0], [1, 1]]), "polygon: has 2 points"),
        (twice, "camera_id 'gate-1' stands twice"),
    ],
)
def test_a_wrong_configuration_is_refused_told_and_changes_nothing(
    supervisor: CameraSupervisor, edit: Callable[[dict[str, Any]], None], expected: str
) -> None:
    async def deploy() -> tuple[dict[str, Any], dict[str, Any], list[str]]:
        await supervisor.reconfigure(GOOD)
        before = supervisor._wanted()
        edit(wrong := copy.deepcopy(GOOD))
        await supervisor.reconfigure(wrong)
        return before, supervisor._wanted(), await supervisor.faults()

    before, after, faults = asyncio.run(deploy())

    assert sorted(before) == ["gate-1", "gate-2"]
    assert after == before
    assert len(faults) == 1
    assert expected in faults[0]
    assert "\n" not in faults[0]
    assert "S3cret" not in faults[0]


def test_a_good_configuration_after_a_wrong_one_is_taken_and_the_fault_is_over(supervisor: CameraSupervisor) -> None:
    async def deploy() -> None:
        await supervisor.reconfigure({"cameras": "none"})
        assert await supervisor.faults() != []
        await supervisor.reconfigure({"cameras": GOOD["cameras"][:1]})

    asyncio.run(deploy())

    assert asyncio.run(supervisor.faults()) == []
    assert list(supervisor._wanted()) == ["gate-1"]


def test_what_is_declared_is_said_with_its_revision_and_nothing_before_it_is_known(
    supervisor: CameraSupervisor,
) -> None:
    async def ask() -> tuple[Any, Any]:
        with pytest.raises(RuntimeError, match="no configuration"):
            await supervisor.declared("gate-1")
        await supervisor.reconfigure(GOOD)
        return await supervisor.declared("gate-1"), await supervisor.declared("dock-1")

    known, unknown = asyncio.run(ask())

    assert known is not None
    assert (known[0].camera_id, known[1]) == ("gate-1", supervisor._wanted()["gate-1"].revision)
    assert unknown is None


class NoDatabase:
    """Leases and open episodes, while the database is away."""

    async def take(self, camera_id: str, epoch: int) -> None:
        raise DatabaseUnavailable("database: away")

    async def of(self, camera: CameraSettings) -> tuple[dict[str, Any], ...] | None:
        return None


class NothingOpen(NoDatabase):
    async def of(self, camera: CameraSettings) -> tuple[dict[str, Any], ...] | None:
        return ()


@pytest.fixture
def owned(supervisor: CameraSupervisor) -> CameraSupervisor:
    """One whose fleet says that the first actor owns the camera."""
    supervisor._fleet = FakeFleet("camera:gate-1", "camera:other")  # type: ignore[assignment]
    supervisor._left_open = NoDatabase()  # type: ignore[assignment]
    supervisor._epochs = Epochs(NoDatabase())
    return supervisor


class FakeFleet:
    """Knows who owns what."""

    def __init__(self, *owners: str) -> None:
        self.owners, self.superseded = owners, ""

    def owns(self, camera_id: str, actor: str) -> bool:
        return actor in self.owners


@pytest.mark.parametrize(
    ("fleet", "actor", "assigned"),
    [
        (FakeFleet("camera:gate-1"), "camera:gate-1", True),
        (FakeFleet("camera:gate-1~1"), "camera:gate-1~1", True),
        (FakeFleet("camera:gate-1~1"), "camera:gate-1", False),
        (FakeFleet(), "camera:gate-1", False),
        (None, "camera:gate-1", False),
    ],
)
def test_only_the_owner_of_a_camera_gets_its_assignment(
    owned: CameraSupervisor, fleet: Any, actor: str, assigned: bool
) -> None:
    owned._fleet = fleet

    async def ask() -> Any:
        await owned.reconfigure(GOOD)
        return await owned.assignment("gate-1", actor)

    assert (asyncio.run(ask()) is not None) is assigned


def test_each_assignment_is_a_new_lease_also_while_the_database_is_away(owned: CameraSupervisor) -> None:
    async def ask() -> list[Any]:
        await owned.reconfigure(GOOD)
        return [await owned.assignment("gate-1", "camera:gate-1") for _ in range(3)]

    epochs = [assignment.epoch for assignment, _ in asyncio.run(ask())]

    assert epochs == sorted(set(epochs))


def test_a_camera_that_should_not_run_has_no_assignment(owned: CameraSupervisor) -> None:
    off = {"cameras": [{**GOOD["cameras"][0], "enabled": False}]}

    async def ask(camera_id: str) -> None:
        await owned.reconfigure(off)
        await owned.assignment(camera_id, f"camera:{camera_id}")

    for camera_id in ("gate-1", "other"):
        with pytest.raises(KeyError):
            asyncio.run(ask(camera_id))


def test_one_cameras_assignment_costs_one_camera(owned: CameraSupervisor) -> None:
    looked_at: list[str] = []

    class Counting:
        def over(self, desired: Any, now: Any) -> Any:
            looked_at.extend(desired)
            return desired

    owned._switches = Counting()  # type: ignore[assignment]

    async def ask() -> Any:
        await owned.reconfigure(GOOD)
        return await owned.assignment("gate-1", "camera:gate-1")

    assert asyncio.run(ask()) is not None
    assert set(looked_at) == {"gate-1"}


@pytest.mark.parametrize(("database", "known"), [(NoDatabase(), False), (NothingOpen(), True)])
def test_an_owner_is_told_whether_it_hears_of_all_that_is_open(
    owned: CameraSupervisor, database: NoDatabase, known: bool
) -> None:
    owned._left_open = database  # type: ignore[assignment]

    async def start() -> Any:
        await owned.reconfigure(GOOD)
        return await owned.assignment("gate-1", "camera:gate-1")

    assignment, _ = asyncio.run(start())

    assert (assignment.open_episodes, assignment.open_known) == ((), known)
