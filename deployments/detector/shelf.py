"""Where models come from: the models file and its weights, and what is remembered of those that served well."""

from collections.abc import Callable, Iterator
from typing import Protocol, runtime_checkable

import structlog

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError
from cluster.safety.frames import Image
from cluster.settings.base import cache_folder
from cluster.settings.load import load_models
from cluster.settings.models import DetectorSettings
from deployments.detector.last_good import Candidate, FileKeyValues, LastGood, RayKeyValues
from deployments.detector.proved_weights import ProvedWeights
from deployments.detector.weights import resolve

log = structlog.get_logger()


class Model(Protocol):
    """What a slot needs of a model."""

    name: str
    digest: str
    runtime: str
    device: str
    image_size: int

    @property
    def batches(self) -> bool: ...

    def detect_all(self, images: list[Image]) -> list[Detections]: ...


@runtime_checkable
class Provable(Protocol):
    """A model that can be asked whether it still detects. A stub need not be one."""

    @property
    def has_canary(self) -> bool: ...

    def canary_fault(self) -> str:
        """What is wrong with its answer to a stored picture, "" if nothing. Raises DetectorError if it fails on it."""


@runtime_checkable
class Adjustable(Protocol):
    """A model that takes other thresholds while it serves. One that is not is loaded anew for them."""

    def adopt(self, settings: DetectorSettings) -> None: ...


class Shelf(Protocol):
    """What a slot takes models from. Slow; for the thread of the slot only."""

    def candidate(self, settings: DetectorSettings) -> Candidate:
        """What `settings` mean at this moment. Raises DetectorError: there is no such model."""

    def load(self, candidate: Candidate) -> Model:
        """A model that proved itself. Raises whatever its runtime raises."""

    def keep(self, candidate: Candidate) -> None:
        """Remember one that is in service, and was configured, as good. Raises nothing."""

    def last_good(self) -> list[Candidate]:
        """What served well, the last one first. Raises nothing."""


class StubShelf:
    """Models that a function makes of settings; the cluster remembers which were good, this machine does not."""

    def __init__(self, load: Callable[[DetectorSettings], Model], memory: LastGood | None = None) -> None:
        self._load, self._memory = load, memory or LastGood(RayKeyValues())

    def candidate(self, settings: DetectorSettings) -> Candidate:
        return Candidate(settings)

    def load(self, candidate: Candidate) -> Model:
        return self._load(candidate.settings)

    def keep(self, candidate: Candidate) -> None:
        self._memory.remember(candidate)

    def last_good(self) -> list[Candidate]:
        return self._memory.recall()


class ModelShelf:
    """The models of `models_file`, each proved before it is handed out."""

    def __init__(
        self,
        models_file: str,
        threads: Callable[[], int],
        *,
        memory: LastGood | None = None,
        weights: ProvedWeights | None = None,
    ) -> None:
        """`threads`: how many an inference may use of a CPU."""
        self._models_file, self._threads = models_file, threads
        self._memory = memory or LastGood(RayKeyValues(), FileKeyValues(cache_folder()))
        self._weights = weights or ProvedWeights()

    def candidate(self, settings: DetectorSettings) -> Candidate:
        try:
            return Candidate(settings, load_models(self._models_file).named(settings.model))
        except KeyError as error:
            raise DetectorError(str(error.args[0]), "name one of them in serve_config.yaml") from error

    def load(self, candidate: Candidate) -> Model:
        from deployments.detector.model import YoloModel  # torch: seconds, not in the constructor of a replica

        settings, entry = candidate.settings, candidate.entry
        if entry is None:
            raise DetectorError(f"model {settings.model}: no entry of a models file is known for it")
        model = YoloModel.load(settings, entry, threads=self._threads())
        model.prove()
        if model.has_canary:
            log.info("model_proved", model=model.name)
        else:
            log.warning("model_without_canary", model=model.name, reason="only that its numbers are finite is proved")
        return model

    def keep(self, candidate: Candidate) -> None:
        self._memory.remember(candidate)
        if candidate.entry is not None:
            self._weights.keep(resolve(candidate.entry), candidate.entry.sha256)

    def last_good(self) -> list[Candidate]:
        """Each from the weights that proved themselves, then from where they came from."""
        return [each for remembered in self._memory.recall() for each in self._places(remembered)]

    def _places(self, remembered: Candidate) -> Iterator[Candidate]:
        if remembered.entry is None:
            return
        if kept := self._weights.instead_of(remembered.entry):
            yield Candidate(remembered.settings, kept)
        yield remembered
