"""What OpenCV knows about an open stream."""

from dataclasses import dataclass

import cv2

_FASTEST_FPS = 240.0


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """width and height in pixels; `fps` as announced, 0.0 if that is nonsense; `codec` in lower case."""

    width: int
    height: int
    fps: float
    codec: str

    @classmethod
    def of(cls, capture: cv2.VideoCapture) -> "StreamFacts":
        fps = capture.get(cv2.CAP_PROP_FPS)
        return cls(
            int(capture.get(cv2.CAP_PROP_FRAME_WIDTH)),
            int(capture.get(cv2.CAP_PROP_FRAME_HEIGHT)),
            fps if 0 < fps <= _FASTEST_FPS else 0.0,
            _codec_name(int(capture.get(cv2.CAP_PROP_FOURCC))),
        )


def _codec_name(fourcc: int) -> str:
    letters = (fourcc & 0xFFFFFFFF).to_bytes(4, "little").decode("latin-1")
    return "".join(letter for letter in letters if letter.isalnum()).lower()
