"""The model in service, and how another one takes its place without a frame being missed."""

import threading
from collections.abc import Callable, Iterable

import structlog

from cluster.safety.errors import DetectorUnavailable
from cluster.settings.models import DetectorSettings
from cluster.telemetry import metrics
from deployments.detector.last_good import Candidate
from deployments.detector.service_gauges import ServiceGauges
from deployments.detector.shelf import InService, Model, Shelf

RETRY_S = 30.0
"""Pause before another try while no model at all is in service."""
AGAIN_S = 300.0
"""Pause before a refused configuration is tried again while another model serves: its file may have been mended."""

log = structlog.get_logger()


class ModelSlot:
    """Holds one model; loads the next one in a thread of its own and swaps when that one has proved itself.

    `want`, `reload`, `refuse`, `distrust` and the properties may be called from any thread and return at once. The
    newest wish wins; wishes in between are skipped. While the configured model is refused, the one that serves goes on,
    and where none does, the last one that was good comes into service: `fallback` says so, `error` says why.
    """

    def __init__(
        self,
        shelf: Shelf,
        *,
        swapped: Callable[[Model, DetectorSettings], None] = lambda _, __: None,
        failed: Callable[[Exception], None] = lambda _: None,
        retry_s: float = RETRY_S,
        again_s: float = AGAIN_S,
    ) -> None:
        """`swapped` is told of each model that goes into service, and of new thresholds for the one that serves;
        `failed` of what was raised by one that was refused."""
        self._shelf, self._swapped, self._failed = shelf, swapped, failed
        self._retry_s, self._again_s = retry_s, again_s
        self._changed = threading.Condition()
        self._pending = self._stopped = False
        self._wanted: DetectorSettings | None = None  # not tried yet
        self._configured: DetectorSettings | None = None  # the newest one, tried or not
        self._suspect: Candidate | None = None  # answered wrongly, and is to be replaced
        self._anew = False  # the configured weights are to be loaded, also if they serve
        self._afresh: Candidate | None = None  # was loaded anew because it answered wrongly
        self._service: InService | None = None
        self._thread: threading.Thread | None = None
        self._judged = threading.Event()
        self._gauges = ServiceGauges()
        self.error = "no model was configured yet"
        self.fallback = False

    @property
    def in_service(self) -> InService | None:
        return self._service

    @property
    def model(self) -> Model | None:
        service = self._service
        return service.model if service else None

    def require(self) -> Model:
        """The model in service.

        Raises:
            DetectorUnavailable: there is none; the reason says why.
        """
        if (service := self._service) is None:
            raise DetectorUnavailable(self.error)
        return service.model

    def want(self, settings: DetectorSettings) -> None:
        """Have `settings` in service; loaded in the background."""
        with self._changed:
            self._wanted = self._configured = settings
            if self._service is None:
                self.error = f"model {settings.model} is being loaded"
            self._wake()

    @property
    def configured(self) -> str:
        """The model that was last wished for, "" for none."""
        return self._configured.model if self._configured else ""

    def reload(self) -> bool:
        """Have the configured weights loaded anew and proved; until then, and if they fail, what serves goes on. False:
        nothing was configured yet."""
        with self._changed:
            if self._configured is None:
                return False
            self._wanted, self._anew = self._configured, True
            self._wake()
            return True

    def refuse(self, reason: str) -> None:
        """Note a configuration that is not even tried; what served before goes on, or comes back."""
        with self._changed:
            self._refused(reason)
            self._wake()

    def distrust(self, model: Model, reason: str) -> None:
        """Take `model` out of service at once, because it answers wrongly: no answer is better than a wrong one."""
        with self._changed:
            service = self._service
            if service is None or service.model is not model:
                return  # another one took its place meanwhile
            self._service, self._suspect = None, service.candidate
            self._gauges.serves_none()
            self.error = f"model {model.name} answers wrongly: {reason}"
            self._wake()
        log.critical("detector_answers_wrongly", model=model.name, digest=model.digest, reason=reason)

    def wait_for_verdict(self, timeout_s: float) -> bool:
        """Until the first model serves or none was fit to; blocks. False: not after `timeout_s`."""
        return self._judged.wait(timeout_s)

    def stop(self, timeout_s: float = 5.0) -> bool:
        """End the loader; False if it is still busy with a model after `timeout_s`."""
        with self._changed:
            self._stopped = True
            self._changed.notify_all()
        if self._thread is not None:
            self._thread.join(timeout_s)
        return self._thread is None or not self._thread.is_alive()

    def _wake(self) -> None:
        """Under the lock."""
        self._pending = True
        if self._thread is None and not self._stopped:
            self._thread = threading.Thread(target=self._run, name="model-loader", daemon=True)
            self._thread.start()
        self._changed.notify_all()

    def _run(self) -> None:
        while True:
            with self._changed:
                told = self._changed.wait_for(lambda: self._stopped or self._pending, self._patience_s)
                if self._stopped:
                    return
                wanted, suspect = self._wanted, self._suspect
                self._pending, self._wanted, self._suspect = False, None, None
            self._turn(wanted if told else self._due_again(), suspect)

    @property
    def _patience_s(self) -> float | None:
        if self._service is None:
            return self._retry_s
        return self._again_s if self.fallback else None

    def _due_again(self) -> DetectorSettings | None:
        """The configuration, unless it is what serves: then something was refused that could not even be read."""
        serves = self._service is not None and self._service.candidate.settings == self._configured
        return None if serves and not self._anew else self._configured

    def _turn(self, wanted: DetectorSettings | None, suspect: Candidate | None) -> None:
        try:
            if wanted is not None:
                self._serve(wanted)
            if self._service is None:
                self._replace(suspect)
        except Exception as error:  # noqa: BLE001 - border of the loader's loop: it must live, it is tried again
            self._refused(f"the loader failed: {type(error).__name__}: {error}")
        self._judged.set()

    def _serve(self, settings: DetectorSettings) -> None:
        anew = self._anew
        try:
            candidate = self._shelf.candidate(settings)
            if anew or not self._adopted(candidate):
                log.info("model_loading", model=settings.model)
                self._put(candidate, self._shelf.load(candidate), error="", fallback=False)
        except Exception as error:  # noqa: BLE001 - border of a foreign runtime: whatever is wrong, the old model goes on
            self._failed(error)
            self._refused(f"model {settings.model} was refused: {error}")
            return
        self._afresh, self._anew = None, self._anew and not anew
        self._shelf.keep(candidate)

    def _replace(self, suspect: Candidate | None) -> None:
        """Bring into service what was good before. Nothing serves now; `error` says why.

        A suspect is first loaded anew, since its memory may be what is wrong and not its weights; if that was
        tried before, it comes last.
        """
        known = self._shelf.last_good()
        if suspect is None:
            self._put_first_good(known, anew=None)
            return
        others = [each for each in known if not each.is_same_weights(suspect)]
        same = [suspect, *(each for each in known if each.is_same_weights(suspect))]
        twice = self._afresh is not None and self._afresh.is_same_weights(suspect)
        self._put_first_good([*others, *same] if twice else [*same, *others], anew=suspect)

    def _put_first_good(self, candidates: Iterable[Candidate], anew: Candidate | None) -> None:
        for candidate in candidates:
            if self._stopped or self._wanted is not None:
                return
            is_anew = anew is not None and candidate.is_same_weights(anew)
            try:
                model = self._shelf.load(candidate)
                told = "it was loaded anew" if is_anew else f"model {model.name} serves, the last good one"
                self._put(candidate, model, error=f"{self.error}; {told}", fallback=self.fallback or not is_anew)
            except Exception as error:  # noqa: BLE001 - border of a foreign runtime: the next one may do
                self._failed(error)
                log.error("last_good_refused", model=candidate.settings.model, reason=str(error))  # noqa: TRY400
            else:
                self._afresh = candidate if is_anew else None
                return

    def _adopted(self, candidate: Candidate) -> bool:
        """Whether the model in service could take `candidate`'s thresholds, so that nothing need be loaded."""
        service = self._service
        if service is None or not service.candidate.is_same_load(candidate):
            return False
        with self._changed:
            if self._service is not service:
                return False  # it was found to answer wrongly a moment ago
            service.model.adopt(candidate.settings)
            self._put(candidate, service.model, error="", fallback=False)
        return True

    def _put(self, candidate: Candidate, model: Model, *, error: str, fallback: bool) -> None:
        settings = candidate.settings
        self._swapped(model, settings)
        with self._changed:
            self._service = InService(model, candidate)
            self.error, self.fallback = error, fallback
            self._gauges.serves(model.name, model.digest)
        metrics.detector_fallback.set(float(fallback))
        log.info(
            "model_in_service",
            model=model.name,
            digest=model.digest,
            runtime=model.runtime,
            device=model.device,
            confidence=settings.confidence,
            fallback=fallback,
        )

    def _refused(self, reason: str) -> None:
        self.error, self.fallback = reason, True
        metrics.detector_fallback.set(float(self._service is not None))
        log.error("model_refused", reason=reason, in_service=self._service.model.name if self._service else "")
