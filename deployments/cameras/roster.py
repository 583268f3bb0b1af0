"""Which actors run, and which of them owns its camera. Knows no Ray."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from cluster.camera.actor_names import actor_name, parse_actor_name
from cluster.safety.status import CameraReport
from deployments.cameras.camera_actors import ActorSilentError, CameraActors, CameraHandle, Place

_log = structlog.get_logger()
HEARTBEAT_S = 2.0
_ROUNDS_TO_DECIDE = 5
"""So often those who do not answer are asked again before one of several is taken to be the owner."""


async def heartbeat(handle: CameraHandle) -> CameraReport | None:
    """What an actor says of itself; None: it does not answer."""
    try:
        return await handle.report(HEARTBEAT_S)
    except ActorSilentError:
        return None


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of several actors of a camera. `report` None: it does not answer."""

    name: str
    report: CameraReport | None

    @property
    def number(self) -> int:
        parsed = parse_actor_name(self.name)
        return parsed[1] if parsed else 0

    @property
    def works(self) -> bool:
        return self.report is not None and not self.report.standby and self.report.epoch > 0


def choose_owner(candidates: Sequence[Candidate], *, wait: bool) -> str | None:
    """Who goes on, of the actors that a supervisor finds when it starts; None: it cannot be known yet.

    Who works under the newest lease. If none is known to work and `wait`, who does not answer may be the one.
    Of those who only stand by, or are silent for good, the newest: it runs the newest code.
    """
    if works := [one for one in candidates if one.works and one.report is not None]:
        return max(works, key=lambda one: one.report.epoch if one.report else 0).name
    if wait and any(one.report is None for one in candidates):
        return None
    starting = [one for one in candidates if one.report is not None and not one.report.standby]
    return max(starting or candidates, key=lambda one: one.number).name if candidates else None


class Roster:
    """The actors of all cameras. Belongs to one event loop."""

    def __init__(self, actors: CameraActors) -> None:
        self._actors = actors
        self._running: dict[str, dict[str, CameraHandle]] = {}
        self._owners: dict[str, str] = {}
        self._undecided: dict[str, int] = {}
        # Nobody found is not yet nobody there.
        self._listed = False

    async def look(self) -> None:
        """Who runs."""
        try:
            found = await self._actors.running()
        except ActorSilentError as error:
            # Ray's control store is away; the actors themselves may well answer.
            _log.warning("actors_not_listed", reason=str(error))
            return
        self._listed, self._running = True, {}
        for name, handle in found.items():
            if (parsed := parse_actor_name(name)) is not None:
                self._running.setdefault(parsed[0], {})[name] = handle
        self._owners = {camera: name for camera, name in self._owners.items() if name in self.actors(camera)}

    def cameras(self) -> set[str]:
        return {camera_id for camera_id, actors in self._running.items() if actors}

    def actors(self, camera_id: str) -> Mapping[str, CameraHandle]:
        """By name."""
        return self._running.get(camera_id, {})

    def owner(self, camera_id: str) -> str:
        """The name of the actor that may watch; "": none, or it is not known yet."""
        return self._owners.get(camera_id, "")

    def give(self, camera_id: str, name: str) -> None:
        """From now on `name` owns the camera."""
        self._owners[camera_id] = name

    async def settle(self, camera_id: str) -> str:
        """The owner, which is chosen now if that can be; "": there is none.

        Raises:
            ActorSilentError: who runs could never be listed. An actor made now might be a second one, and what looks
                left behind in the next round the one that watches.
        """
        if name := self.owner(camera_id):
            return name
        if not self._listed:
            raise ActorSilentError("who runs is not known yet")
        actors = self.actors(camera_id)
        if len(actors) > 1:
            chosen = await self._choose(camera_id, actors)
        else:
            chosen = next(iter(actors), None)
        if chosen is not None:
            self._undecided.pop(camera_id, None)
            self.give(camera_id, chosen)
        return chosen or ""

    async def create(self, camera_id: str, name: str, place: Place) -> CameraHandle:
        handle = await self._actors.create(camera_id, name, place)
        self._running.setdefault(camera_id, {})[name] = handle
        _log.info("camera_actor_created", camera_id=camera_id, actor=name, node_id=place.node_id, host=place.host)
        return handle

    async def create_owner(self, camera_id: str, place: Place) -> CameraHandle:
        """The first actor of a camera that has none."""
        name = actor_name(camera_id)
        # It asks for its assignment at once.
        self.give(camera_id, name)
        return await self.create(camera_id, name, place)

    async def end(self, camera_id: str, name: str) -> None:
        """Its process, for good."""
        handle = self._running.get(camera_id, {}).pop(name, None)
        if self._owners.get(camera_id) == name:
            del self._owners[camera_id]
        try:
            if handle is not None:
                await handle.end()
        except ActorSilentError as error:
            _log.warning("camera_actor_end_failed", camera_id=camera_id, actor=name, reason=str(error))

    async def _choose(self, camera_id: str, actors: Mapping[str, CameraHandle]) -> str | None:
        reports = await asyncio.gather(*(heartbeat(handle) for handle in actors.values()))
        candidates = [Candidate(name, report) for name, report in zip(actors, reports, strict=True)]
        tries = self._undecided[camera_id] = self._undecided.get(camera_id, 0) + 1
        chosen = choose_owner(candidates, wait=tries <= _ROUNDS_TO_DECIDE)
        _log.warning("camera_has_several_actors", camera_id=camera_id, actors=sorted(actors), owner=chosen)
        return chosen
