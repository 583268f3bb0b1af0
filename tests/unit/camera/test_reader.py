"""What one connection held is free when it ends, and not when Python next looks for rings of objects."""

import gc
import weakref
from collections.abc import Iterator

import numpy as np
import pytest

from cluster.camera.reader import Captured, SourceReader
from cluster.safety.errors import CameraEnded, CameraUnreachable
from cluster.safety.frames import Image


class Picture(np.ndarray):
    """An array that can be watched dying."""


class BreaksOff:
    """Gives one picture and breaks off; or cannot even be opened."""

    codec, kind = "h264", "rtsp"

    def __init__(self, *, opens: bool, dying: "list[weakref.ref[Image]]") -> None:
        if not opens:
            raise CameraUnreachable("connection refused")
        self._dying = dying
        self._left = 1

    def read(self) -> Image:
        if not self._left:
            raise CameraEnded("the stream broke off")
        self._left -= 1
        picture = np.zeros((8, 8, 3), np.uint8).view(Picture)
        self._dying.append(weakref.ref(picture))
        return picture

    def close(self) -> None: ...


@pytest.fixture
def without_collector() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def session(*, opens: bool, dying: "list[weakref.ref[Image]]") -> "weakref.ref[SourceReader]":
    """As the capture loop does it."""
    reader = SourceReader(lambda: BreaksOff(opens=opens, dying=dying), name="gate")  # type: ignore[arg-type,return-value]
    try:
        play(reader)
    except (CameraEnded, CameraUnreachable) as error:
        assert str(error)  # noqa: PT017 - that it is raised is not what is tested
    finally:
        reader.close()
    assert reader.ended(60)
    return weakref.ref(reader)


def play(reader: SourceReader) -> None:
    captured: Captured | None = None
    assert reader.wait_opened(60)
    while newest := reader.next(60):
        captured = newest
    pytest.fail(f"it should break off after {captured}")


@pytest.mark.usefixtures("without_collector")
@pytest.mark.parametrize("opens", [True, False])
def test_a_reader_whose_source_broke_off_and_its_last_picture_are_gone(opens: bool) -> None:
    dying: list[weakref.ref[Image]] = []

    reader = session(opens=opens, dying=dying)

    assert reader() is None
    assert [picture() for picture in dying] == [None] * opens
