"""Polygons and boxes."""

import pytest

from cluster.safety.geometry import Point, contains, intersection_area, iou, polygon_area, polygon_fault

SQUARE = ((0.2, 0.2), (0.8, 0.2), (0.8, 0.8), (0.2, 0.8))
# A U: the notch between its arms is outside.
CONCAVE = ((0.0, 0.0), (0.3, 0.0), (0.3, 0.6), (0.7, 0.6), (0.7, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))


@pytest.mark.parametrize(
    ("polygon", "point", "inside"),
    [
        (SQUARE, (0.5, 0.5), True),
        (SQUARE, (0.1, 0.5), False),
        (SQUARE, (0.2, 0.5), True),  # the border belongs to it
        (SQUARE, (0.8, 0.8), True),
        (SQUARE, (0.81, 0.8), False),
        (CONCAVE, (0.5, 0.3), False),
        (CONCAVE, (0.15, 0.3), True),
        (CONCAVE, (0.5, 0.8), True),
        (CONCAVE, (0.5, 0.6), True),
    ],
)
def test_contains(polygon: tuple[Point, ...], point: Point, inside: bool) -> None:
    assert contains(polygon, point) is inside


@pytest.mark.parametrize(
    ("polygon", "fault"),
    [
        (SQUARE, None),
        (CONCAVE, None),
        (((0, 0), (1, 1)), "has 2 points, needs at least 3"),
        (((0, 0), (1, 0), (1, 1.1)), "point (1, 1.1) lies outside 0..1"),
        (((0, 0), (1, 0), (1, float("nan"))), "point (1, nan) lies outside 0..1"),
        (((0, 0), (1, 0), (0, 0), (1, 1)), "names the same point twice"),
        (((0, 0), (1, 1), (1, 0), (0, 1)), "crosses itself between edges 1 and 3"),
        (((0, 0), (0.5, 0.5), (1, 1)), "has no area"),
    ],
)
def test_polygon_fault(polygon: tuple[Point, ...], fault: str | None) -> None:
    assert polygon_fault(polygon) == fault


def test_area_and_overlap() -> None:
    assert polygon_area(SQUARE) == pytest.approx(0.36)
    assert intersection_area((0, 0, 0.5, 0.5), (0.25, 0.25, 1, 1)) == pytest.approx(0.0625)
    assert iou((0, 0, 1, 1), (0, 0, 0.5, 1)) == pytest.approx(0.5)
    assert iou((0, 0, 0, 0), (0, 0, 0, 0)) == 0.0
