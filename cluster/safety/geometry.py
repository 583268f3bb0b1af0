"""Points, boxes and polygons in 0..1 of the picture."""

from collections.abc import Sequence

from cluster.safety.tracks import Box

Point = tuple[float, float]
Polygon = tuple[Point, ...]


def polygon_fault(polygon: Sequence[Point]) -> str | None:
    """Why `polygon` cannot be a zone, or None if it can.

    >>> polygon_fault([(0, 0), (1, 1), (1, 0), (0, 1)])
    'crosses itself between edges 1 and 3'
    """
    if len(polygon) < 3:
        return f"has {len(polygon)} points, needs at least 3"
    for x, y in polygon:
        if not (0.0 <= x <= 1.0 and 0.0 <= y <= 1.0):
            return f"point ({x:g}, {y:g}) lies outside 0..1"
    if len(set(polygon)) < len(polygon):
        return "names the same point twice"
    if (crossing := _first_crossing(polygon)) is not None:
        return f"crosses itself between edges {crossing[0] + 1} and {crossing[1] + 1}"
    if polygon_area(polygon) < 1e-6:
        return "has no area"
    return None


def polygon_area(polygon: Sequence[Point]) -> float:
    """Area as a share of the picture (shoelace formula)."""
    total = sum(x1 * y2 - x2 * y1 for (x1, y1), (x2, y2) in _edges(polygon))
    return abs(total) / 2


def contains(polygon: Sequence[Point], point: Point) -> bool:
    """Whether `point` lies in `polygon`; the border belongs to it, so that the edge of a picture can be covered."""
    x, y = point
    inside = False
    for (x1, y1), (x2, y2) in _edges(polygon):
        if _on_segment((x1, y1), (x2, y2), point):
            return True
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
    return inside


def bottom_center(box: Box) -> Point:
    """Where a standing object touches the ground."""
    return (box[0] + box[2]) / 2, box[3]


def center(box: Box) -> Point:
    return (box[0] + box[2]) / 2, (box[1] + box[3]) / 2


def box_area(box: Box) -> float:
    return max(0.0, box[2] - box[0]) * max(0.0, box[3] - box[1])


def intersection_area(a: Box, b: Box) -> float:
    return box_area((max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])))


def iou(a: Box, b: Box) -> float:
    """Intersection over union of two boxes, 0 where both are empty."""
    shared = intersection_area(a, b)
    union = box_area(a) + box_area(b) - shared
    return shared / union if union > 0 else 0.0


def _edges(polygon: Sequence[Point]) -> list[tuple[Point, Point]]:
    return [(polygon[i], polygon[(i + 1) % len(polygon)]) for i in range(len(polygon))]


def _first_crossing(polygon: Sequence[Point]) -> tuple[int, int] | None:
    edges = _edges(polygon)
    for i in range(len(edges)):
        for j in range(i + 1, len(edges)):
            neighbours = j == i + 1 or (i == 0 and j == len(edges) - 1)
            if not neighbours and _segments_meet(*edges[i], *edges[j]):
                return i, j
    return None


def _segments_meet(a: Point, b: Point, c: Point, d: Point) -> bool:
    if _turn(a, b, c) * _turn(a, b, d) < 0 and _turn(c, d, a) * _turn(c, d, b) < 0:
        return True
    return _on_segment(a, b, c) or _on_segment(a, b, d) or _on_segment(c, d, a) or _on_segment(c, d, b)


def _turn(a: Point, b: Point, c: Point) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _on_segment(a: Point, b: Point, point: Point) -> bool:
    if abs(_turn(a, b, point)) > 1e-12:
        return False
    return min(a[0], b[0]) <= point[0] <= max(a[0], b[0]) and min(a[1], b[1]) <= point[1] <= max(a[1], b[1])
