"""What a network's raw numbers say was found: confident boxes, each object once. numpy only, no torch.

The arithmetic is that of Ultralytics' `non_max_suppression` in float32, its offsets between classes and its limits
included, so that the same boxes come out (a test compares them on real outputs). torch needs 1 ms for it, for the
price of a call of each of its thirty operations; this needs a tenth where a few boxes are confident.
"""

import numpy as np
from numpy.typing import NDArray

Rows = NDArray[np.float32]
"""(m, 6): x1 y1 x2 y2 in pixels of the letterboxed picture, confidence, class."""

MOST_OBJECTS = 300
MOST_CANDIDATES = 30_000
_CLASS_OFFSET = np.float32(7680)
"""Pixels between the boxes of two classes, so that only boxes of one class are compared."""


def found_in(raw: NDArray[np.float32], confidence: float, iou: float, *, end2end: bool) -> Rows:
    """Objects of one picture, the most confident first.

    raw: (4 + classes, boxes) with centre x, centre y, width, height and a score for each class; or, of a network
    that suppresses itself (`end2end`), (boxes, 6) as they come out here.
    """
    if end2end:
        return np.array(raw[raw[:, 4] > confidence][:MOST_OBJECTS, :6], np.float32)
    return suppressed(candidates(raw, confidence), iou)


def candidates(raw: NDArray[np.float32], confidence: float) -> Rows:
    """Boxes of (4 + classes, boxes) whose best class is above `confidence`, in the network's order."""
    scores = raw[4:]
    confident = np.flatnonzero((scores[0] if len(scores) == 1 else scores.max(axis=0)) > confidence)
    columns = raw[:, confident]
    rows = np.empty((len(confident), 6), np.float32)
    half = columns[2:4] / np.float32(2)
    rows[:, 0:2] = (columns[:2] - half).T
    rows[:, 2:4] = (columns[:2] + half).T
    classes = columns[4:].argmax(axis=0) if len(confident) else np.empty(0, np.int64)
    rows[:, 4] = columns[4:][classes, np.arange(len(confident))]
    rows[:, 5] = classes
    return rows


def suppressed(rows: Rows, iou: float) -> Rows:
    """`rows` without those that overlap a more confident one of their class by more than `iou`."""
    order = np.argsort(-rows[:, 4], kind="stable")[:MOST_CANDIDATES]
    ranked = rows[order]
    boxes = ranked[:, :4] + ranked[:, 5:6] * _CLASS_OFFSET
    sizes = boxes[:, 2:] - boxes[:, :2]
    areas = sizes[:, 0] * sizes[:, 1]
    left = np.arange(len(boxes))
    kept: list[int] = []
    while len(left) and len(kept) < MOST_OBJECTS:
        best, rest = left[0], left[1:]
        kept.append(int(best))
        left = rest[_ious(boxes, areas, best, rest) <= np.float32(iou)]
    return np.asarray(ranked[kept], np.float32)


def _ious(
    boxes: NDArray[np.float32], areas: NDArray[np.float32], best: np.intp, rest: NDArray[np.intp]
) -> NDArray[np.float32]:
    low = np.maximum(boxes[best, :2], boxes[rest, :2])
    high = np.minimum(boxes[best, 2:], boxes[rest, 2:])
    sides = np.clip(high - low, 0, None)
    shared = sides[:, 0] * sides[:, 1]
    with np.errstate(invalid="ignore"):  # two boxes without area are 0 / 0: not a number, and not over any limit
        ratios = shared / (areas[best] + areas[rest] - shared)
    return np.asarray(np.nan_to_num(ratios, copy=False, nan=0.0), np.float32)
