"""A whole model for tests to build on, and a shelf that takes models from a function."""

from collections.abc import Callable
from typing import Any

from cluster.safety.detections import Detections
from cluster.safety.frames import Image
from cluster.settings.models import DetectorSettings
from deployments.detector.last_good import Candidate, LastGood
from deployments.detector.shelf import Model


class PlainModel:
    """Sees nothing, is asked nothing: what a test is about, it says itself."""

    name, digest, runtime, device = "fake", "d" * 64, "fake", "cpu"
    image_size, lanes = 320, 1
    batches = has_canary = False

    def detect_all(self, images: list[Image]) -> list[Detections]:
        return []

    def detect_beside(self, image: Image, lane: int) -> Detections:
        return self.detect_all([image])[0]

    def canary_fault(self, lane: int | None = None) -> str:
        return ""

    def adopt(self, settings: DetectorSettings) -> None:
        """It has no thresholds."""


class StubShelf:
    """Models that `load` makes of settings, which are remembered where `memory` says: nowhere, for instance."""

    def __init__(self, load: Callable[[DetectorSettings], Any], memory: LastGood | None = None) -> None:
        self._load, self._memory = load, memory or LastGood()

    def candidate(self, settings: DetectorSettings) -> Candidate:
        return Candidate(settings)

    def load(self, candidate: Candidate) -> Model:
        model: Model = self._load(candidate.settings)
        return model

    def keep(self, candidate: Candidate) -> None:
        self._memory.remember(candidate)

    def last_good(self) -> list[Candidate]:
        return self._memory.recall()
