"""The agent of a node, while Ray's head does not say where the Recorder is."""

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from counterparts.left_outboxes import LeasingRecorder
from counterparts.waiting import PATIENCE_S

from cluster.camera import node_agent
from cluster.camera.node_agent import NodeAgent
from cluster.camera.outbox_drain import OutboxDrain
from cluster.camera.places import Places
from cluster.safety.errors import DatabaseUnavailable
from cluster.settings.site import SiteSettings

_NO_PROCESS = 2**31 - 1


class IdleDrain(OutboxDrain):
    def run(self) -> None:
        """Nothing lies there."""


class IdleReadings:
    def __init__(self, *_: object) -> None: ...

    def run(self) -> None:
        """No GPU is asked, no process counted."""


class Head:
    """Is asked for the Recorder, and answers when it is told to."""

    def __init__(self) -> None:
        self.asked, self.answers = threading.Event(), threading.Event()

    def recorder(self) -> LeasingRecorder:
        self.asked.set()
        assert self.answers.wait(PATIENCE_S)
        return LeasingRecorder()


@pytest.fixture
def head(monkeypatch: pytest.MonkeyPatch) -> Iterator[Head]:
    head = Head()
    context = SimpleNamespace(get_node_id=lambda: "node-a", get_node_labels=dict)
    ray = SimpleNamespace(get_runtime_context=lambda: context, util=SimpleNamespace(get_node_ip_address=str))
    monkeypatch.setattr(node_agent, "ray", ray)
    monkeypatch.setattr(node_agent, "NodeReadings", IdleReadings)
    monkeypatch.setattr(node_agent, "configure_logs", lambda *_, **__: None)
    monkeypatch.setattr(node_agent, "ServeRecorder", head.recorder)
    monkeypatch.setattr(node_agent, "OutboxDrain", IdleDrain)
    yield head
    head.answers.set()


def test_hung_processes_can_be_ended_while_the_head_does_not_answer(head: Head, tmp_path: Path) -> None:
    async def tend_and_end() -> tuple[bool, bool, str]:
        agent = NodeAgent("r1")
        tending = asyncio.create_task(agent.tend(SiteSettings(name="test", data_dir=tmp_path), Places()))
        assert await asyncio.to_thread(head.asked.wait, PATIENCE_S)
        ended, waits = await agent.end_process(_NO_PROCESS, "gate-1"), not tending.done()
        head.answers.set()
        return ended, waits, (await tending).node_id

    assert asyncio.run(tend_and_end()) == (False, True, "node-a")


def test_calls_do_not_pile_up_behind_a_head_that_does_not_answer(
    head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(node_agent, "_CONNECTS_WITHIN_S", 0.01)
    site = SiteSettings(name="test", data_dir=tmp_path)

    async def tend_again_and_again() -> tuple[list[Any], bool, str]:
        agent = NodeAgent("r1")
        tending = asyncio.create_task(agent.tend(site, Places()))
        assert await asyncio.to_thread(head.asked.wait, PATIENCE_S)
        later = [asyncio.create_task(agent.tend(site, Places())) for _ in range(3)]
        done, waiting = await asyncio.wait(later, timeout=PATIENCE_S / 4)
        hangs = not tending.done() and not waiting
        head.answers.set()
        return [type(one.exception()) for one in done], hangs, (await tending).node_id

    assert asyncio.run(tend_again_and_again()) == ([DatabaseUnavailable] * 3, True, "node-a")


def test_a_head_that_comes_back_is_asked_again(head: Head, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = iter([OSError("the head is gone")])

    def recorder() -> LeasingRecorder:
        for error in answers:
            raise error
        return LeasingRecorder()

    monkeypatch.setattr(node_agent, "ServeRecorder", recorder)

    async def tend_twice() -> str:
        agent = NodeAgent("r1")
        with pytest.raises(OSError, match="the head is gone"):
            await agent.tend(SiteSettings(name="test", data_dir=tmp_path), Places())
        return (await agent.tend(SiteSettings(name="test", data_dir=tmp_path), Places())).node_id

    assert asyncio.run(tend_twice()) == "node-a"
