"""The model in service, and how another one takes its place without a frame being missed."""

import threading
from collections.abc import Callable
from typing import Protocol

import structlog

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorUnavailable
from cluster.safety.frames import Image
from cluster.settings.models import DetectorSettings

RETRY_S = 30.0
"""Pause before another try while no model at all is in service."""

log = structlog.get_logger()


class Model(Protocol):
    """What a slot needs of `YoloModel`."""

    name: str
    digest: str
    runtime: str
    device: str
    image_size: int

    @property
    def batches(self) -> bool: ...

    def detect_all(self, images: list[Image]) -> list[Detections]: ...


class ModelSlot:
    """Holds one model; loads the next one in a thread of its own and swaps when that one has proved itself.

    `want` and `model` may be called from any thread and return at once. The newest wish wins; wishes in
    between are skipped. A refused model changes nothing but `error`: the old one goes on.
    """

    def __init__(
        self,
        load: Callable[[DetectorSettings], Model],
        *,
        swapped: Callable[[Model, DetectorSettings], None] = lambda _, __: None,
        retry_s: float = RETRY_S,
    ) -> None:
        """`load` gives a proved model or raises; `swapped` is told of each one that goes into service."""
        self._load, self._swapped, self._retry_s = load, swapped, retry_s
        self._changed = threading.Condition()
        self._wanted: DetectorSettings | None = None
        self._model: Model | None = None
        self._stopped = False
        self._thread: threading.Thread | None = None
        self.error = "no model was configured yet"

    @property
    def model(self) -> Model | None:
        return self._model

    def require(self) -> Model:
        """The model in service.

        Raises:
            DetectorUnavailable: there is none; the reason says why.
        """
        if (model := self._model) is None:
            raise DetectorUnavailable(self.error)
        return model

    def want(self, settings: DetectorSettings) -> None:
        """Have `settings` loaded in the background."""
        with self._changed:
            self._wanted = settings
            if self._model is None:
                self.error = f"model {settings.model} is being loaded"
            if self._thread is None and not self._stopped:
                self._thread = threading.Thread(target=self._run, name="model-loader", daemon=True)
                self._thread.start()
            self._changed.notify_all()

    def refuse(self, reason: str) -> None:
        """Note a configuration that is not even tried."""
        self.error = reason
        log.error("model_refused", reason=reason, in_service=self._model.name if self._model else "")

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End the loader; False if it is still busy with a model after `timeout_s`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def _run(self) -> None:
        while (settings := self._next_wish()) is not None:
            if not self._try(settings):
                self._retry_later(settings)

    def _next_wish(self) -> DetectorSettings | None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopped or self._wanted is not None)
            settings, self._wanted = self._wanted, None
            return None if self._stopped else settings

    def _try(self, settings: DetectorSettings) -> bool:
        log.info("model_loading", model=settings.model)
        try:
            model = self._load(settings)
            self._swapped(model, settings)
        except Exception as error:  # noqa: BLE001 - border of the loader's loop: whatever is wrong with a model, the old one goes on
            self.refuse(f"model {settings.model} was refused: {error}")
            return False
        self._model, self.error = model, ""
        log.info("model_in_service", model=model.name, digest=model.digest, runtime=model.runtime, device=model.device)
        return True

    def _retry_later(self, settings: DetectorSettings) -> None:
        """Without any model every camera is unwatched, so a reason that passes (disk, network, lock) is waited out."""
        if self._model is not None:
            return
        with self._changed:
            overtaken = self._changed.wait_for(lambda: self._stopped or self._wanted is not None, self._retry_s)
            if not overtaken:
                self._wanted = settings
