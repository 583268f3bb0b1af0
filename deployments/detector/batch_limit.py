"""How many pictures go through the model together: less after the GPU ran out of memory, more again later."""

import sys
import time
from collections.abc import Callable
from typing import Any

import structlog

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError, DetectorUnavailable
from cluster.safety.frames import Image
from cluster.telemetry import metrics
from deployments.detector.gpu_faults import is_out_of_memory
from deployments.detector.shelf import Model

QUIET_S = 600.0
"""After so long without running out of memory the batch is doubled again, once."""

log = structlog.get_logger()


def _free_gpu_cache() -> None:
    """What torch keeps for later goes back to the GPU, where another replica may need it."""
    torch: Any = sys.modules.get("torch")
    if torch is not None and torch.cuda.is_available():
        torch.cuda.empty_cache()


class BatchLimit:
    """Runs batches of at most `limit` pictures. `run` belongs to one thread, `configure` may come from another."""

    def __init__(
        self,
        changed: Callable[[int], None] = lambda _: None,
        *,
        free: Callable[[], None] = _free_gpu_cache,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`changed` is told of each new limit."""
        self._changed, self._free, self._clock = changed, free, clock
        self._configured = 1
        self._quiet_since_s = 0.0
        self.limit = 1

    def configure(self, most: int) -> None:
        """Pictures that are meant to go together; what a GPU without room took off is kept off, until it is quiet."""
        short = self.limit < self._configured
        self._configured = most
        self._limit_to(min(self.limit, most) if short else most)

    def run(self, model: Model, images: list[Image]) -> list[Detections]:
        """`model.detect_all(images)`, in parts where they do not fit together.

        Raises:
            DetectorUnavailable: the GPU has no room for a single picture.
            DetectorError: not one answer for each picture.
        """
        self._grow_if_quiet()
        found: list[Detections] = []
        while len(found) < len(images):
            most = self.limit if self.limit < self._configured else len(images)
            part = images[len(found) : len(found) + most]
            answered = self._attempt(model, part)
            if answered is None:
                self._shrink(len(part))
            elif len(answered) != len(part):
                raise DetectorError(f"the model gave {len(answered)} answers for {len(part)} pictures")
            else:
                found += answered
        return found

    def _attempt(self, model: Model, images: list[Image]) -> list[Detections] | None:
        """None: no room. The error ends here, since its traceback holds what fills the GPU."""
        try:
            found = model.detect_all(images)
        except Exception as error:
            if not is_out_of_memory(error):
                raise
            log.critical("gpu_out_of_memory", frames=len(images), batch_limit=self.limit, reason=_line(error))
            return None
        metrics.detector_batch_size.observe(len(images))
        return found

    def _shrink(self, tried: int) -> None:
        metrics.gpu_out_of_memory.inc()
        self._free()
        self._quiet_since_s = self._clock()
        if tried <= 1:
            self._limit_to(1)
            raise DetectorUnavailable("the GPU is out of memory", "lower image_size, or the replicas of one GPU")
        self._limit_to(max(1, min(self.limit, tried) // 2))

    def _grow_if_quiet(self) -> None:
        if self.limit >= self._configured or self._clock() - self._quiet_since_s < QUIET_S:
            return
        self._quiet_since_s = self._clock()
        self._limit_to(min(2 * self.limit, self._configured))
        log.info("batch_limit_raised", batch_limit=self.limit)

    def _limit_to(self, limit: int) -> None:
        self.limit = limit
        self._changed(limit)


def _line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
