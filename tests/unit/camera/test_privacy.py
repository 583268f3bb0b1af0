"""Privacy masks leave nothing to see, whatever the size of the frame."""

import numpy as np
import pytest

from cluster.camera.privacy import PrivacyMasks

LEFT_HALF = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
TRIANGLE = ((0.2, 0.2), (0.8, 0.2), (0.5, 0.9))


def white(width: int, height: int) -> np.ndarray:
    return np.full((height, width, 3), 255, np.uint8)


@pytest.mark.parametrize("size", [(640, 480), (1920, 1080), (333, 111), (2, 2)])
def test_the_polygon_is_black_and_the_rest_is_as_it_was(size):
    image = white(*size)

    PrivacyMasks([LEFT_HALF]).paint(image)

    assert not image[:, : size[0] // 2].any()
    assert image[:, size[0] // 2 + 3 :].all()


def test_every_pixel_that_a_slanted_polygon_touches_is_black():
    image = white(97, 53)

    PrivacyMasks([TRIANGLE]).paint(image)

    ys, xs = np.mgrid[0:53, 0:97]
    # The half-planes of the triangle, in pixel centres.
    x, y = (xs + 0.5) / 97, (ys + 0.5) / 53
    inside = (y >= 0.2) & ((x - 0.2) * 0.7 >= (y - 0.2) * 0.3) & ((0.8 - x) * 0.7 >= (y - 0.2) * 0.3)
    assert inside.sum() > 500
    assert not image[inside].any()


def test_masks_that_overlap_stay_black_where_they_do():
    image = white(100, 100)

    PrivacyMasks([LEFT_HALF, TRIANGLE]).paint(image)

    assert not image[30:60, 30:50].any()


def test_another_frame_size_is_masked_as_well():
    masks = PrivacyMasks([LEFT_HALF])
    masks.paint(white(640, 480))
    larger, smaller = white(1280, 720), white(320, 180)

    masks.paint(larger)
    masks.paint(smaller)

    assert not larger[:, :640].any()
    assert not smaller[:, :160].any()
    assert smaller[:, 165:].all()


def test_without_masks_the_picture_is_untouched():
    image = white(64, 48)

    PrivacyMasks([]).paint(image)

    assert image.all()
