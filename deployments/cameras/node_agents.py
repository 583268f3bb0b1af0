"""Tells the agents of all nodes where the cameras are, and what they say. Knows no Ray."""

import asyncio
from collections.abc import Collection
from typing import Protocol

import structlog

from cluster.camera.places import NodeReport, Places
from cluster.settings.site import SiteSettings
from deployments.cameras.camera_actors import ActorSilentError

_log = structlog.get_logger()
_ANSWER_S = 3.0
_KILL_S = 5.0
_SAID_AGAIN_ROUNDS = 30
HUNG_AFTER_ROUNDS = 30
"""A minute and a half at least, in which it was found and did not answer; one that is being made needs some seconds."""
_NODE_TEXT = 8


class AgentHandle(Protocol):
    """The agent of one node; every call has a deadline and raises `ActorSilentError`."""

    async def tend(self, site: SiteSettings, places: Places, timeout_s: float) -> NodeReport: ...
    async def end_process(self, pid: int, camera_id: str, timeout_s: float) -> bool: ...
    async def end(self) -> None: ...


class AgentActors(Protocol):
    """Finds the agent of a node, or makes it. Raises `ActorSilentError`."""

    async def of(self, node_id: str) -> AgentHandle: ...


class NodeAgents:
    """`tend` returns at once: the agents are spoken to in a task of its own, one round after the other.

    All of it belongs to one event loop.
    """

    def __init__(self, actors: AgentActors, release: str) -> None:
        self._actors, self._release = actors, release
        self._agents: dict[str, AgentHandle] = {}
        self._reports: dict[str, NodeReport] = {}
        self._silent: dict[str, int] = {}
        self._unanswered: dict[str, int] = {}
        self._order: tuple[SiteSettings, frozenset[str], Places] | None = None
        self._task: asyncio.Task[None] | None = None

    def tend(self, site: SiteSettings, nodes: Collection[str], places: Places) -> None:
        """Where the cameras are now, for the agents of the nodes that live; the newest word counts."""
        self._order = (site, frozenset(nodes), places)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._speak())

    def waiting(self) -> list[str]:
        """What lies on disks of nodes where its camera is not any more, one line a camera."""
        return [
            f"{one.events} events and {one.pictures} pictures of camera {one.camera_id} wait on node "
            f"{node_id[:_NODE_TEXT]}: {one.reason or 'they are being sent'}"
            for node_id, report in sorted(self._reports.items())
            for one in report.waiting
        ]

    def holding(self, nodes: Collection[str]) -> set[str] | None:
        """The cameras of which something waits on one of `nodes`; None: not all of their agents have spoken."""
        if not nodes or any(node_id not in self._reports or node_id in self._silent for node_id in nodes):
            return None
        return {one.camera_id for node_id in nodes for one in self._reports[node_id].waiting}

    async def end_process(self, node_id: str, pid: int, camera_id: str) -> None:
        """Has a process that hangs killed on its node, after a look that it is the camera's. Raises nothing."""
        try:
            agent = await self._agent(node_id)
            ended = await agent.end_process(pid, camera_id, _KILL_S)
        except ActorSilentError as error:
            _log.warning("process_not_ended", camera_id=camera_id, node_id=node_id, pid=pid, reason=str(error))
        else:
            _log.info("process_ended", camera_id=camera_id, node_id=node_id, pid=pid, ended=ended)

    async def _speak(self) -> None:
        """Until nothing newer has been said."""
        while (order := self._order) is not None:
            self._order = None
            site, nodes, places = order
            # One that fell silent first has no agent any more, only a last word, which must not stand for ever.
            for gone in {*self._agents, *self._reports, *self._silent} - nodes:
                await self._drop(gone)
            told = await asyncio.gather(
                *(self._tell(node_id, site, places) for node_id in nodes), return_exceptions=True
            )
            for fault in told:
                if isinstance(fault, BaseException):
                    _log.error("node_not_tended", reason=f"{type(fault).__name__}: {fault}", exc_info=fault)

    async def _tell(self, node_id: str, site: SiteSettings, places: Places) -> None:
        try:
            agent = await self._agent(node_id)
        except ActorSilentError as error:  # the control store: says nothing about the agent
            self._heard_nothing(node_id, str(error))
            return
        try:
            report = await agent.tend(site, places, _ANSWER_S)
        except ActorSilentError as error:
            self._heard_nothing(node_id, str(error))
            await self._bear(node_id, agent, str(error))
            return
        self._silent.pop(node_id, None)
        self._unanswered.pop(node_id, None)
        self._reports[node_id] = report
        if report.release != self._release:
            # It holds nothing: the next round makes one of this release.
            _log.info("node_agent_replaced", node_id=node_id, before=report.release, release=self._release)
            await self._drop(node_id)

    def _heard_nothing(self, node_id: str, reason: str) -> None:
        self._agents.pop(node_id, None)  # it may have ended for good: the next round finds or makes one
        rounds = self._silent[node_id] = self._silent.get(node_id, 0) + 1
        if rounds % _SAID_AGAIN_ROUNDS == 2:  # one that has only just been made is not silent yet
            _log.warning("node_agent_silent", node_id=node_id, rounds=rounds, reason=reason)

    async def _bear(self, node_id: str, agent: AgentHandle, reason: str) -> None:
        """One that hangs is not found well again by waiting. It holds nothing: the next round makes another."""
        rounds = self._unanswered[node_id] = self._unanswered.get(node_id, 0) + 1
        if rounds >= HUNG_AFTER_ROUNDS:
            _log.error("node_agent_hangs", node_id=node_id, rounds=rounds, reason=reason)
            del self._unanswered[node_id]
            await _end(node_id, agent)

    async def _agent(self, node_id: str) -> AgentHandle:
        if node_id not in self._agents:
            self._agents[node_id] = await self._actors.of(node_id)
        return self._agents[node_id]

    async def _drop(self, node_id: str) -> None:
        agent = self._agents.pop(node_id, None)
        self._reports.pop(node_id, None)
        self._silent.pop(node_id, None)
        self._unanswered.pop(node_id, None)
        if agent is not None:
            await _end(node_id, agent)


async def _end(node_id: str, agent: AgentHandle) -> None:
    try:
        await agent.end()
    except ActorSilentError as error:
        _log.warning("node_agent_not_ended", node_id=node_id, reason=str(error))
