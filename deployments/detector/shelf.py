"""Where models come from: the models file and its weights, and what is remembered of those that served well."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import structlog

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError, WeightsError
from cluster.safety.frames import Image
from cluster.settings.base import cache_folder
from cluster.settings.load import load_models
from cluster.settings.models import DetectorSettings
from deployments.detector.hardware import require_gpu
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
    def batches(self) -> bool:
        """Whether as many pictures at once as the configuration allows are faster than one by one."""

    @property
    def lanes(self) -> int:
        """Pictures that can be worked at side by side, each for itself; 1: one call at a time."""

    @property
    def has_canary(self) -> bool:
        """Whether it is known of some picture what this model must find on it."""

    def detect_all(self, images: list[Image]) -> list[Detections]: ...

    def detect_beside(self, image: Image, lane: int) -> Detections:
        """For one thread a lane, each below `lanes`, also beside `detect_all`. Raises what `detect_all` raises."""

    def canary_fault(self, lane: int | None = None) -> str:
        """What is wrong with its answer to the stored picture, on `lane` or as a whole, "" if nothing.

        Raises:
            DetectorError: it fails on it.
        """

    def adopt(self, settings: DetectorSettings) -> None:
        """From the next picture on with the thresholds of `settings`, which are for the same weights and size."""


@dataclass(frozen=True, slots=True)
class InService:
    """A model, and what it was loaded for."""

    model: Model
    candidate: Candidate


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


class ModelShelf:
    """The models of `models_file`, each proved before it is handed out."""

    def __init__(
        self,
        models_file: str,
        threads: Callable[[], int],
        gpus: Callable[[], float] = lambda: 0.0,
        *,
        memory: LastGood | None = None,
        weights: ProvedWeights | None = None,
    ) -> None:
        """`threads`: how many an inference may use of a CPU; `gpus`: what this process was given of GPUs."""
        self._models_file, self._threads, self._gpus = models_file, threads, gpus
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
        require_gpu(self._gpus())
        model = YoloModel.load(settings, entry, threads=self._threads())
        model.prove()
        if model.has_canary:
            log.info("model_proved", model=model.name)
        else:
            log.warning("model_without_canary", model=model.name, reason="only that its numbers are finite is proved")
        return model

    def keep(self, candidate: Candidate) -> None:
        self._memory.remember(candidate)
        if candidate.entry is None:
            return
        try:
            weights = resolve(candidate.entry)
        except WeightsError as error:  # it serves from memory; its file was taken away meanwhile
            log.warning("proved_weights_not_kept", weights=candidate.entry.weights, reason=str(error))
        else:
            self._weights.keep(weights, candidate.entry.sha256)

    def last_good(self) -> list[Candidate]:
        """Each from the weights that proved themselves, then from where they came from."""
        return [each for remembered in self._memory.recall() for each in self._places(remembered)]

    def _places(self, remembered: Candidate) -> Iterator[Candidate]:
        if remembered.entry is None:
            return
        if kept := self._weights.instead_of(remembered.entry):
            yield Candidate(remembered.settings, kept)
        yield remembered
