"""A camera that is made through the API: it runs, its zones change while it watches, and it goes again."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime
from typing import Any, TypeVar

import pytest
from counterparts.changed_cameras import FakeTrial
from counterparts.ray_nodes import wait_for
from counterparts.simulated_site import AT_THE_PRESS, walk
from counterparts.waiting import PATIENCE_S

from cluster.safety.dry_run import DryRun
from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings
from cluster.settings.load import load_site
from cluster.settings.site import ApiCameraSettings
from cluster.storage.cameras import CameraStore
from cluster.storage.engine import create_engine
from cluster.storage.messages import MessageStore
from cluster.storage.overrides import OverrideStore
from deployments.ingress.camera_editing import CameraEditing
from deployments.ingress.camera_setup import CameraSetup
from deployments.ingress.cluster_directory import ServeCameras
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem

pytestmark = pytest.mark.timeout(300)
Answer = TypeVar("Answer")
PUMP = "pump-1"
PICTURES = 20
"""So many show how far the camera is behind at the least; a lost frame is ever after missing."""
PRESS = Zone("press", ((0.05, 0.2), (0.42, 0.2), (0.42, 1.0), (0.05, 1.0)))


class Editor:
    """What an ingress replica has of it, on the real supervisor, camera and database."""

    def __init__(self, site: Any) -> None:
        self._site = load_site(site.nodes.folder / "site.yaml")
        self.cameras = ServeCameras()

    def do(self, work: Callable[[CameraEditing], Awaitable[Answer]]) -> Answer:
        async def on_an_engine() -> Answer:
            engine = create_engine(self._site)
            stores = (CameraStore(engine), OverrideStore(engine), MessageStore(engine))
            setup = CameraSetup(*stores, self.cameras, FakeTrial(), ApiCameraSettings())
            try:
                return await work(CameraEditing(setup, Limits()))
            finally:
                await engine.dispose()

        return asyncio.run(on_an_engine())

    def dry_run(self, zone: Zone) -> DryRun:
        return asyncio.run(self.cameras.dry_run(PUMP, zone))


@pytest.fixture
def editor(simulated: Any) -> Iterator[Editor]:
    """With the camera `pump-1`, which sees somebody and has no zone."""
    editor = Editor(simulated)
    camera = CameraSettings(camera_id=PUMP, source=simulated.scene.url(PUMP), motion_gate=False)
    made = editor.do(lambda editing: editing.create(camera, "kim"))
    simulated.wait_until_watched(PUMP)
    walk(simulated, AT_THE_PRESS, cameras=[PUMP])
    yield editor
    revision = editor.do(lambda editing: editing.read(PUMP)).revision
    assert revision > made.revision
    editor.do(lambda editing: editing.delete(PUMP, revision, "kim"))
    wait_for("its process is gone", lambda: not any(PUMP in name for name in simulated.camera_actors()))
    assert simulated.still_open() == []


def test_a_zone_is_tried_then_drawn_and_tells_its_first_event_from_the_running_camera(
    simulated: Any, editor: Editor, record_property: Any
) -> None:
    before, since = simulated.reports()[PUMP], datetime.now(UTC)
    assert before.managed == "api"
    told = wait_for("who stands there is seen", lambda: _counted(editor.dry_run(PRESS)))
    assert told.watched_s > 0
    assert simulated.told(since, PUMP) == [], "a dry run tells nobody"

    seconds, shown = editor.do(lambda editing: _drawn(editing, Watch(editor.cameras, simulated.scene), PRESS))
    record_property("zone_takes_effect_s", round(seconds, 3))
    print(f"a zone takes effect after {seconds:.2f} s")

    assert [zone.zone_id for zone in shown.zones] == ["press"]
    intrusion = wait_for("it tells its first event", lambda: next(iter(simulated.told(since, PUMP)), None))
    assert (intrusion.event_type, intrusion.zone_id) == ("DANGER_ZONE_INTRUSION", "press")
    after = simulated.reports()[PUMP]
    assert (after.pid, after.epoch, after.reconnects) == (before.pid, before.epoch, before.reconnects)


def test_a_camera_that_is_declared_is_left_alone(simulated: Any) -> None:
    async def change(editing: CameraEditing) -> None:
        known = await editing.read("gate-1")
        assert known.managed == "config"
        await editing.change("gate-1", known.revision, lambda settings: settings)

    with pytest.raises(Problem) as refused:
        Editor(simulated).do(change)

    assert refused.value.status == 409


def _counted(told: DryRun) -> DryRun | None:
    return told if told.counts.get("DANGER_ZONE_INTRUSION") else None


class Watch:
    """Looks at every picture of the camera, and counts beside it what the scene has sent."""

    def __init__(self, cameras: ServeCameras, scene: Any) -> None:
        self._cameras, self._scene = cameras, scene
        self._after, self.behind = (0, 0), 0

    async def next(self) -> LivePicture:
        """`behind`: how many frames more were sent than the picture has as its number."""
        while True:
            picture = await self._cameras.picture(PUMP, PictureProfile.THUMBNAIL, self._after, 2.0)
            if picture is not None and picture.jpeg:
                assert self._after[0] in (0, picture.epoch), "the camera was opened anew"
                self._after = (picture.epoch, picture.sequence)
                self.behind = self._scene.sent(PUMP) - picture.sequence
                return picture

    async def least_behind(self) -> int:
        """What is only on its way makes it more for a moment; a frame that was lost, for ever."""
        found = []
        for _ in range(PICTURES):
            await self.next()
            found.append(self.behind)
        return min(found)


async def _drawn(editing: CameraEditing, watch: Watch, zone: Zone) -> tuple[float, LivePicture]:
    """How long it took from the change to the first picture with the zone; no frame is lost on the way."""
    known = await editing.read(PUMP)
    before = await watch.least_behind()
    started_s = time.monotonic()
    await editing.change(PUMP, known.revision, lambda camera: camera.model_copy(update={"zones": (zone,)}))
    while not (picture := await watch.next()).zones:
        pass
    took_s = time.monotonic() - started_s
    async with asyncio.timeout(PATIENCE_S):
        while await watch.least_behind() > before:
            pass
    return took_s, picture
