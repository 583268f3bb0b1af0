"""Privacy masks: parts of the picture that nobody may see, not even the detector."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from cluster.safety.frames import Image
from cluster.safety.geometry import Polygon

_BLACK = (0, 0, 0)
# One pixel beyond the polygon on each side: rounding to whole pixels must never uncover anything.
_BORDER_PX = 3


class PrivacyMasks:
    """Paints polygons (points in 0..1 of the picture) black. Belongs to one thread."""

    def __init__(self, polygons: Sequence[Polygon]) -> None:
        self._polygons = tuple(polygons)
        self._size = (0, 0)
        self._outlines: list[NDArray[np.int32]] = []

    def paint(self, image: Image) -> None:
        """Blackens the masked parts of `image` in place, whatever its size."""
        if not self._polygons:
            return
        height, width = image.shape[:2]
        if self._size != (width, height):
            self._size = (width, height)
            self._outlines = [_in_pixels(polygon, width, height) for polygon in self._polygons]
        for outline in self._outlines:
            # One at a time: fillPoly leaves out what two polygons of one call share.
            cv2.fillPoly(image, [outline], _BLACK)
        cv2.polylines(image, self._outlines, isClosed=True, color=_BLACK, thickness=_BORDER_PX)


def _in_pixels(polygon: Polygon, width: int, height: int) -> NDArray[np.int32]:
    points = np.asarray(polygon, dtype=np.float64) * (width, height) - 0.5
    return np.rint(points).astype(np.int32)
