"""Small pictures for lists."""

import cv2
import numpy as np

WIDTH_PX = 240
_QUALITY = 70


def thumbnail_of(jpeg: bytes) -> bytes:
    """`jpeg` at most `WIDTH_PX` wide, as a JPEG. Blocks for some milliseconds.

    Raises:
        ValueError: it is no picture.
    """
    # Decoded at half its size already: what is left is larger than the thumbnail, or no picture of a camera.
    image = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_REDUCED_COLOR_2) if jpeg else None
    if image is None:
        raise ValueError("no picture can be read from it")
    height, width = image.shape[:2]
    if width > WIDTH_PX:
        size = (WIDTH_PX, max(1, round(height * WIDTH_PX / width)))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    return bytes(cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, _QUALITY])[1])
