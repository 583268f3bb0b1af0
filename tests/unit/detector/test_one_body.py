"""One body that the model finds twice is told once; two bodies stay two."""

import numpy as np
import pytest

from deployments.detector.one_body import SAME_BODY_IOU, one_box_a_body

PERSON, FALLEN, WALKER, HELMET = 0, 1, 2, 3
STANDING = (100, 50, 160, 250)
LYING = (300, 200, 460, 260)

Row = tuple[tuple[float, float, float, float], float, int]


def shifted(box: tuple[float, float, float, float], x: float = 0, y: float = 0) -> tuple[float, float, float, float]:
    return box[0] + x, box[1] + y, box[2] + x, box[3] + y


def kept(rows: list[Row]) -> list[int]:
    boxes = np.array([row[0] for row in rows], np.float32).reshape(-1, 4)
    confidences = np.array([row[1] for row in rows], np.float32)
    classes = np.array([row[2] for row in rows], np.int64)
    chosen = one_box_a_body(boxes, confidences, classes, np.isin(classes, (PERSON, FALLEN, WALKER)))
    return np.flatnonzero(chosen).tolist()


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        pytest.param([], [], id="nobody"),
        pytest.param([(STANDING, 0.9, PERSON)], [0], id="one person"),
        pytest.param([(LYING, 0.9, FALLEN), (LYING, 0.5, PERSON)], [0], id="lies, and was found standing too"),
        pytest.param([(STANDING, 0.5, FALLEN), (STANDING, 0.9, PERSON)], [1], id="stands, and was found lying too"),
        pytest.param([(LYING, 0.5, PERSON), (shifted(LYING, 8), 0.9, FALLEN)], [1], id="a little beside"),
        pytest.param([(LYING, 0.7, FALLEN), (LYING, 0.7, PERSON)], [0], id="equally sure"),
        pytest.param([(STANDING, 0.9, PERSON), (STANDING, 0.6, WALKER)], [0], id="two classes of one object name"),
        pytest.param([(STANDING, 0.9, PERSON), (shifted(STANDING, 20), 0.8, FALLEN)], [0, 1], id="half covered"),
        pytest.param(
            [(STANDING, 0.9, PERSON), (shifted(STANDING, 15), 0.8, PERSON)], [0, 1], id="shoulder to shoulder"
        ),
        pytest.param([(STANDING, 0.9, PERSON), (STANDING, 0.8, PERSON)], [0, 1], id="one class is not our affair"),
        pytest.param([(STANDING, 0.9, PERSON), (LYING, 0.8, FALLEN)], [0, 1], id="far apart"),
        pytest.param([(STANDING, 0.9, PERSON), (STANDING, 0.8, HELMET)], [0, 1], id="a thing on somebody"),
        pytest.param([(STANDING, 0.9, HELMET), (STANDING, 0.8, PERSON)], [0, 1], id="somebody behind a thing"),
        pytest.param(
            [(STANDING, 0.9, PERSON), (shifted(STANDING, 9), 0.8, FALLEN), (shifted(STANDING, 18), 0.7, WALKER)],
            [0, 2],
            id="who goes takes nobody along",
        ),
        pytest.param(
            [(LYING, 0.6, PERSON), (STANDING, 0.5, FALLEN), (LYING, 0.9, FALLEN), (STANDING, 0.8, PERSON)],
            [2, 3],
            id="two bodies, each found twice",
        ),
        pytest.param([((5, 5, 5, 9), 0.9, PERSON), ((5, 5, 5, 9), 0.8, FALLEN)], [0, 1], id="boxes without area"),
    ],
)
def test_one_body_keeps_its_most_confident_box(rows: list[Row], expected: list[int]) -> None:
    assert kept(rows) == expected


@pytest.mark.parametrize(("wider", "expected"), [(0.99, [0]), (1.01, [0, 1])])
def test_the_overlap_that_makes_one_body_is_the_written_one(wider: float, expected: list[int]) -> None:
    inside, around = (0, 0, 100, 100), (0, 0, 100, 100 / SAME_BODY_IOU * wider)

    assert kept([(inside, 0.9, PERSON), (around, 0.8, FALLEN)]) == expected
