"""The real model on the demo clip: people are found where they are, and nobody where nobody is."""

from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
import pytest

from cluster.camera.demo_clip import FPS, SECONDS, WALKS
from cluster.safety.geometry import bottom_center, contains
from cluster.settings.load import load_models
from cluster.settings.models import DetectorSettings
from deployments.detector.model import YoloModel

ZONE = ((0.35, 0.3), (0.65, 0.3), (0.65, 1.0), (0.35, 1.0))
"""The zone of serve_config.yaml."""
EVERY = 2
HALF_A_PERSON = 0.13


class Looked(NamedTuple):
    time_s: float
    feet: list[tuple[float, float]]


@pytest.fixture(scope="module")
def looked(demo_clip: Path) -> list[Looked]:
    model = YoloModel.load(DetectorSettings(model="fall-s", image_size=320), load_models().named("fall-s"))
    capture = cv2.VideoCapture(str(demo_clip), cv2.CAP_FFMPEG)
    seen = []
    for index in range(FPS * SECONDS):
        alive, frame = capture.read()
        assert alive, f"the clip ends at frame {index}"
        if index % EVERY == 0:
            small = np.asarray(cv2.resize(frame, (320, 180), interpolation=cv2.INTER_AREA), dtype=np.uint8)
            boxes = model.detect_all([small])[0].boxes.tolist()
            seen.append(Looked(index / FPS, [bottom_center((x1, y1, x2, y2)) for x1, y1, x2, y2 in boxes]))
    assert not capture.read()[0]
    return seen


def places(time_s: float) -> list[tuple[float, float]]:
    return [place for walk in WALKS if (place := walk.place(time_s)) is not None]


def test_the_empty_workshop_gives_no_detection(looked: list[Looked]) -> None:
    empty = [frame for frame in looked if not places(frame.time_s)]

    assert len(empty) * EVERY / FPS > 5
    assert [frame for frame in empty if frame.feet] == []


def test_who_is_in_the_zone_is_found_there(looked: list[Looked]) -> None:
    occupied = [frame for frame in looked if any(contains(ZONE, place) for place in places(frame.time_s))]

    found = [frame for frame in occupied if any(contains(ZONE, feet) for feet in frame.feet)]

    assert len(occupied) * EVERY / FPS > 8
    assert len(found) / len(occupied) >= 0.95


def test_who_walks_alone_and_whole_is_found_where_he_is(looked: list[Looked]) -> None:
    alone = [
        (frame, place)
        for frame in looked
        if len(at := places(frame.time_s)) == 1 and HALF_A_PERSON < (place := at[0])[0] < 1 - HALF_A_PERSON
    ]

    found = [frame for frame, (x, _) in alone if len(frame.feet) == 1 and abs(frame.feet[0][0] - x) < 0.05]

    assert len(alone) * EVERY / FPS > 5
    assert len(found) / len(alone) >= 0.95


def test_two_are_found_when_two_stand_in_the_zone(looked: list[Looked]) -> None:
    together = [frame for frame in looked if sum(contains(ZONE, place) for place in places(frame.time_s)) == 2]

    found = [frame for frame in together if sum(contains(ZONE, feet) for feet in frame.feet) == 2]

    assert len(together) * EVERY / FPS > 1
    assert len(found) / len(together) >= 0.8


def test_the_clip_begins_and_ends_with_the_empty_scene(looked: list[Looked]) -> None:
    assert looked[0].feet == looked[-1].feet == []
