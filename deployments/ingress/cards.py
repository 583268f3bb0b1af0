"""A picture that says that there is no picture, for viewers that can show pictures only (MJPEG)."""

import cv2
import numpy as np

from cluster.safety.pictures import LivePicture, PictureProfile
from cluster.safety.redaction import redact
from cluster.safety.status import CameraStatus

_WIDEST_PX = 1280
_BACKGROUND = (40, 24, 20)
_RED, _AMBER, _GREY, _WHITE = (82, 82, 255), (64, 176, 255), (170, 160, 150), (235, 235, 235)
_TITLES = {
    CameraStatus.UNMONITORED: ("감시 안 됨", _RED),
    CameraStatus.CONNECTING: ("연결 중", _AMBER),
    CameraStatus.DISABLED: ("꺼짐", _GREY),
}


def card_size(profile: PictureProfile) -> tuple[int, int]:
    """Width and height of a card in pixels, 16:9."""
    width = min(profile.width_px, _WIDEST_PX)
    return width, width * 9 // 16


def card_jpeg(picture: LivePicture, profile: PictureProfile) -> bytes:
    """JPEG of 16:9 with status, reason and since when, in Korean and English. Blocks for some milliseconds."""
    width, height = card_size(profile)
    canvas = np.full((height, width, 3), _BACKGROUND, np.uint8)
    korean, colour = _TITLES.get(picture.status, _TITLES[CameraStatus.UNMONITORED])
    since = f"{picture.captured_at:%Y-%m-%d %H:%M:%S} UTC"
    lines = (
        (picture.camera_id, 0.045, _WHITE),
        (f"{korean} {picture.status.value}", 0.07, colour),
        (redact(picture.reason), 0.035, _WHITE),
        (since, 0.03, _GREY),
    )
    y_px = int(canvas.shape[0] * 0.3)
    for text, share, text_colour in lines:
        size_px = max(9, int(width * share))
        # "uni" comes with OpenCV and has Hangul; each call needs its own face, because faces are not shared by threads.
        cv2.putText(canvas, text[:200], (width // 20, y_px), text_colour, cv2.FontFace("uni"), size_px)
        y_px += int(size_px * 1.9)
    cv2.rectangle(canvas, (0, 0), (canvas.shape[1] - 1, canvas.shape[0] - 1), colour, max(2, width // 160))
    return bytes(cv2.imencode(".jpg", canvas, [cv2.IMWRITE_JPEG_QUALITY, profile.jpeg_quality])[1])
