"""YOLO as the site sees it: pictures in, `Detections` with the site's own names out. Knows no Ray.

torch and ultralytics are imported inside functions: they take seconds, and a replica answers health checks
meanwhile. Ultralytics' `predict` costs 2 ms a call over the parts used here (AutoBackend, letterbox, NMS).
"""

import time
from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import NDArray

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError, DetectorUnavailable, WeightsError
from cluster.safety.frames import Image
from cluster.safety.objects import PERSON, is_a
from cluster.settings.models import MAX_MESSAGE_BYTES, DetectorSettings, ModelSettings, fits_in_a_message
from deployments.detector.backend import Backend, open_backend
from deployments.detector.canary import CONFIDENCE, Canary, canary_of, street
from deployments.detector.gpu_faults import is_out_of_memory
from deployments.detector.hardware import thread_count
from deployments.detector.letterbox import Letterbox
from deployments.detector.one_body import one_box_a_body
from deployments.detector.weights import verified


class YoloModel:
    """A loaded model. Belongs to one thread at a time: runtimes reuse their buffers from call to call."""

    def __init__(
        self, backend: Backend, settings: DetectorSettings, entry: ModelSettings, canary: Canary | None = None
    ) -> None:
        self._backend = backend
        self._settings = settings
        self._canary = canary
        self.name = entry.name
        self.digest = entry.sha256
        self.runtime, self.device = backend.runtime, backend.device
        self.image_size = _image_size(backend, settings, entry)
        self._labels = _labels(backend, entry)
        self._people = [number for number, label in self._labels.items() if is_a(label, PERSON)]
        self.knows = frozenset(self._labels.values())

    @classmethod
    def load(cls, settings: DetectorSettings, entry: ModelSettings, *, threads: int | None = None) -> Self:
        """Check and open the weights of `entry`; on a CPU, .pt weights are exported to OpenVINO first.

        Raises:
            WeightsError: missing, truncated, another sha256, another task, or without the classes of `entry`.
        """
        path = verified(entry)
        backend = open_backend(path, settings.runtime, entry.sha256, threads or thread_count())
        return cls(backend, settings, entry, canary_of(entry))

    @property
    def batches(self) -> bool:
        """Whether several pictures at once are faster than one by one."""
        return self.device != "cpu"

    def detect_all(self, images: Sequence[Image]) -> list[Detections]:
        """What is in each of `images`, in their order; pictures of one shape go through the model together.

        Pictures of different shapes do not: padding them to a common one would make what a camera sees
        depend on which other cameras sent a frame in the same moment.

        Raises:
            DetectorUnavailable: the GPU is out of memory.
            DetectorError: the runtime failed on these pictures.
        """
        found: dict[int, Detections] = {}
        for indices in _by_shape(images):
            for index, detections in zip(indices, self._detect([images[i] for i in indices]), strict=True):
                found[index] = detections
        return [found[index] for index in range(len(images))]

    def prove(self) -> None:
        """One whole pass over the canary, as a camera's frame goes, before the model is trusted with cameras.

        Raises:
            WeightsError: it fails, finds something else, or gives numbers that are none.
        """
        canary = self._canary or street()
        try:
            raw = self._backend.infer(self._letterbox(canary.image, self.image_size).apply([canary.image]))
            found = self._detect([canary.image], confidence=CONFIDENCE)[0]
        except DetectorError as error:
            raise WeightsError(f"model {self.name}: fails on a picture: {error.reason}", error.mend) from error
        if not np.isfinite(raw).all():
            raise WeightsError(f"model {self.name}: gives numbers that are not finite", "try runtime: torch")
        fault = (self._canary.fault(found) if self._canary else "") or self.canary_fault()
        if fault:
            raise WeightsError(
                f"model {self.name}: {fault}", "take weights that detect, or give it a canary of its own"
            )

    @property
    def has_canary(self) -> bool:
        """Whether it is known of some picture what this model must find on it."""
        return self._canary is not None

    def canary_fault(self) -> str:
        """What is wrong with the answer to the canary at this moment, "" if nothing or if there is no canary."""
        if (canary := self._canary) is None:
            return ""
        long_side = min(canary.long_side or self.image_size, self.image_size)
        return canary.fault(self._detect([canary.image], long_side=long_side, confidence=CONFIDENCE)[0])

    def adopt(self, settings: DetectorSettings) -> None:
        """From the next picture on with the thresholds of `settings`, which are for the same weights and size."""
        self._settings = settings

    def _detect(
        self, images: list[Image], *, long_side: int | None = None, confidence: float | None = None
    ) -> list[Detections]:
        settings = self._settings
        letterbox = self._letterbox(images[0], long_side or self.image_size)
        started_s = time.perf_counter()
        try:
            rows = self._backend.detect(letterbox.apply(images), confidence or settings.confidence, settings.iou)
        except Exception as error:  # border of a foreign runtime: its errors neither pickle nor say what to do
            raise _ours(error) from error
        each_s = (time.perf_counter() - started_s) / len(images)
        return [self._detections(letterbox, found, each_s) for found in rows]

    def _letterbox(self, image: Image, long_side: int) -> Letterbox:
        height, width = image.shape[:2]
        return Letterbox.of(width, height, long_side, self._backend.stride, self._backend.fixed_size)

    def _detections(self, letterbox: Letterbox, rows: NDArray[np.float32], inference_s: float) -> Detections:
        """rows: (n, 6) x1 y1 x2 y2 in pixels of the letterboxed picture, confidence, class."""
        known = rows[np.isin(rows[:, 5].astype(int), list(self._labels))]
        classes = known[:, 5].astype(np.int64)
        kept = known[one_box_a_body(known[:, :4], known[:, 4], classes, np.isin(classes, self._people))]
        return Detections(
            boxes=letterbox.undo(kept[:, :4]),
            confidences=np.ascontiguousarray(kept[:, 4], dtype=np.float32),
            labels=tuple(self._labels[int(number)] for number in kept[:, 5]),
            model_digest=self.digest,
            image_size=self.image_size,
            inference_s=inference_s,
            knows=self.knows,
        )


def _image_size(backend: Backend, settings: DetectorSettings, entry: ModelSettings) -> int:
    """Long side in pixels of what cameras send; an export of a fixed size decides it over the configuration."""
    image_size = max(backend.fixed_size or (settings.image_size,))
    if not fits_in_a_message(image_size):
        raise WeightsError(
            f"model {entry.name}: the export takes {image_size} pixels only, and a frame of {image_size}x{image_size} "
            f"does not fit into a message of {MAX_MESSAGE_BYTES} bytes",
            "export it with imgsz of at most 1152, or with dynamic=True",
        )
    return image_size


def _labels(backend: Backend, entry: ModelSettings) -> dict[int, str]:
    """Class numbers of the model onto the site's names; classes that `entry` does not name are ignored."""
    names = backend.class_names
    unknown = [name for name in entry.classes if name not in names.values()]
    if unknown:
        raise WeightsError(
            f"model {entry.name}: has no class {', '.join(map(repr, unknown))}, "
            f"but {', '.join(repr(name) for name in list(names.values())[:20])}",
            "correct classes in configs/models.yaml",
        )
    return {number: entry.classes[name] for number, name in names.items() if name in entry.classes}


def _by_shape(images: Sequence[Image]) -> list[list[int]]:
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, image in enumerate(images):
        groups.setdefault(image.shape, []).append(index)
    return list(groups.values())


def _ours(error: Exception) -> DetectorError:
    if is_out_of_memory(error):
        return DetectorUnavailable("the GPU is out of memory", "lower max_batch_size or image_size")
    return DetectorError(f"inference failed: {type(error).__name__}: {error}")
