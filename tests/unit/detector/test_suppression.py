"""What is found in a network's numbers is what Ultralytics' own suppression finds in them."""

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from cluster.settings.models import ModelSettings
from deployments.detector.suppression import MOST_OBJECTS, candidates, found_in, suppressed
from deployments.detector.ultralytics_quiet import quieten

Raw = NDArray[np.float32]


def by_ultralytics(raw: Raw, confidence: float, iou: float, *, end2end: bool = False) -> NDArray[np.float32]:
    quieten()
    import torch
    from ultralytics.utils.nms import non_max_suppression

    found = non_max_suppression(torch.from_numpy(raw.copy())[None], confidence, iou, end2end=end2end)
    return np.asarray(found[0].numpy())


def crowd(seed: int, classes: int, boxes: int) -> Raw:
    """A network's output over a crowd: a few places, each found many times, by scores that never tie."""
    chance = np.random.default_rng(seed)
    places = chance.uniform(0, 640, (max(1, boxes // 12), 2))
    centres = places[chance.integers(0, len(places), boxes)] + chance.normal(0, 4, (boxes, 2))
    sizes = chance.uniform(30, 120, (boxes, 2))
    scores = chance.permuted(np.linspace(0.01, 0.99, boxes * classes)).reshape(classes, boxes)
    return np.concatenate((centres.T, sizes.T, scores)).astype(np.float32)


@pytest.mark.parametrize("confidence", [0.01, 0.25, 0.4, 0.9, 0.99])
@pytest.mark.parametrize("iou", [0.1, 0.6, 0.95])
@pytest.mark.parametrize(("classes", "boxes"), [(1, 400), (2, 1260), (3, 2100), (80, 300)])
def test_the_same_boxes_are_found_in_a_crowd(classes: int, boxes: int, confidence: float, iou: float) -> None:
    raw = crowd(classes, classes, boxes)

    found = found_in(raw, confidence, iou, end2end=False)

    assert np.array_equal(found, by_ultralytics(raw, confidence, iou))
    assert found.dtype == np.float32


@pytest.mark.parametrize("boxes", [0, 1])
def test_nearly_nothing_is_no_special_case(boxes: int) -> None:
    raw = crowd(7, 2, boxes)

    assert np.array_equal(found_in(raw, 0.001, 0.6, end2end=False), by_ultralytics(raw, 0.001, 0.6))


def test_no_more_than_a_full_picture_is_told() -> None:
    raw = crowd(1, 1, 4000)
    raw[:2] = np.random.default_rng(2).uniform(0, 60_000, (2, 4000))

    found = found_in(raw, 0.01, 0.6, end2end=False)

    assert len(found) == MOST_OBJECTS
    assert np.array_equal(found, by_ultralytics(raw, 0.01, 0.6))


def test_a_network_that_suppresses_itself_is_only_filtered() -> None:
    chance = np.random.default_rng(3)
    rows = np.concatenate((chance.uniform(0, 640, (300, 4)), chance.uniform(0, 1, (300, 2))), 1).astype(np.float32)

    assert np.array_equal(found_in(rows, 0.4, 0.6, end2end=True), by_ultralytics(rows, 0.4, 0.6, end2end=True))


def test_boxes_without_area_do_not_hide_each_other() -> None:
    rows = np.array([[5, 5, 5, 5, 0.9, 0], [5, 5, 5, 5, 0.8, 0], [300, 5, 300, 9, 0.7, 1]], np.float32)

    assert len(suppressed(rows, 0.6)) == 3


@pytest.fixture(scope="module")
def raws(entry: ModelSettings) -> list[Raw]:
    """What the real network says of the real photographs, at both sizes."""
    import cv2

    from cluster.camera.demo_scene import photograph
    from deployments.detector.backend import open_backend
    from deployments.detector.letterbox import Letterbox
    from deployments.detector.weights import verified

    backend = open_backend(verified(entry), "openvino", entry.sha256, 2)
    outputs: list[Any] = []
    for name in ("bus.jpg", "zidane.jpg"):
        picture = np.asarray(cv2.resize(photograph(name), None, fx=0.5, fy=0.5), np.uint8)
        for size in (320, 640):
            letterbox = Letterbox.of(picture.shape[1], picture.shape[0], size, backend.stride, None)
            outputs.append(backend.infer(letterbox.apply([picture]))[0])
    return outputs


@pytest.mark.parametrize("confidence", [0.001, 0.1, 0.4])
@pytest.mark.parametrize("iou", [0.3, 0.6])
def test_the_same_boxes_are_found_by_the_real_network(raws: list[Raw], confidence: float, iou: float) -> None:
    for raw in raws:
        found = found_in(raw, confidence, iou, end2end=False)

        assert np.array_equal(found, by_ultralytics(raw, confidence, iou))
        assert len(found) > 0


def test_a_gpu_hands_over_the_same_candidates(raws: list[Raw]) -> None:
    import torch

    from deployments.detector.torch_network import most_confident

    for raw in raws:
        rows = most_confident(torch.from_numpy(raw)[None], 2048)[0].numpy()
        confident = rows[rows[:, 4] > 0.1]

        assert len(rows) == min(2048, raw.shape[1])
        assert len(confident) == len(candidates(raw, 0.1))
        assert np.array_equal(suppressed(confident, 0.6), found_in(raw, 0.1, 0.6, end2end=False))
