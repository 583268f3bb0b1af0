"""Proves again and again that the model in service detects, and not only that its process lives."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from functools import partial

import structlog

from cluster.safety.errors import DetectorError, DetectorUnavailable
from cluster.telemetry import metrics
from deployments.detector.shelf import Model
from deployments.detector.slot import ModelSlot

IDLE_S = 1.0
"""Pause while no model serves, or one that cannot be proved."""
LIMIT_S = 60.0
"""A look that takes longer is not waited for: then the inference hangs, and the health check says so."""

log = structlog.get_logger()


class CanaryWatch:
    """Shows the canary to the model in service, through the worker that frames go through.

    The thread of its own only waits; the look and the verdict are one job of the worker, so that no frame is begun
    there between a wrong answer and the end of that model's service. Where a model has lanes, each is a network of its
    own in memory: the looks go to the whole model and to its lanes in turn.
    """

    def __init__(
        self,
        slot: ModelSlot,
        submit: Callable[[Callable[[], None], int | None], "Future[None]"],
        *,
        failed: Callable[[Exception], None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`submit` puts a job into the inference worker of a lane, or of the whole model (None); `failed` is told what
        the runtime raised on the canary."""
        self._slot, self._submit, self._failed, self._clock = slot, submit, failed, clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None
        self._looks = 0
        self._found: tuple[Model, float] | None = None  # who found the objects last, and when

    @property
    def age_s(self) -> float | None:
        """Seconds since the model in service found what is on the picture; None: it never did, or has no canary."""
        found = self._found
        return self._clock() - found[1] if found is not None and found[0] is self._slot.model else None

    def start(self) -> None:
        """Begin, if it has not; from any thread."""
        if self._thread is None and not self._stop.is_set():
            self._thread = threading.Thread(target=self._run, name="canary", daemon=True)
            self._thread.start()

    def stop(self, timeout_s: float = 5.0) -> bool:
        """False: a look is still going on after `timeout_s`."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def look(self, lane: int | None = None) -> None:
        """One proof of the model in service; for the inference worker. A wrong answer is asked for once more."""
        model = self._slot.model
        if model is None or not model.has_canary:
            return
        fault = self._fault(model, lane) and self._fault(model, lane)
        if fault is None:
            return
        if fault:
            self._slot.distrust(model, fault)
        else:
            self._found = (model, self._clock())

    def _fault(self, model: Model, lane: int | None) -> str | None:
        """What is wrong, "" if nothing, None if it could not be told."""
        try:
            fault = model.canary_fault(lane)
        except DetectorUnavailable as error:  # no room on the GPU: says nothing about the weights
            self._failed(error)
            return None
        except Exception as error:  # noqa: BLE001 - border of a foreign runtime: what it raises is a wrong answer too
            self._failed(error)
            fault = error.reason if isinstance(error, DetectorError) else f"{type(error).__name__}: {error}"
        if fault:
            metrics.canary_failures.inc()
            log.warning("canary_not_found", model=model.name, reason=fault)
        return fault

    def _run(self) -> None:
        while not self._stop.wait(self._pause_s):
            try:
                lane = self._next_lane()
                self._submit(partial(self.look, lane), lane).result(LIMIT_S)
            except Exception as error:  # noqa: BLE001 - border of the loop: it must go on while the replica lives
                log.warning("canary_look_failed", reason=f"{type(error).__name__}: {error}")

    def _next_lane(self) -> int | None:
        """None, the whole model, and each of its lanes, in turn."""
        model = self._slot.model
        lanes = model.lanes if model is not None and model.lanes > 1 else 0
        self._looks += 1
        place = self._looks % (lanes + 1)
        return place - 1 if place else None

    @property
    def _pause_s(self) -> float:
        service = self._slot.in_service
        return IDLE_S if service is None else service.candidate.settings.canary_every_s
