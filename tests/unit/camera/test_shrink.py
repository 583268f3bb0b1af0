"""Frames are made small before they are sent."""

import cv2
import numpy as np
import pytest

from cluster.camera.shrink import shrink

SIZES = [
    # (width, height, image_size, expected width, expected height)
    (1280, 720, 640, 640, 360),
    (1920, 1080, 320, 320, 180),
    (720, 1280, 640, 360, 640),
    (320, 240, 640, 320, 240),
    (640, 640, 640, 640, 640),
    (5000, 10, 640, 640, 1),
]


@pytest.mark.parametrize(("width", "height", "image_size", "wanted_width", "wanted_height"), SIZES)
def test_the_long_side_fits_and_nothing_is_enlarged(
    width: int, height: int, image_size: int, wanted_width: int, wanted_height: int
) -> None:
    small = shrink(np.zeros((height, width, 3), np.uint8), image_size)

    assert small.shape == (wanted_height, wanted_width, 3)
    assert small.dtype == np.uint8


@pytest.mark.parametrize(("width", "height", "image_size"), [(1280, 720, 320), (2560, 1440, 320), (3840, 2160, 640)])
def test_what_is_halved_on_the_way_is_the_average_of_the_same_pixels(width: int, height: int, image_size: int) -> None:
    image = np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)

    small = shrink(image, image_size)

    size = small.shape[1], small.shape[0]
    at_once = cv2.resize(image, size, interpolation=cv2.INTER_AREA)
    assert np.abs(small.astype(int) - at_once.astype(int)).max() <= 1  # each halving rounds once more


@pytest.mark.parametrize(("width", "height", "image_size"), [(1920, 1080, 640), (1282, 722, 320)])
def test_what_halves_would_blur_is_averaged_at_once(width: int, height: int, image_size: int) -> None:
    image = np.random.default_rng(7).integers(0, 256, (height, width, 3), np.uint8)

    small = shrink(image, image_size)

    at_once = cv2.resize(image, (small.shape[1], small.shape[0]), interpolation=cv2.INTER_AREA)
    assert np.array_equal(small, at_once)


def test_a_picture_that_fits_is_not_copied() -> None:
    image = np.zeros((240, 320, 3), np.uint8)

    assert shrink(image, 320) is image


def test_a_frame_larger_than_a_message_is_refused() -> None:
    with pytest.raises(ValueError, match="does not fit into a message"):
        shrink(np.zeros((2000, 2000, 3), np.uint8), 2048)
