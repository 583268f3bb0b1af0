"""The supervisor's side of the nodes' agents."""

import asyncio
from pathlib import Path

import pytest

from cluster.camera.places import CameraPlace, NodeReport, Places, Waiting
from cluster.settings.site import SiteSettings
from deployments.cameras.camera_actors import ActorSilentError
from deployments.cameras.node_agents import HUNG_AFTER_ROUNDS, NodeAgents

PLACES = Places({"gate-1": CameraPlace("node-b", 9)}, complete=True)


class FakeAgent:
    def __init__(self, actors: "FakeActors", node_id: str, release: str) -> None:
        self.actors, self.node_id, self.release = actors, node_id, release
        self.heard: list[Places] = []
        self.killed: list[tuple[int, str]] = []

    async def tend(self, site: SiteSettings, places: Places, timeout_s: float) -> NodeReport:
        if self.node_id in self.actors.silent:
            raise ActorSilentError("no answer")
        if self.actors.slow is not None:
            await self.actors.slow.wait()
        self.heard.append(places)
        return NodeReport(self.node_id, self.release, 1, self.actors.waiting)

    async def end_process(self, pid: int, camera_id: str, timeout_s: float) -> bool:
        self.killed.append((pid, camera_id))
        return True

    async def end(self) -> None:
        self.actors.ended.append((self.node_id, self.release))


class FakeActors:
    def __init__(self) -> None:
        self.made: list[FakeAgent] = []
        self.ended: list[tuple[str, str]] = []
        self.silent: set[str] = set()
        self.slow: asyncio.Event | None = None
        self.waiting: tuple[Waiting, ...] = ()
        self.release = "1"

    async def of(self, node_id: str) -> FakeAgent:
        if node_id == "unreachable":
            raise ActorSilentError("Ray's control store does not answer")
        self.made.append(FakeAgent(self, node_id, self.release))
        return self.made[-1]


@pytest.fixture
def site(tmp_path: Path) -> SiteSettings:
    return SiteSettings(name="test", data_dir=tmp_path)


@pytest.fixture
def actors() -> FakeActors:
    return FakeActors()


async def rounds(agents: NodeAgents, site: SiteSettings, nodes: list[str], count: int = 1) -> None:
    for _ in range(count):
        agents.tend(site, nodes, PLACES)
        assert agents._task is not None
        await asyncio.wait_for(agents._task, 10)


def test_every_node_has_one_agent_that_knows_where_the_cameras_are(actors: FakeActors, site: SiteSettings) -> None:
    actors.waiting = (Waiting("gate-1", 3, 1, "the database is away"),)
    agents = NodeAgents(actors, "1")

    asyncio.run(rounds(agents, site, ["node-a", "node-b"], 2))

    assert sorted(agent.node_id for agent in actors.made) == ["node-a", "node-b"]
    assert all(agent.heard == [PLACES, PLACES] for agent in actors.made)
    assert agents.waiting()[0] == "3 events and 1 pictures of camera gate-1 wait on node node-a: the database is away"


def test_one_node_that_does_not_answer_is_not_the_others_trouble(actors: FakeActors, site: SiteSettings) -> None:
    actors.silent = {"node-a"}
    agents = NodeAgents(actors, "1")

    asyncio.run(rounds(agents, site, ["node-a", "node-b", "unreachable"], 3))

    assert [(agent.node_id, len(agent.heard)) for agent in actors.made if agent.heard] == [("node-b", 3)]
    assert agents.holding(["node-b"]) == set()


def test_an_agent_that_hangs_is_ended_once_and_another_is_made(actors: FakeActors, site: SiteSettings) -> None:
    actors.silent = {"node-a"}
    agents = NodeAgents(actors, "1")

    asyncio.run(rounds(agents, site, ["node-a", "unreachable"], HUNG_AFTER_ROUNDS - 1))
    assert actors.ended == []
    asyncio.run(rounds(agents, site, ["node-a", "unreachable"], 2))

    assert actors.ended == [("node-a", "1")]


def test_the_agent_of_a_node_that_is_gone_is_forgotten(actors: FakeActors, site: SiteSettings) -> None:
    agents = NodeAgents(actors, "1")

    async def lose_a_node() -> None:
        await rounds(agents, site, ["node-a", "node-b"])
        await rounds(agents, site, ["node-b"])

    asyncio.run(lose_a_node())

    assert actors.ended == [("node-a", "1")]
    assert (agents.holding(["node-b"]), agents.holding(["node-a"])) == (set(), None)


def test_what_a_node_said_before_it_fell_silent_and_was_lost_is_forgotten(
    actors: FakeActors, site: SiteSettings
) -> None:
    actors.waiting = (Waiting("gate-1", 3, 1, "the database is away"),)
    agents = NodeAgents(actors, "1")

    async def lose_a_node() -> None:
        await rounds(agents, site, ["node-a"])
        actors.silent = {"node-a"}
        await rounds(agents, site, ["node-a"])
        assert agents.waiting() != [], "it may only be slow"
        await rounds(agents, site, ["node-b"])

    asyncio.run(lose_a_node())

    assert {line.split(" wait on node ")[1][:6] for line in agents.waiting()} == {"node-b"}


def test_an_agent_of_another_release_is_replaced(actors: FakeActors, site: SiteSettings) -> None:
    agents = NodeAgents(actors, "2")

    async def roll() -> None:
        await rounds(agents, site, ["node-a"])
        actors.release = "2"
        await rounds(agents, site, ["node-a"], 2)

    asyncio.run(roll())

    assert actors.ended == [("node-a", "1")]
    assert [agent.release for agent in actors.made] == ["1", "2"]


def test_a_slow_agent_holds_up_nobody_and_hears_the_newest_word_next(actors: FakeActors, site: SiteSettings) -> None:
    agents = NodeAgents(actors, "1")
    newest = Places({}, complete=True)

    async def hurry() -> None:
        actors.slow = asyncio.Event()
        agents.tend(site, ["node-a"], PLACES)
        for _ in range(5):
            await asyncio.sleep(0)
        agents.tend(site, ["node-a"], Places())
        agents.tend(site, ["node-a"], newest)
        actors.slow.set()
        assert agents._task is not None
        await asyncio.wait_for(agents._task, 10)

    asyncio.run(hurry())

    assert [agent.heard for agent in actors.made] == [[PLACES, newest]]


def test_a_hung_process_is_ended_by_the_agent_of_its_node(actors: FakeActors, site: SiteSettings) -> None:
    agents = NodeAgents(actors, "1")

    async def end() -> None:
        await agents.end_process("node-a", 77, "gate-1")
        await agents.end_process("unreachable", 78, "gate-1")

    asyncio.run(end())

    assert [(agent.node_id, agent.killed) for agent in actors.made] == [("node-a", [(77, "gate-1")])]


def test_what_waits_is_known_only_when_the_agents_of_all_nodes_have_spoken(
    actors: FakeActors, site: SiteSettings
) -> None:
    actors.waiting = (Waiting("gate-1", 3, 1, "the database is away"),)
    agents = NodeAgents(actors, "1")
    assert agents.holding([]) is None

    asyncio.run(rounds(agents, site, ["node-a"]))
    assert agents.holding(["node-a"]) == {"gate-1"}
    assert agents.holding(["node-a", "node-b"]) is None

    actors.silent = {"node-a"}
    asyncio.run(rounds(agents, site, ["node-a"]))
    assert agents.holding(["node-a"]) is None
