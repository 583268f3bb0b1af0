"""Makes a frame as small as the model wants it, before it is sent."""

import cv2

from cluster.safety.frames import Image
from cluster.settings.models import MAX_MESSAGE_BYTES


def shrink(image: Image, image_size: int) -> Image:
    """`image` with its long side at most `image_size` pixels, aspect ratio kept, never enlarged.

    One camera gives one shape, so that a batch of its frames needs no second letterboxing.

    Raises:
        ValueError: the result would not fit into one message.
    """
    height, width = image.shape[:2]
    scale = min(1.0, image_size / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    if size[0] * size[1] * 3 > MAX_MESSAGE_BYTES:
        raise ValueError(f"a frame of {size[0]}x{size[1]} does not fit into a message of {MAX_MESSAGE_BYTES} bytes")
    if size == (width, height):
        return image
    # INTER_AREA averages what falls together: thin things survive, and it is fast for integer factors.
    smaller: Image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return smaller
