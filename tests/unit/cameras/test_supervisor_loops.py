"""The supervisor's own health, and what it does with what the Recorder answers."""

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from structlog.testing import capture_logs

from cluster.camera.places import CameraPlace, Places
from cluster.safety.errors import DatabaseUnavailable
from cluster.settings.site import DatabaseSettings
from deployments.cameras.pulse import Pulse
from deployments.cameras.supervisor import CameraSupervisor


def test_a_superseded_supervisor_fails_its_health_check(supervisor: CameraSupervisor) -> None:
    fleet: Any = SimpleNamespace(superseded="")
    supervisor._fleet = fleet
    asyncio.run(supervisor.check_health())

    fleet.superseded = "the supervisor of epoch 1 was followed by 2"
    with pytest.raises(RuntimeError, match="followed by 2"):
        asyncio.run(supervisor.check_health())


@pytest.mark.parametrize("loop", ["rounds", "database", "telling"])
def test_a_supervisor_whose_loop_hangs_fails_its_health_check(supervisor: CameraSupervisor, loop: str) -> None:
    now_s = 0.0
    pulse = supervisor._pulse = Pulse(lambda: now_s)
    for name in ("rounds", "database", "telling"):
        pulse.beat(name)

    now_s = 119.0
    asyncio.run(supervisor.check_health())
    for name in {"rounds", "database", "telling"} - {loop}:
        pulse.beat(name)
    now_s = 121.0
    with pytest.raises(RuntimeError, match=f"hangs: {loop} for 121 s"):
        asyncio.run(supervisor.check_health())


def test_every_loop_says_when_it_comes_round(supervisor: CameraSupervisor) -> None:
    class Loops(Pulse):
        def __init__(self) -> None:
            super().__init__(lambda: 0.0)
            self.seen: set[str] = set()
            self.all_seen = asyncio.Event()

        def beat(self, loop: str) -> None:
            self.seen.add(loop)
            if self.seen == {"rounds", "database", "telling"}:
                self.all_seen.set()

    async def away() -> bool:
        raise DatabaseUnavailable("away")

    supervisor._switches = SimpleNamespace(read=away)  # type: ignore[assignment]
    fleet: Any = SimpleNamespace(superseded="", hurries=False)

    async def live() -> None:
        loops = supervisor._pulse = Loops()
        term: Any = SimpleNamespace(check=None)
        supervisor._ask_database.set()
        tasks = [
            asyncio.create_task(loop)
            for loop in (supervisor._tend(fleet, term), supervisor._follow_database(fleet), supervisor._tell())
        ]
        try:
            await asyncio.wait_for(loops.all_seen.wait(), 30)
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    with capture_logs():
        asyncio.run(live())


def reading(supervisor: CameraSupervisor, *, holding: set[str], read: Any, look: Any) -> Any:
    """A fleet of three cameras on one node, gate-2 with a backlog; `read` stands for each read of the database."""
    cameras = {name: CameraPlace("node-a", 9) for name in ("gate-1", "gate-2", "gate-3")}
    supervisor._switches = SimpleNamespace(read=read, over=lambda desired, now: desired)  # type: ignore[assignment]
    supervisor._stored = SimpleNamespace(all=read)  # type: ignore[assignment]
    supervisor._left_open = SimpleNamespace(outages=read)  # type: ignore[assignment]
    supervisor._agents = SimpleNamespace(holding=lambda nodes: holding)  # type: ignore[assignment]
    supervisor._abandoned = SimpleNamespace(look=look)  # type: ignore[assignment]
    return SimpleNamespace(
        inherit=lambda outages: None,
        spoken_for=lambda: set(cameras),
        node_ids=lambda: ["node-a"],
        places=lambda: Places(cameras, complete=True),
        backlogged=lambda: {"gate-2"},
    )


def test_who_has_words_on_anothers_disk_is_no_owner_and_whose_own_words_wait_is_said(
    supervisor: CameraSupervisor,
) -> None:
    looks: list[Any] = []

    async def nothing() -> Any:
        return {}

    async def look(spoken_for: Any, owners: Any, backlogged: Any) -> None:
        looks.append((spoken_for, sorted(owners), backlogged))

    fleet = reading(supervisor, holding={"gate-3"}, read=nothing, look=look)

    asyncio.run(supervisor._read_database(fleet))

    assert looks == [({"gate-1", "gate-2", "gate-3"}, ["gate-1", "gate-2"], {"gate-2"})]


def test_a_database_that_takes_its_whole_time_for_every_read_is_no_loop_that_hangs(
    supervisor: CameraSupervisor,
) -> None:
    now_s = 0.0
    supervisor._pulse = Pulse(lambda: now_s)
    supervisor._pulse.beat("database")
    healthy: list[str] = []

    async def slow(*_: Any) -> Any:
        nonlocal now_s
        now_s += DatabaseSettings(timeout_s=60).timeout_s
        healthy.append(supervisor._pulse.stuck())
        return {}

    fleet = reading(supervisor, holding=set(), read=slow, look=slow)

    asyncio.run(supervisor._read_database(fleet))

    assert healthy == ["", "", "", ""]
