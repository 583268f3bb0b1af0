"""One body, one box: a model that knows `person` and `fallen_person` may find the same person as both.

Ultralytics' non-maximum suppression compares boxes of one class only, and two boxes of one body would become two
tracks and two alarms.
"""

import numpy as np
from numpy.typing import NDArray

SAME_BODY_IOU = 0.7
"""Overlap from which two boxes of different classes are one body. People who stand close together reach about 0.5."""


def one_box_a_body(
    boxes: NDArray[np.float32],
    confidences: NDArray[np.float32],
    classes: NDArray[np.int64],
    people: NDArray[np.bool_],
    *,
    threshold: float = SAME_BODY_IOU,
) -> NDArray[np.bool_]:
    """(n,) True for the boxes to keep; of two equally confident ones the first is kept.

    boxes: (n, 4) x1 y1 x2 y2 in any unit; classes: (n,) numbers of the model; people: (n,) whether the class is
    somebody. Other things overlap people on purpose (a helmet, a vehicle), and stay. Boxes of one class stay too:
    what is one object within a class was decided by the `iou` of the configuration.
    """
    kept = np.ones(len(boxes), np.bool_)
    bodies = classes[people]
    if len(bodies) < 2 or (bodies == bodies[0]).all():  # nearly always, and overlaps cost half a millisecond
        return kept
    overlaps = _ious(boxes) > threshold
    doubles = overlaps & (classes[:, None] != classes[None, :]) & people[:, None] & people[None, :]
    # The most confident first, so that a box that goes takes no third one with it.
    for index in np.argsort(-confidences, kind="stable"):
        if kept[index]:
            kept[doubles[index]] = False
    return kept


def _ious(boxes: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n, n) intersection over union of each with each."""
    corners = boxes.astype(np.float32)
    low = np.maximum(corners[:, None, :2], corners[None, :, :2])
    high = np.minimum(corners[:, None, 2:], corners[None, :, 2:])
    shared = np.prod(np.clip(high - low, 0, None), axis=2)
    areas = np.prod(np.clip(corners[:, 2:] - corners[:, :2], 0, None), axis=1)
    union = areas[:, None] + areas[None, :] - shared
    ious: NDArray[np.float32] = shared / np.maximum(union, np.finfo(np.float32).tiny)
    return ious
