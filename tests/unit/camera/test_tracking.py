"""The tracker: who keeps an id, who gets a new one, and that nobody is left out."""

import subprocess
import sys
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

import numpy as np
import pytest

from cluster.camera.tracking import Tracker
from cluster.safety.detections import Detections
from cluster.safety.tracks import Observation

START = datetime(2026, 11, 22, tzinfo=UTC)
Seen = tuple[str, float, tuple[float, float, float, float]]


class FakeFrame(NamedTuple):
    camera_id: str
    epoch: int
    sequence: int
    captured_at: datetime
    captured_s: float


def frame(index: int, *, rate: float = 5.0, epoch: int = 1, offset_s: float = 0.0) -> FakeFrame:
    seconds = index / rate + offset_s
    return FakeFrame("gate-1", epoch, index + 1, START + timedelta(seconds=seconds), seconds)


def found(*seen: Seen) -> Detections:
    return Detections(
        boxes=np.array([box for _, _, box in seen], np.float32).reshape(-1, 4),
        confidences=np.array([confidence for _, confidence, _ in seen], np.float32),
        labels=tuple(label for label, _, _ in seen),
        model_digest="d" * 64,
        image_size=320,
        inference_s=0.01,
    )


def person(x: float, *, confidence: float = 0.7, y: float = 0.4, label: str = "person") -> Seen:
    return label, confidence, (x, y, x + 0.1, y + 0.4)


def ids(observation: Observation) -> list[int]:
    return [track.track_id for track in observation.tracks]


@pytest.fixture
def tracker() -> Tracker:
    return Tracker(5.0, confidence=0.4)


def test_a_detection_has_an_id_in_the_first_frame_that_shows_it(tracker: Tracker) -> None:
    observation = tracker.update(frame(0), found(person(0.2), person(0.6)))

    assert ids(observation) == [1, 2]


def test_an_observation_says_which_frame_it_belongs_to(tracker: Tracker) -> None:
    seen = found(person(0.2))

    observation = tracker.update(frame(3), seen)

    assert observation.correlation_id == "gate-1-1-4"
    assert observation.captured_s == pytest.approx(0.6)
    assert observation.model_digest == seen.model_digest
    assert observation.tracks[0].box == pytest.approx((0.2, 0.4, 0.3, 0.8))
    assert observation.tracks[0].confidence == pytest.approx(0.7)


@pytest.mark.parametrize("rate", [2.0, 5.0, 15.0], ids="{}fps".format)
@pytest.mark.parametrize("confidence", [0.41, 0.9])
def test_who_walks_through_the_picture_keeps_the_id(rate: float, confidence: float) -> None:
    tracker = Tracker(rate, confidence=0.4)
    speed = 0.12  # of the picture's width a second

    seen = [
        ids(tracker.update(frame(i, rate=rate), found(person(speed * i / rate, confidence=confidence))))
        for i in range(round(6 * rate))
    ]

    assert {tuple(now) for now in seen} == {(1,)}


def test_two_who_pass_each_other_at_different_depths_keep_their_ids(tracker: Tracker) -> None:
    for i in range(30):
        walking = person(0.1 + 0.02 * i, y=0.3), person(0.8 - 0.02 * i, y=0.45)
        observation = tracker.update(frame(i), found(*walking))

        assert ids(observation) == [1, 2]


def test_ids_follow_the_objects_and_not_their_order(tracker: Tracker) -> None:
    left, right = person(0.1), person(0.7)
    tracker.update(frame(0), found(left, right))

    observation = tracker.update(frame(1), found(right, left))

    assert ids(observation) == [2, 1]
    assert [track.box[0] for track in observation.tracks] == pytest.approx([0.7, 0.1])


def test_who_falls_keeps_the_id(tracker: Tracker) -> None:
    for i in range(5):
        tracker.update(frame(i), found(person(0.3)))

    lying = tracker.update(frame(5), found(("fallen_person", 0.6, (0.22, 0.65, 0.5, 0.82))))

    assert [(track.track_id, track.label) for track in lying.tracks] == [(1, "fallen_person")]


def test_a_helmet_never_takes_the_id_of_its_wearer(tracker: Tracker) -> None:
    head = 0.2, 0.4, 0.3, 0.8
    tracker.update(frame(0), found(("person", 0.8, head)))

    only_the_helmet = tracker.update(frame(1), found(("helmet", 0.9, head)))
    both = tracker.update(frame(2), found(("helmet", 0.9, head), ("person", 0.8, head)))

    assert ids(only_the_helmet) == [2]
    assert ids(both) == [2, 1]


def test_a_weak_detection_goes_on_with_the_track_and_is_told(tracker: Tracker) -> None:
    tracker.update(frame(0), found(person(0.2, confidence=0.9)))

    observation = tracker.update(frame(1), found(person(0.21, confidence=0.41)))

    assert ids(observation) == [1]


def test_a_sure_detection_is_matched_before_a_weak_one(tracker: Tracker) -> None:
    tracker.update(frame(0), found(person(0.30, confidence=0.9)))

    observation = tracker.update(frame(1), found(person(0.31, confidence=0.42), person(0.33, confidence=0.9)))

    assert ids(observation) == [2, 1]


def test_a_gap_of_a_second_keeps_the_id(tracker: Tracker) -> None:
    for i in range(5):
        tracker.update(frame(i), found(person(0.3)))
    for i in range(5, 10):
        assert tracker.update(frame(i), found()).tracks == ()

    assert ids(tracker.update(frame(10), found(person(0.3)))) == [1]


@pytest.mark.parametrize("frames_between", [True, False], ids=["empty frames", "no frames at all"])
def test_who_comes_back_later_gets_a_new_id(tracker: Tracker, frames_between: bool) -> None:
    tracker.update(frame(0), found(person(0.3)))
    for i in range(1, 20) if frames_between else ():
        tracker.update(frame(i), found())

    assert ids(tracker.update(frame(20), found(person(0.3)))) == [2]


def test_a_new_epoch_counts_from_one_again(tracker: Tracker) -> None:
    tracker.update(frame(0), found(person(0.1), person(0.5)))

    observation = tracker.update(frame(1, epoch=2), found(person(0.5)))

    assert (observation.epoch, ids(observation)) == (2, [1])


@pytest.mark.parametrize("how", ["reset", "a frame from the past"])
def test_tracks_that_were_forgotten_do_not_give_their_ids_away(tracker: Tracker, how: str) -> None:
    tracker.update(frame(9), found(person(0.1)))
    if how == "reset":
        tracker.reset()

    observation = tracker.update(frame(10 if how == "reset" else 2), found(person(0.1)))

    assert ids(observation) == [2]


def test_no_detection_is_ever_left_out() -> None:
    rng = np.random.default_rng(3)
    tracker = Tracker(10.0, confidence=0.3)
    for i in range(60):
        corners = rng.uniform(0, 0.8, (rng.integers(0, 12), 2))
        labels = rng.choice(["person", "fallen_person", "helmet", "vehicle"], len(corners))
        seen = [
            (str(label), float(rng.uniform(0.3, 1.0)), (x, y, x + rng.uniform(0.001, 0.2), y + rng.uniform(0.001, 0.2)))
            for label, (x, y) in zip(labels, corners, strict=True)
        ]

        observation = tracker.update(frame(i, rate=10.0), found(*seen))

        assert [track.label for track in observation.tracks] == [label for label, _, _ in seen]
        assert min(ids(observation), default=1) >= 1
        assert len(set(ids(observation))) == len(seen)


def test_camera_processes_import_neither_torch_nor_sqlalchemy_nor_scipy() -> None:
    script = """
import importlib, pkgutil, sys
import cluster.camera
for module in pkgutil.walk_packages(cluster.camera.__path__, "cluster.camera."):
    importlib.import_module(module.name)
print(*sorted({"torch", "ultralytics", "sqlalchemy", "scipy", "supervision"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=120, check=False)

    assert (done.returncode, done.stdout.strip()) == (0, ""), done.stderr
