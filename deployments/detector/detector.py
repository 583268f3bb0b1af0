"""The deployment `Detector`: frames of all cameras in, detections out. A thin shell around `ModelSlot`."""

import asyncio
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

import ray
import structlog
from ray import serve

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError, DetectorUnavailable, SafeYoloError
from cluster.safety.frames import Image
from cluster.safety.status import DetectorReport
from cluster.settings.load import parse
from cluster.settings.models import DetectorSettings
from cluster.telemetry import metrics
from cluster.telemetry.logs import configure_logs, take_logging
from deployments.detector.asked_frame import refuse_what_is_no_picture, say_found
from deployments.detector.batch_limit import BatchLimit
from deployments.detector.canary_watch import CanaryWatch
from deployments.detector.frame_batches import WHOLE, FrameBatches, Lane
from deployments.detector.gpu_faults import is_context_lost
from deployments.detector.hardware import thread_count
from deployments.detector.shelf import Model, ModelShelf, Shelf
from deployments.detector.slot import ModelSlot

HUNG_AFTER_S = 60.0
"""An inference that takes longer hangs; the health check then fails and Serve replaces the replica."""
FAILS_AFTER_S = 1.0
"""No failure is told sooner. Serve sends each frame to the replica with the shortest line, and one that refuses in a
millisecond never has any: it would draw the frames of the whole site away from the replicas that detect. Longer than
a good answer takes, shorter than a camera waits for one."""
MOST_LANES = 2
"""Pictures that a replica works at side by side. With more, each would take longer, and a replica more memory."""
FIRST_MODEL_LIMIT_S = 120.0
"""A replica that starts waits so long for a model; then it says why it has none. An export takes a minute."""

Result = TypeVar("Result")

log = structlog.get_logger()


class Detector:
    """One replica. The model runs in a worker thread a lane, so that health checks and `reconfigure` answer at once.

    Worker 0 is also that of whoever needs the whole model. The canary goes through the worker whose frames it proves.
    """

    def __init__(self, models: str, *, shelf: Shelf | None = None) -> None:
        """`models`: the file that names the weights. `shelf`: where models come from instead."""
        configure_logs("detector")
        self._workers = [ThreadPoolExecutor(1, f"inference-{number}") for number in range(MOST_LANES)]
        self._whole = threading.Lock()
        self._together = FrameBatches(self.detect_all)
        self._batch = BatchLimit(self._batch_as)
        shelf = shelf or ModelShelf(models, lambda: thread_count(_assigned("CPU")), lambda: _assigned("GPU"))
        self._slot = ModelSlot(shelf, swapped=self._swapped, failed=self._note_gpu)
        self._canary = CanaryWatch(self._slot, self._submit_look, failed=self._note_gpu)
        self._started_s: dict[int, float] = {}  # by worker: since when it has been at what it does
        self._answered_s: float | None = None
        self._frames = 0
        self._failing = ""
        self._gpu_fault = ""
        self._begun = False

    async def reconfigure(self, user_config: Any) -> None:
        """Take `user_config` into account, in the background. Returns at once, but for the first time; never raises.

        Ray takes a replica that is busy here out of service, and stops one that raises. A replica that starts is
        not in service yet, and frames that it got before it has a model would be lost: it waits for that.
        """
        _, rest, _ = take_logging(user_config or {}, "serve_config.yaml")
        try:
            self._slot.want(parse(DetectorSettings, rest, where="user_config of Detector"))
        except Exception as error:  # noqa: BLE001 - border of the process: see above
            self._slot.refuse(str(error))
        self._canary.start()
        if not self._begun:
            self._begun = True
            await asyncio.to_thread(self._slot.wait_for_verdict, FIRST_MODEL_LIMIT_S)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End what runs beside the calls; False if something still does after `timeout_s`."""
        return all([self._canary.stop(timeout_s), self._slot.stop(timeout_s)])

    async def detect(self, image: Image) -> Detections:
        """Objects in `image`, (h, w, 3) uint8 BGR, already shrunk; boxes in 0..1 of it.

        Raises:
            DetectorUnavailable: no model is in service yet, or the GPU is out of memory.
            DetectorError: not a picture, or the runtime failed on it.
        """
        refuse_what_is_no_picture(image)
        called_s = time.monotonic()
        try:
            self._slot.require()
            found = await self._together.detect(image)
        except DetectorError:
            await asyncio.sleep(max(0.0, called_s + FAILS_AFTER_S - time.monotonic()))
            raise
        say_found(image, found)
        return found

    async def report(self) -> DetectorReport:
        """What this replica runs."""
        model = self._slot.model
        return DetectorReport(
            model=model.name if model else "",
            model_digest=model.digest if model else "",
            runtime=model.runtime if model else "",
            device=model.device if model else "",
            image_size=model.image_size if model else 0,
            ready=model is not None,
            frames=self._frames,
            inference_age_s=None if self._answered_s is None else time.monotonic() - self._answered_s,
            error=self._slot.error,
            pid=os.getpid(),
            fallback=self._slot.fallback and model is not None,
            canary_age_s=self._canary.age_s,
            batch_limit=self._batch.limit,
            configured=self._slot.configured,
            node_id=_node_id(),
        )

    async def reload(self) -> bool:
        """Load the configured weights anew and prove them, in the background; False if none were configured yet."""
        return self._slot.reload()

    def check_health(self) -> None:
        """Whether another process in the place of this one would help; a replica without a good model says why instead.

        Raises:
            DetectorUnavailable: an inference hangs, or the GPU lost this process's context.
        """
        started_s = min(list(self._started_s.values()), default=None)
        if started_s is not None and time.monotonic() - started_s > HUNG_AFTER_S:
            raise DetectorUnavailable(f"an inference has been running for over {HUNG_AFTER_S:.0f} s")
        if self._gpu_fault:
            raise DetectorUnavailable(f"the GPU fails this process: {self._gpu_fault}")

    async def detect_all(self, images: list[Image], lane: Lane = WHOLE) -> list[Detections]:
        """One `Detections` for each of `images`, in order."""
        try:
            found = await asyncio.wrap_future(self._submit(lambda: self._run(images, lane), lane.number))
        except Exception as error:
            self._note_failure(images, error)
            raise _ours(error) from error
        self._note_success(found)
        return found

    def _run(self, images: list[Image], lane: Lane) -> list[Detections]:
        model = self._slot.require()
        if not lane.whole and model.lanes > max(1, lane.number):
            metrics.detector_batch_size.observe(1)
            return [model.detect_beside(image, lane.number) for image in images]
        return self._alone(lambda: self._batch.run(model, images))

    def _alone(self, job: Callable[[], Result]) -> Result:
        """A network belongs to one thread, but a lane may have been given by a model that has just been replaced."""
        with self._whole:
            return job()

    def _submit_look(self, look: Callable[[], None], lane: int | None) -> "Future[None]":
        """Through the worker that such frames go through."""
        return self._submit(lambda: self._alone(look)) if lane is None else self._submit(look, lane)

    def _submit(self, job: Callable[[], Result], number: int = 0) -> "Future[Result]":
        return self._workers[number].submit(self._timed, job, number)

    def _timed(self, job: Callable[[], Result], number: int) -> Result:
        """`job` in a worker, where a job that hangs is found by `check_health`."""
        self._started_s[number] = time.monotonic()
        try:
            return job()
        finally:
            del self._started_s[number]

    def _swapped(self, model: Model, settings: DetectorSettings) -> None:
        """A GPU takes the frames of several cameras together; a CPU each for itself, some beside each other."""
        self._together.configure(
            linger_s=settings.batch_wait_s if model.batches else 0.0, lanes=min(model.lanes, MOST_LANES)
        )
        self._batch.configure(settings.max_batch_size if model.batches else 1)

    def _batch_as(self, limit: int) -> None:
        self._together.configure(most=limit)

    def _note_failure(self, images: list[Image], error: Exception) -> None:
        metrics.detection_errors.inc(len(images))
        self._note_gpu(error)
        if self._failing != str(error):  # once, not ten times a second for each camera
            log.error("detection_failed", frames=len(images), reason=str(error))
        self._failing = str(error)

    def _note_success(self, found: list[Detections]) -> None:
        self._failing = ""
        self._answered_s = time.monotonic()
        self._frames += len(found)
        for detections in found:
            metrics.detection_inference.observe(detections.inference_s)
            metrics.detections_per_frame.observe(len(detections))

    def _note_gpu(self, error: Exception) -> None:
        """Where the GPU is not there, or its context in this process has ended, only another process can help."""
        if not self._gpu_fault and is_context_lost(error):
            self._gpu_fault = " ".join(str(error).split())
            log.critical("gpu_lost", reason=self._gpu_fault)


def _ours(error: Exception) -> SafeYoloError:
    """What leaves the process can be pickled and understood where torch is not installed."""
    return error if isinstance(error, SafeYoloError) else DetectorError(f"{type(error).__name__}: {error}")


def _assigned(resource: str) -> float:
    if not ray.is_initialized():
        return 0.0
    context: Any = ray.get_runtime_context()
    return float(context.get_assigned_resources().get(resource, 0.0))


def _node_id() -> str:
    return str(ray.get_runtime_context().get_node_id()) if ray.is_initialized() else ""


DetectorDeployment = serve.deployment(Detector, name="Detector")
