"""JPEGs of live frames for viewers: each frame and profile at most once, and only if somebody asks."""

import threading
from dataclasses import dataclass

import cv2

from cluster.safety.frames import Frame, Image
from cluster.safety.pictures import PictureProfile

Picture = tuple[bytes, int, int]
"""JPEG, its width and height in pixels."""


@dataclass(slots=True)
class _Newest:
    lock: threading.Lock
    frame: tuple[int, int] = (0, 0)
    picture: Picture = (b"", 0, 0)


class LivePictures:
    """The newest picture of each profile. Any thread may call; two who want the same wait for one encoding."""

    def __init__(self) -> None:
        self._newest = {profile: _Newest(threading.Lock()) for profile in PictureProfile}

    def encode(self, frame: Frame, profile: PictureProfile) -> Picture:
        """`frame` as a JPEG of `profile`, its width and height; an older frame is encoded, but not kept."""
        newest, wanted = self._newest[profile], (frame.epoch, frame.sequence)
        with newest.lock:
            if newest.frame == wanted:
                return newest.picture
            picture = _encoded(frame.image, profile)
            if wanted > newest.frame:
                newest.frame, newest.picture = wanted, picture
            return picture


def _encoded(image: Image, profile: PictureProfile) -> Picture:
    height, width = image.shape[:2]
    if width > profile.width_px:
        # INTER_AREA averages what it leaves out: thin rails and cables do not flicker.
        size = profile.width_px, max(1, round(height * profile.width_px / width))
        image = cv2.resize(image, size, interpolation=cv2.INTER_AREA)  # type: ignore[assignment]
    return encode_jpeg(image, profile.jpeg_quality), image.shape[1], image.shape[0]


def encode_jpeg(image: Image, quality: int) -> bytes:
    """`image` (BGR, height x width x 3, uint8) as a JPEG of `quality` 0..100.

    Raises:
        ValueError: it cannot be encoded, an empty picture for instance.
    """
    try:
        _, jpeg = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, quality])
    except cv2.error as error:
        raise ValueError(f"a picture of shape {image.shape} cannot be encoded") from error
    return jpeg.tobytes()
