import threading

import cv2
import numpy as np
import pytest

from cluster.camera import live_pictures
from cluster.camera.live_pictures import LivePictures
from cluster.safety.pictures import PictureProfile


@pytest.fixture
def encodings(monkeypatch) -> list[tuple[int, ...]]:
    """Shapes of what was encoded."""
    shapes, real = [], live_pictures.encode_jpeg
    monkeypatch.setattr(
        live_pictures, "encode_jpeg", lambda image, quality: shapes.append(image.shape) or real(image, quality)
    )
    return shapes


@pytest.mark.parametrize(
    ("profile", "size", "shown"),
    [
        (PictureProfile.FULL, (1280, 720), (1280, 720)),
        (PictureProfile.FULL, (5120, 2880), (3840, 2160)),
        (PictureProfile.WALL, (1280, 720), (640, 360)),
        (PictureProfile.WALL, (320, 240), (320, 240)),
        (PictureProfile.THUMBNAIL, (1280, 720), (240, 135)),
        (PictureProfile.THUMBNAIL, (1000, 3), (240, 1)),
    ],
)
def test_a_picture_is_shrunk_to_its_profile_and_never_enlarged(make_frame, profile, size, shown) -> None:
    frame = make_frame(1, *size)

    jpeg, width, height = LivePictures().encode(frame, profile)

    assert (width, height) == shown
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (height, width, 3)


def test_a_frame_is_encoded_once_for_all_who_ask(make_frame, encodings) -> None:
    pictures, frame = LivePictures(), make_frame(1)
    threads = [threading.Thread(target=pictures.encode, args=(frame, PictureProfile.WALL)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(encodings) == 1


def test_each_profile_is_encoded_by_itself(make_frame, encodings) -> None:
    pictures, frame = LivePictures(), make_frame(1)

    pictures.encode(frame, PictureProfile.WALL)
    pictures.encode(frame, PictureProfile.THUMBNAIL)

    assert len(encodings) == 2


def test_a_new_frame_is_a_new_picture_and_a_late_viewer_does_not_bring_the_old_one_back(make_frame, encodings) -> None:
    pictures, old, new = LivePictures(), make_frame(1), make_frame(2)

    first = pictures.encode(old, PictureProfile.WALL)
    second = pictures.encode(new, PictureProfile.WALL)
    pictures.encode(old, PictureProfile.WALL)
    again = pictures.encode(new, PictureProfile.WALL)

    assert first != second
    assert again == second
    assert len(encodings) == 3


def test_an_empty_picture_is_a_value_error() -> None:
    with pytest.raises(ValueError, match="cannot be encoded"):
        live_pictures.encode_jpeg(np.zeros((0, 0, 3), np.uint8), 80)
