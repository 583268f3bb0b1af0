"""The stored picture with known objects: what a model does not find there it does not find on a camera either.

A model whose weights are noise, or whose memory went bad, answers as fast and as politely as a good one.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from cluster.safety.detections import Detections
from cluster.safety.errors import WeightsError
from cluster.safety.frames import Image
from cluster.safety.geometry import iou
from cluster.safety.objects import PERSON, is_a
from cluster.settings.base import project_path
from cluster.settings.models import CanarySettings, ModelSettings
from deployments.detector.weights import PACKAGE_PREFIX, in_package

CONFIDENCE = 0.25
"""Objects of the canary are asked for with this, whatever the site asks for on its cameras: weights are proved here,
and not thresholds."""
SAME_OBJECT_IOU = 0.5
LONG_SIDE = 320
"""Pixels. The network is the same at every size; looking at a small one costs a fraction of a frame."""

_STREET = "package:ultralytics/assets/bus.jpg"
_STREET_CROP = (0, 380, 810, 910)  # x1 y1 x2 y2 in pixels: three people who stand apart
_STREET_PEOPLE = ((0.253, 0.025, 0.461, 0.929), (0.014, 0.002, 0.277, 0.98), (0.821, 0.009, 0.999, 0.959))
_OWN_LONG_SIDE = 1152  # of a site's own canary: what a camera may send

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Canary:
    """image: (h, w, 3) uint8 BGR. objects: label and x1 y1 x2 y2 in 0..1 of it, `at_least` of which must be found.

    long_side: pixels in which the model looks at it at run time, None: as it looks at cameras.
    """

    image: Image
    objects: tuple[tuple[str, Box], ...]
    at_least: int
    long_side: int | None = LONG_SIDE

    def fault(self, found: Detections) -> str:
        """What is wrong with `found` as the answer to this picture, "" if nothing."""
        if not (np.isfinite(found.boxes).all() and np.isfinite(found.confidences).all()):
            return "it gives numbers that are not finite"
        seen = sum(_is_among(found, label, box) for label, box in self.objects)
        if seen < self.at_least:
            return (
                f"it finds {seen} of {len(self.objects)} known objects on the stored picture, {self.at_least} are due"
            )
        if len(found) > self._at_most:
            return f"it finds {len(found)} objects on a stored picture of {len(self.objects)}"
        return ""

    @property
    def _at_most(self) -> int:
        """Somebody in the background may be found too; noise gives hundreds."""
        return 2 * len(self.objects) + 6


def canary_of(model: ModelSettings) -> Canary | None:
    """The canary of `model`: its own, or the street if it knows people. None: nothing is known that it must find.

    Raises:
        WeightsError: the picture is not there or cannot be read.
    """
    if model.canary is not None:
        return _own(model.canary)
    return street() if model.proves_detection else None


@cache
def street() -> Canary:
    """People in a street, out of the ultralytics package.

    Raises:
        WeightsError: the package came without it.
    """
    x1, y1, x2, y2 = _STREET_CROP
    people = tuple((PERSON, box) for box in _STREET_PEOPLE)
    return Canary(_shrunk(_read(_STREET)[y1:y2, x1:x2], LONG_SIDE), people, at_least=2)


def _own(settings: CanarySettings) -> Canary:
    objects = tuple((known.label, known.box) for known in settings.objects)
    image = _shrunk(_read(settings.picture), _OWN_LONG_SIDE)
    return Canary(image, objects, at_least=settings.at_least or len(objects), long_side=None)


def _is_among(found: Detections, label: str, box: Box) -> bool:
    """Whether `found` has the object; somebody who stands may be called fallen, which is another question."""
    boxes: list[Box] = [tuple(each) for each in found.boxes.tolist()]
    return any(
        is_a(name, label) and iou(other, box) >= SAME_OBJECT_IOU
        for name, other in zip(found.labels, boxes, strict=True)
    )


def _read(place: str) -> Image:
    path = in_package(place) if place.startswith(PACKAGE_PREFIX) else project_path(place)
    picture = _decoded(path)
    if picture is None:
        raise WeightsError(f"{path}: is no picture that can be read", "run `make setup`, or correct `canary.picture`")
    return np.asarray(picture, dtype=np.uint8)


def _decoded(path: Path) -> Any:
    """None if it cannot be. Not cv2.imread: it writes to stderr about a file that is missing."""
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError:
        return None
    return cv2.imdecode(data, cv2.IMREAD_COLOR) if len(data) else None


def _shrunk(image: Image, long_side: int) -> Image:
    scale = min(1.0, long_side / max(image.shape[:2]))
    size = round(image.shape[1] * scale), round(image.shape[0] * scale)
    return np.ascontiguousarray(cv2.resize(image, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
