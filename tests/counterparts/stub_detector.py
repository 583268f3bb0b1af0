"""The real Detector with a model that needs no weights: it sees the people that `scene_server` paints.

Slot, batching, health checks and reports are the product's own. A test changes how the model answers by a file, as a
fault in a GPU would: in every replica, at any moment, behind the back of Serve.

    import_path: counterparts.stub_detector:build
    args: { switches: /folder/of/the/test/switches.json }
"""

import hashlib
import json
import math
import os
import threading
import time
from pathlib import Path
from typing import Any, Literal

import numpy as np
from counterparts.scene_server import painted, people_in
from counterparts.stub_models import PlainModel, StubShelf
from ray import serve
from ray.serve import Application

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError, WeightsError
from cluster.safety.frames import Image
from cluster.safety.objects import PERSON
from cluster.settings.base import Settings
from cluster.settings.models import DetectorSettings
from deployments.detector.canary import Canary
from deployments.detector.detector import Detector
from deployments.detector.last_good import LastGood, RayKeyValues

Answer = Literal["painted", "nothing", "noise", "error"]
_CONFIDENCE = 0.9
_KNOWN = ((0.1, 0.2, 0.3, 0.9), (0.6, 0.3, 0.8, 0.8))
_CANARY = Canary(painted(_KNOWN, 0, (320, 192)), tuple((PERSON, box) for box in _KNOWN), at_least=2)


class Switches:
    """How every replica of a test answers: written by the test, read before each frame."""

    def __init__(self, file: Path) -> None:
        self.file = file
        if not file.exists():
            self.set()

    def set(self, *, answer: Answer = "painted", delay_s: float = 0.0, also_new: bool = False) -> None:
        """From the next frame on; what is not named goes back to how it was at first.

        `answer` is that of the models that are loaded by now, as memory that went bad; `also_new`: of every model.
        """
        beside = self.file.with_suffix(f".{os.getpid()}.tmp")
        since_s = math.inf if also_new else time.time()
        beside.write_text(json.dumps({"answer": answer, "delay_s": delay_s, "loaded_before_s": since_s}))
        beside.replace(self.file)

    def get(self, loaded_s: float) -> tuple[Answer, float]:
        """How a model answers that was loaded at `loaded_s` (wall clock)."""
        told = json.loads(self.file.read_text())
        return told["answer"] if loaded_s < told["loaded_before_s"] else "painted", float(told["delay_s"])


class StubModel(PlainModel):
    """Called `broken` it is refused like weights that are none, called `noise` it detects nothing that is there."""

    runtime, has_canary = "stub", True
    knows = frozenset({PERSON})

    def __init__(self, settings: DetectorSettings, switches: Switches) -> None:
        if settings.model == "broken":
            raise WeightsError("model broken: weights.pt: is truncated", "take another one")
        self.name, self.image_size = settings.model, settings.image_size
        self.digest = hashlib.sha256(settings.model.encode()).hexdigest()
        self._switches, self._loaded_s = switches, time.time()
        self._dice = np.random.default_rng(7)
        if fault := self.canary_fault():
            raise WeightsError(f"model {self.name}: {fault}", "take weights that detect")

    def canary_fault(self, lane: int | None = None) -> str:
        return _CANARY.fault(self._detections(self._people(_CANARY.image, self._told()[0]), 0.0))

    def detect_all(self, images: list[Image]) -> list[Detections]:
        answer, delay_s = self._told()
        if delay_s:
            threading.Event().wait(delay_s)  # the model's own thread: a slow GPU holds it as well
        if answer == "error":
            raise DetectorError("inference failed: the stub was told so")
        return [self._detections(self._people(image, answer), delay_s) for image in images]

    def _told(self) -> tuple[Answer, float]:
        answer, delay_s = self._switches.get(self._loaded_s)
        return "noise" if self.name == "noise" else answer, delay_s

    def _people(self, image: Image, answer: Answer) -> list[tuple[float, ...]]:
        if answer == "nothing":
            return []
        if answer == "noise":
            corners = np.sort(self._dice.random((3, 2, 2)), axis=1)
            return [tuple(box) for box in corners.reshape(3, 4).tolist()]
        return list(people_in(image))

    def _detections(self, people: list[tuple[float, ...]], inference_s: float) -> Detections:
        return Detections(
            boxes=np.array(people, np.float32).reshape(-1, 4),
            confidences=np.full(len(people), _CONFIDENCE, np.float32),
            labels=(PERSON,) * len(people),
            model_digest=self.digest,
            image_size=self.image_size,
            inference_s=inference_s,
            knows=self.knows,
        )


class StubDetector(Detector):
    def __init__(self, switches: str) -> None:
        model = Switches(Path(switches))
        super().__init__(
            "configs/models.yaml",
            shelf=StubShelf(lambda settings: StubModel(settings, model), LastGood(RayKeyValues())),
        )


class StubArguments(Settings):
    """`args` of the application."""

    release: str = "test"
    switches: str


def build(arguments: StubArguments) -> Application:
    """The application `detector` of a test."""
    deployment: Any = serve.deployment(StubDetector, name="Detector")
    application: Application = deployment.bind(arguments.switches)
    return application
