"""The agent of a node on a real Ray: a real Recorder behind a handle, and a real camera actor that hangs."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from counterparts.events import safety_event
from counterparts.waiting import wait_for
from ray import serve
from ray.serve.config import ProxyLocation
from ray.serve.schema import LoggingConfig

from cluster.camera.outbox import Outbox
from cluster.camera.outbox_drain import MOVED
from cluster.camera.places import CameraPlace, Places
from cluster.safety.events import EpisodeState, SafetyEvent
from cluster.safety.left_open import from_event
from cluster.settings.load import load_site
from cluster.settings.site import SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.events import EventStore
from cluster.storage.schema import migrate
from deployments.cameras.ray_agents import RayAgent, RayAgents
from deployments.cameras.recorder import Recorder

PATIENCE_S = 120.0


@dataclass
class Node:
    """One node of Ray with the application `cameras`, of which there is only the Recorder."""

    site: SiteSettings
    node_id: str

    async def agent(self, release: str = "1") -> RayAgent:
        return await RayAgents(release).of(self.node_id)

    async def row(self, event_id: str) -> SafetyEvent | None:
        engine = create_engine(self.site)
        try:
            stored = await EventStore(engine).get(event_id)
        finally:
            await engine.dispose()
        return stored.event if stored is not None else None


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    folder = Path(tempfile.mkdtemp(prefix="sy-na-", dir="/tmp"))  # a short path: sockets lie in it
    (folder / "site.yaml").write_text(f"name: test\ndata_dir: {folder}/data\n")
    site = load_site(folder / "site.yaml")
    migrate(site)
    ray.init(
        "local", num_cpus=2, include_dashboard=False, log_to_driver=False, namespace="safe-yolo-test",
        _temp_dir=str(folder / "ray"),
    )  # fmt: skip
    try:
        serve.start(proxy_location=ProxyLocation.Disabled, logging_config=LoggingConfig(enable_access_log=False))
        recorder = serve.deployment(Recorder, name="Recorder", ray_actor_options={"num_cpus": 0})
        serve.run(recorder.bind(str(folder / "site.yaml")), name="cameras", route_prefix=None)
        yield Node(site, ray.get_runtime_context().get_node_id())
    finally:
        serve.shutdown()
        ray.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def leave_behind(site: SiteSettings) -> Path:
    """The outbox of a camera whose process is gone, with one intrusion that is open and was never sent."""
    event = safety_event(1, epoch=3)
    folder = site.data_dir / "outbox" / "gate-1"
    outbox = Outbox(folder, site.outbox, "gate-1")
    outbox.accept([event], None, [from_event(event).to_dict()])
    outbox.close()
    return folder


def test_what_a_camera_left_on_its_old_node_is_delivered_and_ended(node: Node) -> None:
    folder = leave_behind(node.site)
    places = Places({"gate-1": CameraPlace("another-node", 9)}, complete=True)

    async def tell() -> str:
        agent = await node.agent()
        report = await agent.tend(node.site, places, PATIENCE_S)
        assert (report.node_id, report.release) == (node.node_id, "1")
        same = await (await node.agent("2")).tend(node.site, places, PATIENCE_S)
        assert same.pid == report.pid, "one a node, whoever asks"
        return report.node_id

    asyncio.run(tell())
    wait_for("the folder to be drained and removed", lambda: not folder.exists(), PATIENCE_S)

    row = asyncio.run(node.row("event-1"))
    assert row is not None
    assert (row.state, row.revision, row.epoch, row.detail["reason"]) == (EpisodeState.CLOSED, 2, 8, MOVED)


def test_a_camera_process_that_hangs_is_ended_and_nothing_else(node: Node) -> None:
    from cluster.camera.actor import CameraActor

    name = "camera:hung-1"
    actor: Any = ray.remote(num_cpus=0, max_restarts=-1)(CameraActor).options(name=name, namespace="cameras")
    camera = actor.remote("hung-1")
    pid = ray.get(camera.report.remote(), timeout=PATIENCE_S).pid
    os.kill(pid, signal.SIGSTOP)
    process = psutil.Process(pid)

    async def end() -> list[bool]:
        agent = await node.agent()
        own = (await agent.tend(node.site, Places(), PATIENCE_S)).pid
        others = [await agent.end_process(other, "hung-1", PATIENCE_S) for other in (own, os.getpid(), 1)]
        return [*others, await agent.end_process(pid, "hung-1", PATIENCE_S)]

    try:
        assert asyncio.run(end()) == [False, False, False, True]
        wait_for("its end", lambda: not process.is_running() or process.status() == psutil.STATUS_ZOMBIE, PATIENCE_S)
        assert wait_for("another process", lambda: _pid(camera), PATIENCE_S) != pid, "Ray starts it anew"
    finally:
        ray.kill(camera)


def _pid(camera: Any) -> int | None:
    try:
        return int(ray.get(camera.report.remote(), timeout=10).pid)
    except (ray.exceptions.RayError, TimeoutError):
        return None
