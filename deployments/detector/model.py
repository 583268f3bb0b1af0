"""YOLO as the site sees it: pictures in, `Detections` with the site's own names out. Knows no Ray.

torch and ultralytics are imported inside functions: they take seconds, and a replica answers health checks
meanwhile. What is done here around the network takes 1 ms a picture of 640 pixels; docs/design.md has the profile.
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

_MOST_CLASSES = 65_536
"""Class numbers that a network may have: exports name up to tens of thousands (open vocabularies)."""


class YoloModel:
    """A loaded model. Each lane, and what goes without one, belongs to one thread at a time: runtimes reuse buffers."""

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
        self._known, self._people = _by_number(self._labels)
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
        """Whether as many pictures at once as the configuration allows are faster than one by one."""
        return self.device != "cpu"

    @property
    def lanes(self) -> int:
        """Pictures that can be worked at side by side, by `detect_beside`: more frames a second than one by one."""
        return self._backend.lanes

    def detect_beside(self, image: Image, lane: int) -> Detections:
        """What is in `image`, on the share of the cores that `lane`, below `lanes`, has.

        Raises:
            DetectorError: the runtime failed on this picture.
        """
        return self._detect([[image]], lane=lane)[0]

    def detect_all(self, images: Sequence[Image]) -> list[Detections]:
        """What is in each of `images`, in their order; pictures of one shape go through the model together.

        Pictures of different shapes do not: padding them to a common one would make what a camera sees
        depend on which other cameras sent a frame in the same moment.

        Raises:
            DetectorUnavailable: the GPU is out of memory.
            DetectorError: the runtime failed on these pictures.
        """
        shapes = _by_shape(images)
        answers = self._detect([[images[index] for index in indices] for indices in shapes]) if shapes else []
        found = dict(zip((index for indices in shapes for index in indices), answers, strict=True))
        return [found[index] for index in range(len(images))]

    def prove(self) -> None:
        """One whole pass over the canary, as a camera's frame goes, before the model is trusted with cameras.

        Raises:
            WeightsError: it fails, finds something else, or gives numbers that are none.
        """
        canary = self._canary or street()
        try:
            raw = self._backend.infer(self._letterbox(canary.image, self.image_size).apply([canary.image]))
            found = self._detect([[canary.image]], confidence=CONFIDENCE)[0]
        except DetectorError as error:
            raise WeightsError(f"model {self.name}: fails on a picture: {error.reason}", error.mend) from error
        if not np.isfinite(raw).all():
            raise WeightsError(f"model {self.name}: gives numbers that are not finite", "try runtime: torch")
        if fault := (self._canary.fault(found) if self._canary else "") or self._fault_somewhere():
            raise WeightsError(
                f"model {self.name}: {fault}", "take weights that detect, or give it a canary of its own"
            )

    @property
    def has_canary(self) -> bool:
        """Whether it is known of some picture what this model must find on it."""
        return self._canary is not None

    def _fault_somewhere(self) -> str:
        """Each lane is a network of its own in memory, and frames go through all of them."""
        lanes = range(self.lanes) if self.lanes > 1 else ()
        return next((fault for lane in (None, *lanes) if (fault := self.canary_fault(lane))), "")

    def canary_fault(self, lane: int | None = None) -> str:
        """What is wrong with the answer to the canary at this moment, "" if nothing or if there is no canary."""
        if (canary := self._canary) is None:
            return ""
        long_side = min(canary.long_side or self.image_size, self.image_size)
        return canary.fault(self._detect([[canary.image]], long_side=long_side, confidence=CONFIDENCE, lane=lane)[0])

    def adopt(self, settings: DetectorSettings) -> None:
        """From the next picture on with the thresholds of `settings`, which are for the same weights and size."""
        self._settings = settings

    def _detect(
        self,
        groups: list[list[Image]],
        *,
        long_side: int | None = None,
        confidence: float | None = None,
        lane: int | None = None,
    ) -> list[Detections]:
        """For the pictures of each group, which have one shape, in the order of the groups."""
        settings = self._settings
        letterboxes = [self._letterbox(group[0], long_side or self.image_size) for group in groups]
        started_s = time.perf_counter()
        try:
            batches = [letterbox.apply(group) for letterbox, group in zip(letterboxes, groups, strict=True)]
            found = self._backend.detect(batches, confidence or settings.confidence, settings.iou, lane)
        except Exception as error:  # border of a foreign runtime: its errors neither pickle nor say what to do
            raise _ours(error) from error
        each_s = (time.perf_counter() - started_s) / sum(map(len, groups))
        pairs = zip(letterboxes, found, strict=True)
        return [self._detections(letterbox, rows, each_s) for letterbox, batch in pairs for rows in batch]

    def _letterbox(self, image: Image, long_side: int) -> Letterbox:
        height, width = image.shape[:2]
        return Letterbox.of(width, height, long_side, self._backend.stride, self._backend.fixed_size)

    def _detections(self, letterbox: Letterbox, rows: NDArray[np.float32], inference_s: float) -> Detections:
        """rows: (n, 6) x1 y1 x2 y2 in pixels of the letterboxed picture, confidence, class."""
        rows = rows[self._known[rows[:, 5].astype(np.int64)]]
        classes = rows[:, 5].astype(np.int64)
        kept = rows[one_box_a_body(rows[:, :4], rows[:, 4], classes, self._people[classes])]
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


def _by_number(labels: dict[int, str]) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """For each class number of the model: whether the site has a name for it, and whether it is somebody."""
    known, people = np.zeros((2, _MOST_CLASSES), np.bool_)
    known[list(labels)] = True
    people[[number for number, label in labels.items() if is_a(label, PERSON)]] = True
    return known, people


def _by_shape(images: Sequence[Image]) -> list[list[int]]:
    groups: dict[tuple[int, ...], list[int]] = {}
    for index, image in enumerate(images):
        groups.setdefault(image.shape, []).append(index)
    return list(groups.values())


def _ours(error: Exception) -> DetectorError:
    if is_out_of_memory(error):
        return DetectorUnavailable("the GPU is out of memory", "lower max_batch_size or image_size")
    return DetectorError(f"inference failed: {type(error).__name__}: {error}")
