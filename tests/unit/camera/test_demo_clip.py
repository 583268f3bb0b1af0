"""The demo clip is written whole or not at all, and never looks frozen."""

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from cluster.camera import demo_clip
from cluster.camera.demo_clip import FPS, SECONDS, WALKS, demo_frames, make_demo_clip
from cluster.camera.demo_scene import photograph
from cluster.safety.errors import ConfigError


@pytest.fixture
def one_second(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demo_clip, "SECONDS", 1)


@pytest.mark.usefixtures("one_second")
def test_the_clip_appears_whole_and_progress_is_told(tmp_path: Path) -> None:
    told: list[float] = []

    make_demo_clip(tmp_path / "new folder" / "demo.mp4", progress=told.append)

    assert [path.name for path in (tmp_path / "new folder").iterdir()] == ["demo.mp4"]
    assert told == sorted(told)
    assert told[-1] == 1.0


@pytest.mark.usefixtures("one_second")
def test_a_clip_that_was_interrupted_leaves_nothing_behind(tmp_path: Path) -> None:
    def interrupt(share: float) -> None:
        if share > 0.4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        make_demo_clip(tmp_path / "demo.mp4", progress=interrupt)

    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(ConfigError, match=r"file/demo\.mp4: ") as refused:
        make_demo_clip(tmp_path / "file" / "demo.mp4")

    assert refused.value.mend


def test_missing_photographs_are_one_clear_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)

    with pytest.raises(ConfigError, match=r"bus\.jpg: cannot be read; run `make setup`"):
        photograph("bus.jpg")


def test_no_two_frames_of_the_still_scene_are_the_same() -> None:
    first, second, third = islice(demo_frames(), 3)

    assert first.shape == (720, 1280, 3)
    assert (first != second).mean() > 0.5
    assert (second != third).mean() > 0.5
    assert np.abs(first.astype(int) - second).mean() < 6


def test_everybody_comes_from_outside_stops_inside_the_zone_and_goes() -> None:
    for walk in WALKS:
        assert walk.place(walk.starts_s - 0.1) is walk.place(walk.ends_s + 0.1) is None
        assert not 0 < walk.from_x < 1
        assert not 0 < walk.to_x < 1
        stopped = walk.place((walk.stops_s + walk.leaves_s) / 2)
        assert stopped is not None
        assert 0.35 < stopped[0] < 0.65
        assert 0.3 < stopped[1] <= 1.0


def test_the_clip_can_be_looped() -> None:
    assert all(walk.place(0) is None and walk.place(SECONDS - 1 / FPS) is None for walk in WALKS)
