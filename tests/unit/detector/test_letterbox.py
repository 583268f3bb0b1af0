"""Scaling, padding and the way back."""

import numpy as np
import pytest

from deployments.detector.letterbox import Letterbox


@pytest.mark.parametrize(
    ("size", "image_size", "fixed", "model_size"),
    [
        ((320, 180), 320, None, (320, 192)),
        ((320, 240), 320, None, (320, 256)),
        ((180, 320), 320, None, (192, 320)),
        ((1280, 720), 320, None, (320, 192)),
        ((160, 90), 320, None, (320, 192)),
        ((640, 640), 640, None, (640, 640)),
        ((320, 180), 320, (640, 640), (640, 640)),
        ((333, 100), 320, None, (320, 96)),
    ],
)
def test_the_model_gets_the_smallest_size_it_takes(
    size: tuple[int, int], image_size: int, fixed: tuple[int, int] | None, model_size: tuple[int, int]
) -> None:
    letterbox = Letterbox.of(*size, image_size, 32, fixed)

    assert (letterbox.model_width, letterbox.model_height) == model_size


@pytest.mark.parametrize("size", [(320, 180), (1280, 720), (90, 160), (333, 100), (1, 1)])
@pytest.mark.parametrize("fixed", [None, (640, 640)])
def test_boxes_find_their_way_back(size: tuple[int, int], fixed: tuple[int, int] | None) -> None:
    letterbox = Letterbox.of(*size, 320, 32, fixed)
    inside = np.array([[0.25, 0.5, 0.75, 1.0]], np.float32)
    scale = np.array([letterbox.scaled_width, letterbox.scaled_height] * 2, np.float32)
    offset = np.array([letterbox.left, letterbox.top] * 2, np.float32)

    back = letterbox.undo(inside * scale + offset)

    assert back == pytest.approx(inside, abs=1e-5)
    assert back.dtype == np.float32


def test_boxes_in_the_padding_end_at_the_border() -> None:
    letterbox = Letterbox.of(320, 180, 320, 32, None)

    assert letterbox.undo(np.array([[-5, 0, 330, 192]], np.float32)) == pytest.approx(np.array([[0, 0, 1, 1]]))


def test_a_picture_of_the_right_size_is_only_padded() -> None:
    letterbox = Letterbox.of(320, 180, 320, 32, None)
    picture = np.random.default_rng(1).integers(0, 255, (180, 320, 3), np.uint8)

    batch = letterbox.apply([picture, picture])

    assert batch.shape == (2, 192, 320, 3)
    assert (batch[1, 6:186] == picture).all()
    assert (batch[:, :6] == 114).all()
