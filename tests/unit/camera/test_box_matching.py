"""Which boxes continue which tracks: held to scipy's answer, which the product does without."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from cluster.camera.box_matching import best_pairs, overlaps

sizes = st.tuples(st.integers(1, 9), st.integers(1, 9))
# A third of all pairs does not overlap, as people who stand apart.
weights = sizes.flatmap(
    lambda size: arrays(np.float64, size, elements=st.one_of(st.just(0.0), st.floats(0.01, 1.0), st.floats(0.01, 0.2)))
)


@settings(max_examples=300, deadline=None)
@given(weights)
def test_no_other_assignment_has_a_larger_sum(weights: NDArray[np.float64]) -> None:
    from scipy.optimize import linear_sum_assignment

    rows, columns = best_pairs(weights, 0.0)
    expected = weights[linear_sum_assignment(weights, maximize=True)].sum()

    assert weights[rows, columns].sum() == pytest.approx(expected)
    assert len(set(rows.tolist())) == len(rows)
    assert len(set(columns.tolist())) == len(columns)


def test_pairs_that_overlap_too_little_are_left_out() -> None:
    rows, columns = best_pairs(np.array([[0.9, 0.0], [0.0, 0.05]]), 0.1)

    assert (rows.tolist(), columns.tolist()) == ([0], [0])


def test_a_sum_counts_and_not_the_best_single_pair() -> None:
    """Two who cross: the greedy pair (0.6) would leave the other with nothing."""
    rows, columns = best_pairs(np.array([[0.6, 0.5], [0.5, 0.0]]), 0.1)

    assert sorted(zip(rows.tolist(), columns.tolist(), strict=True)) == [(0, 1), (1, 0)]


@pytest.mark.parametrize(
    ("tracks", "boxes"), [(0, 0), (0, 3), (3, 0)], ids=["nothing at all", "no tracks yet", "nobody is seen"]
)
def test_without_tracks_or_boxes_nothing_belongs_together(tracks: int, boxes: int) -> None:
    none = overlaps(np.zeros((tracks, 4)), np.zeros((boxes, 4)), 0.3)

    assert none.shape == (tracks, boxes)
    assert [found.tolist() for found in best_pairs(none, 0.1)] == [[], []]


def test_overlaps_are_shares_of_the_union_of_the_widened_boxes() -> None:
    boxes = np.array([[0.0, 0.0, 10.0, 10.0]])

    assert overlaps(boxes, boxes, 0.0).tolist() == [[1.0]]
    assert overlaps(boxes, np.add(boxes, (5, 0, 5, 0)), 0.0) == pytest.approx(np.array([[1 / 3]]))
    assert overlaps(boxes, np.add(boxes, (12, 0, 12, 0)), 0.0).tolist() == [[0.0]]
    assert overlaps(boxes, np.add(boxes, (12, 0, 12, 0)), 0.3)[0, 0] > 0


def test_boxes_without_an_area_overlap_with_nothing() -> None:
    point = np.array([[5.0, 5.0, 5.0, 5.0]])

    assert overlaps(point, point, 0.3).tolist() == [[0.0]]
