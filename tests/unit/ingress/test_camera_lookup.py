"""The actor of a camera is found again after a handover, and no dead one is asked for ever."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from deployments.ingress.camera_lookup import CameraLookup
from deployments.ingress.services import Unreachable


class DeadError(Exception):
    pass


class Cluster:
    """Actors that answer with their name, and the supervisor that knows who owns the camera."""

    def __init__(self) -> None:
        self.owner: str | None = "camera:a"
        self.alive = {"camera:a"}
        self.asked = 0
        self.lookup = CameraLookup(self.name_of, lambda name: name, (DeadError,), 0.0)

    async def name_of(self, camera_id: str) -> str:
        self.asked += 1
        if self.owner is None:
            raise Unreachable("CameraSupervisor", "no answer in time")
        return self.owner

    async def question(self, actor: Any) -> str:
        if actor not in self.alive:
            raise DeadError(actor)
        return f"picture of {actor}"

    def ask(self) -> str:
        return asyncio.run(self.lookup.ask("a", self.question))


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_the_supervisor_is_asked_once(cluster: Cluster) -> None:
    assert [cluster.ask(), cluster.ask()] == ["picture of camera:a"] * 2
    assert cluster.asked == 1


def test_a_question_survives_a_handover(cluster: Cluster) -> None:
    cluster.ask()
    cluster.owner, cluster.alive = "camera:a~1", {"camera:a~1"}

    assert cluster.ask() == "picture of camera:a~1"


def test_an_answer_of_the_supervisor_that_is_remembered_from_before_is_asked_again(cluster: Cluster) -> None:
    cluster.ask()
    cluster.alive = {"camera:a~1"}
    name_of: Callable[[str], Any] = cluster.name_of

    async def late(camera_id: str) -> str:
        said: str = await name_of(camera_id)
        cluster.owner = "camera:a~1"
        return said

    cluster.lookup._name_of = late

    assert cluster.ask() == "picture of camera:a~1"


def test_a_dead_actor_without_a_follower_is_said_and_found_again_when_it_lives(cluster: Cluster) -> None:
    cluster.ask()
    cluster.alive = set()
    with pytest.raises(DeadError):
        cluster.ask()

    cluster.alive = {"camera:a"}
    assert cluster.ask() == "picture of camera:a"


def test_pictures_go_on_while_the_supervisor_is_away(cluster: Cluster) -> None:
    cluster.owner = None
    assert cluster.ask() == "picture of camera:a"


def test_a_camera_that_the_supervisor_does_not_know_is_looked_for_under_its_first_name(cluster: Cluster) -> None:
    cluster.owner = ""
    assert cluster.ask() == "picture of camera:a"
