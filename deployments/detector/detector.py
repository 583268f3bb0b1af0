"""The deployment `Detector`: frames of all cameras in, detections out. A thin shell around `ModelSlot`."""

import asyncio
import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import ray
import structlog
from ray import serve

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError, DetectorUnavailable, SafeYoloError
from cluster.safety.frames import Image
from cluster.safety.status import DetectorReport
from cluster.settings.load import load_models, parse
from cluster.settings.models import DetectorSettings
from cluster.telemetry import metrics
from cluster.telemetry.logs import configure_logs
from deployments.detector.hardware import thread_count
from deployments.detector.slot import Model, ModelSlot

HUNG_AFTER_S = 60.0
"""An inference that takes longer hangs; the health check then fails and Serve replaces the replica."""

log = structlog.get_logger()


class Detector:
    """One replica. The model runs in one worker thread, so that health checks and `reconfigure` answer at once."""

    def __init__(self, models: str, *, load: Callable[[DetectorSettings], Model] | None = None) -> None:
        """`models`: the file that names the weights. `load`: how settings become a proved model."""
        configure_logs("detector")
        self._models = models
        self._worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="inference")
        self._slot = ModelSlot(load or self._load, swapped=self._batch_as)
        self._started_s: float | None = None
        self._answered_s: float | None = None
        self._frames = 0
        self._failing = ""

    def reconfigure(self, user_config: Any) -> None:
        """Take `user_config` into account, in the background. Returns at once and never raises.

        Ray takes a replica that is busy here out of service, and stops one that raises.
        """
        try:
            self._slot.want(parse(DetectorSettings, user_config or {}, where="user_config of Detector"))
        except Exception as error:  # noqa: BLE001 - border of the process: see above
            self._slot.refuse(str(error))

    async def detect(self, image: Image) -> Detections:
        """Objects in `image`, (h, w, 3) uint8 BGR, already shrunk; boxes in 0..1 of it.

        Raises:
            DetectorUnavailable: no model is in service yet, or the GPU is out of memory.
            DetectorError: not a picture, or the runtime failed on it.
        """
        self._slot.require()
        _refuse_what_is_no_picture(image)
        batched: Any = self._detect_batched  # @serve.batch hands single pictures over as lists
        found: Detections = await batched(image)
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
        )

    def check_health(self) -> None:
        """Raises DetectorUnavailable if an inference hangs. A replica without a model is healthy: it says why."""
        started_s = self._started_s
        if started_s is not None and time.monotonic() - started_s > HUNG_AFTER_S:
            raise DetectorUnavailable(f"an inference has been running for over {HUNG_AFTER_S:.0f} s")

    async def detect_all(self, images: list[Image]) -> list[Detections]:
        """One `Detections` for each of `images`, in order."""
        self._started_s = time.monotonic()
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._worker, self._run, images)
        except Exception as error:
            self._note_failure(images, error)
            raise _ours(error) from error
        finally:
            self._started_s = None
        self._note_success(found)
        return found

    def _run(self, images: list[Image]) -> list[Detections]:
        return self._slot.require().detect_all(images)

    @serve.batch(max_batch_size=1, batch_wait_timeout_s=0.0)
    async def _detect_batched(self, images: list[Image]) -> list[Detections]:
        return await self.detect_all(images)

    def _batch_as(self, model: Model, settings: DetectorSettings) -> None:
        """A GPU takes the frames of several cameras together; on a CPU that brings nothing but waiting."""
        batched: Any = self._detect_batched
        batched.set_max_batch_size(settings.max_batch_size if model.batches else 1)
        batched.set_batch_wait_timeout_s(settings.batch_wait_s if model.batches else 0.0)

    def _note_failure(self, images: list[Image], error: Exception) -> None:
        metrics.detection_errors.inc(len(images))
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

    def _load(self, settings: DetectorSettings) -> Model:
        """A model that has found its way through a real picture once. Runs in the slot's thread."""
        from deployments.detector.model import YoloModel, proof_picture  # torch: seconds, not in the constructor

        try:
            entry = load_models(self._models).named(settings.model)
        except KeyError as error:
            raise DetectorError(str(error.args[0]), "name one of them in serve_config.yaml") from error
        model = YoloModel.load(settings, entry, threads=thread_count(_assigned_cpus()))
        proof = model.prove(proof_picture())
        log.info("model_proved", model=model.name, objects=len(proof), inference_s=round(proof.inference_s, 4))
        return model


def _refuse_what_is_no_picture(image: Any) -> None:
    """Before batching, so that one wrong caller costs the others in the batch nothing."""
    if not isinstance(image, np.ndarray) or image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        shape = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise DetectorError(f"expected a picture (h, w, 3) uint8, got {shape}")
    if 0 in image.shape:
        raise DetectorError(f"expected a picture with pixels, got {image.shape}")


def _ours(error: Exception) -> SafeYoloError:
    """What leaves the process can be pickled and understood where torch is not installed."""
    return error if isinstance(error, SafeYoloError) else DetectorError(f"{type(error).__name__}: {error}")


def _assigned_cpus() -> float:
    if not ray.is_initialized():
        return 0.0
    context: Any = ray.get_runtime_context()
    return float(context.get_assigned_resources().get("CPU", 0.0))


DetectorDeployment = serve.deployment(Detector, name="Detector")
