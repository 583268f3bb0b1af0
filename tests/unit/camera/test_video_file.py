"""Files as cameras, and what can be wrong with them."""

from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from cluster.camera.opening import probe
from cluster.camera.sources import FrameSource, open_source
from cluster.safety.errors import CameraEnded, CameraNotFound, CameraUnreadable
from cluster.settings.cameras import CameraSettings, SourceKind


def camera(source: Path | str, **settings: object) -> CameraSettings:
    return CameraSettings(camera_id="gate-1", source=str(source), **settings)


@pytest.fixture
def clip(tmp_path: Path) -> Path:
    """12 frames at 60 a second, 64x48, ever brighter."""
    path = tmp_path / "clip.mp4"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"mp4v"), 60, (64, 48))
    for step in range(12):
        writer.write(np.full((48, 64, 3), 20 * step, np.uint8))
    writer.release()
    return path


def test_a_file_gives_its_frames_and_ends(clip):
    source = open_source(camera(clip))

    frames = [source.read() for _ in range(12)]

    assert {frame.shape for frame in frames} == {(48, 64, 3)}
    assert [frame.mean() for frame in frames] == pytest.approx([20 * step for step in range(12)], abs=8)
    with pytest.raises(CameraEnded, match="ended after 12 frames"):
        source.read()
    source.close()


def test_a_looped_file_begins_again(clip):
    source = open_source(camera(clip, loop=True))

    brightness = [source.read().mean() for _ in range(26)]
    source.close()

    assert brightness[12:24] == pytest.approx(brightness[:12], abs=1)


@pytest.mark.parametrize("spelling", ["{}", "file://{}", "file://localhost{}"])
def test_a_file_can_be_spelled_as_path_and_as_address(clip, spelling):
    facts = probe(camera(spelling.format(clip)))

    assert (facts.width, facts.height, facts.fps, facts.codec) == (64, 48, 60.0, "fmp4")


def read_to_the_end(source: FrameSource) -> None:
    for _ in range(1000):
        source.read()


def folder(path: Path) -> None:
    path.mkdir()


def empty(path: Path) -> None:
    path.touch()


def text(path: Path) -> None:
    path.write_text("notes of the shift\n" * 100)


def noise(path: Path) -> None:
    path.write_bytes(np.random.default_rng(1).bytes(50_000))


@pytest.mark.parametrize(
    ("make", "name", "error", "says"),
    [
        (lambda path: None, "clip.mp4", CameraNotFound, "does not exist"),
        (folder, "clip.mp4", CameraUnreadable, "is a folder"),
        (empty, "clip.mp4", CameraUnreadable, "is empty"),
        (text, "clip.mp4", CameraUnreadable, "is no video"),
        (text, "notes.txt", CameraUnreadable, "is no video"),
        (noise, "clip.mp4", CameraUnreadable, "is no video"),
    ],
)
def test_what_is_wrong_with_a_file_is_told(
    tmp_path: Path, make: Callable[[Path], None], name: str, error: type[Exception], says: str
):
    path = tmp_path / name
    make(path)

    with pytest.raises(error, match=says) as raised:
        open_source(camera(path))

    assert str(path) in str(raised.value)
    assert len(str(raised.value).splitlines()) == 1


def test_a_file_without_its_index_is_no_video(clip):
    clip.write_bytes(clip.read_bytes()[:-400])

    with pytest.raises(CameraUnreadable, match="truncated"):
        open_source(camera(clip))


def test_a_file_that_breaks_off_says_that_it_is_truncated(tmp_path):
    path = tmp_path / "clip.avi"
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"MJPG"), 60, (64, 48))
    for _ in range(40):
        writer.write(np.random.default_rng(1).integers(0, 255, (48, 64, 3), np.uint8))
    writer.release()
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 4])
    source = open_source(camera(path))

    with pytest.raises(CameraEnded, match="truncated"):
        read_to_the_end(source)
    source.close()


def test_a_device_that_is_not_there_is_not_found():
    with pytest.raises(CameraNotFound, match="/dev/video99"):
        open_source(camera("usb:99"))


def test_the_kind_follows_from_the_filled_in_address(clip):
    source = open_source(camera("${CLIP}"), {"CLIP": str(clip)})

    assert source.kind is SourceKind.FILE
    source.close()
