"""What runs inside the Ray of a benchmark: the product's own camera actor with a source and a clock of the bench.

The actor class, its threads, the handle, tracker, rules and outbox are the product's. Two names are replaced in
the camera's process: the file source, whose frames come when they are wanted instead of at the clip's rate, and
the detector's port, which says when the pipeline has taken a frame. Stubs stand for the supervisor (it only hands
out assignments), for the Recorder (it takes everything at once) and, where a part says so, for the Detector.
"""

import asyncio
import os
import threading
import time
from collections import defaultdict
from typing import Any

import numpy as np
import ray
from ray import serve
from ray.serve.handle import DeploymentHandle

from cluster.camera import actor as actor_module
from cluster.camera import pipeline as pipeline_module
from cluster.camera import sources
from cluster.camera.actor import CameraActor
from cluster.camera.ledger import EpisodeLedger
from cluster.camera.picture_health import PictureHealth
from cluster.camera.privacy import PrivacyMasks
from cluster.camera.serve_ports import ServeDetector
from cluster.camera.tracking import Tracker
from cluster.camera.video_file import FileSource
from cluster.safety.detections import Detections
from cluster.safety.status import CameraReport
from cluster.settings.cameras import Assignment, CameraSettings
from cluster.settings.site import SiteSettings
from cluster.telemetry import metrics

_LONGEST_WAIT_S = 0.25
# A camera that is not yet MONITORED forgets its frame; nobody takes that one any more.
_NOT_TAKEN_AFTER_S = 2.0


class Demand:
    """When the next frame is due: as soon as the one before was taken, or at fixed times, or not at all."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._tickets = 0
        self._on_demand = False
        self._next_s = self._period_s = self._given_s = 0.0

    def on_demand(self) -> None:
        with self._changed:
            self._on_demand, self._period_s, self._tickets = True, 0.0, 1
            self._changed.notify_all()

    def at_rate(self, first_s: float, period_s: float) -> None:
        """Frames at `first_s` (monotonic clock of the machine) and each `period_s` later."""
        with self._changed:
            self._on_demand, self._next_s, self._period_s = False, first_s, period_s
            self._changed.notify_all()

    def hold(self) -> None:
        with self._changed:
            self._on_demand, self._period_s = False, 0.0

    def taken(self) -> None:
        with self._changed:
            if self._on_demand:
                self._tickets = 1
                self._changed.notify_all()

    def wait(self, closed: threading.Event) -> None:
        """Returns when a frame is due, or when the source was closed."""
        with self._changed:
            while not closed.is_set() and not self._is_due():
                left_s = self._next_s - time.monotonic() if self._period_s else _LONGEST_WAIT_S
                self._changed.wait(min(_LONGEST_WAIT_S, max(0.0, left_s)))

    def _is_due(self) -> bool:
        if self._on_demand and (self._tickets or time.monotonic() - self._given_s > _NOT_TAKEN_AFTER_S):
            self._tickets, self._given_s = 0, time.monotonic()
            return True
        if self._period_s and time.monotonic() >= self._next_s:
            # What could not be kept up with is left out: a camera does not wait either.
            missed = int((time.monotonic() - self._next_s) / self._period_s)
            self._next_s += (missed + 1) * self._period_s
            return True
        return False


DEMAND = Demand()


class DemandedFile(FileSource):
    """A file whose next frame is decoded ahead and given when it is wanted."""

    def read(self) -> Any:
        image = self.decode()
        DEMAND.wait(self._closed)
        return image

    def decode(self) -> Any:
        return super().read()

    def _wait_until_due(self) -> None:
        """`read` waits."""


class TakingDetector(ServeDetector):
    """The product's port; a call means that the pipeline has taken a frame. Keeps what each call took."""

    def __init__(self) -> None:
        super().__init__()
        self.calls: list[tuple[float, float, float]] = []

    def __call__(self, image: Any, *, deadline_s: float) -> Detections:
        DEMAND.taken()
        started_s = time.monotonic()
        found = super().__call__(image, deadline_s=deadline_s)
        self.calls.append((time.monotonic(), time.monotonic() - started_s, found.inference_s))
        return found


class BenchCamera(CameraActor):
    """The product's actor, measured by the product's own metric: capture of a frame to its rules evaluated."""

    def __init__(self, camera_id: str, *, demanded: bool = True, stages: bool = False) -> None:
        self._frames: list[tuple[float, float]] = []
        self._detectors: list[TakingDetector] = []
        self._stages: dict[str, list[tuple[float, float]]] = defaultdict(list)
        if demanded:
            sources.FileSource = DemandedFile  # type: ignore[misc]
        if stages:
            self._time_stages()
        actor_module.ServeDetector = self._detector  # type: ignore[misc,assignment]
        observe = metrics.frame_processing.observe

        def kept(value: float, tags: dict[str, str] | None = None) -> None:
            self._frames.append((time.monotonic(), value))
            observe(value, tags)

        metrics.frame_processing.observe = kept  # type: ignore[method-assign]
        super().__init__(camera_id)

    def _time_stages(self) -> None:
        """Every stage of a frame's way in this process, from outside."""
        self._time(DemandedFile, "decode", "decode")
        self._time(PictureHealth, "observe", "picture health")
        self._time(PrivacyMasks, "paint", "masks")
        self._time(pipeline_module, "shrink", "shrink")
        self._time(DeploymentHandle, "remote", "send")
        self._time(Tracker, "update", "tracker")
        self._time(EpisodeLedger, "observe", "rules")

    def _time(self, owner: Any, name: str, stage: str) -> None:
        whole, times = getattr(owner, name), self._stages[stage]

        def timed(*arguments: Any, **options: Any) -> Any:
            started_s = time.monotonic()
            try:
                return whole(*arguments, **options)
            finally:
                times.append((started_s, time.monotonic() - started_s))

        setattr(owner, name, timed)

    async def stages_ms(self, from_s: float, to_s: float) -> dict[str, float]:
        """Mean of each stage. A mean, because most frames are not judged by picture health at all."""
        within = {stage: [t for s, t in times if from_s <= s < to_s] for stage, times in self._stages.items()}
        return {stage: sum(times) / len(times) * 1000 if times else 0.0 for stage, times in within.items()}

    def _detector(self) -> TakingDetector:
        self._detectors.append(TakingDetector())
        return self._detectors[-1]

    async def pace(self, how: str, first_s: float = 0.0, period_s: float = 0.0) -> None:
        """`how`: demand, rate or hold."""
        {"demand": DEMAND.on_demand, "hold": DEMAND.hold, "rate": lambda: DEMAND.at_rate(first_s, period_s)}[how]()

    async def frames(self, from_s: float, to_s: float) -> list[tuple[float, float]]:
        """(monotonic time at which its rules were evaluated, seconds since its capture) of each frame."""
        return [frame for frame in self._frames if from_s <= frame[0] < to_s]

    async def calls(self, from_s: float, to_s: float) -> list[tuple[float, float, float]]:
        """(monotonic time of the answer, seconds of the call, seconds of the model in it)."""
        return [call for detector in self._detectors for call in detector.calls if from_s <= call[0] < to_s]

    async def memory(self) -> dict[str, float]:
        """Of this process, in MB (10^6 bytes), as the kernel's smaps_rollup says."""
        with open("/proc/self/smaps_rollup") as rollup:  # noqa: ASYNC230, PTH123 - a file of the kernel
            pairs = [line.split()[:2] for line in rollup.readlines()[1:]]
        return {name.rstrip(":").lower() + "_mb": int(kilobytes) * 1024 / 1e6 for name, kilobytes in pairs}

    async def threads(self) -> int:
        return len(os.listdir("/proc/self/task"))  # noqa: PTH208


def _running(camera_id: str) -> Any:
    try:
        return ray.get_actor(f"camera:{camera_id}", namespace="cameras")
    except ValueError:
        return None


@serve.deployment(name="CameraSupervisor", num_replicas=1, max_ongoing_requests=256, ray_actor_options={"num_cpus": 0})
class StubSupervisor:
    """Hands out what its configuration says, under the epoch 1."""

    def __init__(self, cameras: list[dict[str, Any]], data_dir: str) -> None:
        parsed = [CameraSettings.model_validate(camera) for camera in cameras]
        self._cameras = {camera.camera_id: camera for camera in parsed}
        self._site = SiteSettings(name="bench", data_dir=data_dir)

    async def assignment(self, camera_id: str, actor: str = "") -> tuple[Assignment, SiteSettings]:
        return Assignment(camera=self._cameras[camera_id], revision=1, epoch=1), self._site

    async def reports(self) -> list[CameraReport]:
        """Of the cameras that run, as the ingress asks for them."""
        actors = [actor for name in self._cameras if (actor := _running(name)) is not None]
        return list(await asyncio.gather(*(actor.report.remote() for actor in actors)))

    async def faults(self) -> list[str]:
        return []

    async def nudge(self, *_: Any, **__: Any) -> None:
        """A camera may call for attention; nobody comes."""


@serve.deployment(name="Recorder", num_replicas=1, max_ongoing_requests=64, ray_actor_options={"num_cpus": 0})
class StubRecorder:
    """Takes everything and forgets it."""

    async def record(self, *_: Any) -> None: ...

    async def store_picture(self, *_: Any) -> None: ...

    async def picture_lost(self, *_: Any) -> None: ...


@serve.deployment(name="Detector", num_replicas=1, max_ongoing_requests=512, ray_actor_options={"num_cpus": 0})
class StubDetector:
    """Answers at once with two people who stand still."""

    def __init__(self, image_size: int) -> None:
        self._answer = Detections(
            boxes=np.array([[0.1, 0.2, 0.2, 0.8], [0.5, 0.2, 0.6, 0.9]], np.float32),
            confidences=np.array([0.8, 0.9], np.float32),
            labels=("person", "person"),
            model_digest="0" * 64,
            image_size=image_size,
            inference_s=0.0,
            knows=frozenset({"person", "fallen_person"}),
        )

    async def detect(self, image: Any) -> Detections:
        return self._answer


def build_cameras(args: dict[str, Any]) -> Any:
    """Application `cameras` of the bench. args: cameras, data_dir."""
    supervisor = StubSupervisor.bind(args["cameras"], args["data_dir"])
    return Together.bind(supervisor, StubRecorder.bind())


def build_stub_detector(args: dict[str, Any]) -> Any:
    """Application `detector` with a stub. args: image_size."""
    return StubDetector.bind(args["image_size"])


@serve.deployment(name="Together", ray_actor_options={"num_cpus": 0})
class Together:
    """An application has one root."""

    def __init__(self, *_: Any) -> None: ...
