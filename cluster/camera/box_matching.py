"""Which box continues which track: the pairs whose overlaps together are the largest."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Pairs = tuple[NDArray[np.intp], ...]
"""Two: rows, and the columns that belong to them."""


def overlaps(boxes: Floats, others: Floats, margin: float) -> Floats:
    """(n, m) intersection over union of (n, 4) and (m, 4), each box widened by `margin` of its size on each side."""
    ours, theirs = _widened(boxes, margin)[:, None], _widened(others, margin)[None]
    low, high = np.maximum(ours[..., :2], theirs[..., :2]), np.minimum(ours[..., 2:], theirs[..., 2:])
    shared: Floats = np.clip(high - low, 0, None).prod(axis=2)
    union = _areas(ours) + _areas(theirs) - shared
    return np.divide(shared, union, out=np.zeros_like(shared), where=union > 0)


def best_pairs(weights: Floats, least: float) -> Pairs:
    """The assignment of rows to columns of (n, m) with the largest sum, less the pairs below `least`.

    People mostly overlap with nobody or with one other track: whatever hangs together is solved by itself.
    """
    linked = weights > 0
    if not (linked.sum(axis=0) > 1).any() and not (linked.sum(axis=1) > 1).any():
        return np.nonzero(linked & (weights >= least))
    rows: list[int] = []
    columns: list[int] = []
    for group_rows, group_columns in _groups(linked):
        for row, column in _solved(weights[np.ix_(group_rows, group_columns)]):
            if weights[group_rows[row], group_columns[column]] >= least:
                rows.append(int(group_rows[row]))
                columns.append(int(group_columns[column]))
    return np.array(rows, np.intp), np.array(columns, np.intp)


def _groups(linked: NDArray[Any]) -> list[Pairs]:
    """Rows and columns of (n, m) bool that are linked with one another, directly or over others."""
    groups: list[Pairs] = []
    left = linked.any(axis=1)
    while left.any():
        rows: Any = np.zeros(len(linked), np.bool_)
        rows[np.argmax(left)] = True
        size = 0
        while rows.sum() > size:
            size = int(rows.sum())
            columns = linked[rows].any(axis=0)
            rows = linked[:, columns].any(axis=1)
        groups.append((np.flatnonzero(rows), np.flatnonzero(columns)))
        left &= ~rows
    return groups


def _solved(weights: Floats) -> list[tuple[int, int]]:
    """All rows or all columns of (n, m), n, m >= 1, assigned with the largest sum."""
    if weights.shape[0] == 1:
        return [(0, int(weights[0].argmax()))]
    if weights.shape[1] == 1:
        return [(int(weights[:, 0].argmax()), 0)]
    if weights.shape[0] > weights.shape[1]:
        return [(row, column) for column, row in _solved(weights.T)]
    owners = np.full(weights.shape[1], -1)
    prices = np.zeros(weights.shape[0]), np.zeros(weights.shape[1])
    for row in range(weights.shape[0]):
        _assign(row, weights.max() - weights, owners, prices)
    return [(int(owner), column) for column, owner in enumerate(owners) if owner >= 0]


def _assign(row: int, costs: Floats, owners: NDArray[np.int_], prices: tuple[Floats, Floats]) -> None:
    """Gives `row` a column, moving other rows along the cheapest chain (the Hungarian method with prices)."""
    row_prices, column_prices = prices
    distance = np.full(costs.shape[1], np.inf)
    came_from = np.full(costs.shape[1], -1)
    done = np.zeros(costs.shape[1], np.bool_)
    at, column, walked = row, -1, 0.0
    while True:
        through = walked + costs[at] - row_prices[at] - column_prices
        better = ~done & (through < distance)
        distance[better], came_from[better] = through[better], column
        column = int(np.where(done, np.inf, distance).argmin())
        walked, done[column] = distance[column], True
        if owners[column] < 0:
            break
        at = owners[column]
    inside = done & (owners >= 0)
    row_prices[row] += walked
    row_prices[owners[inside]] += walked - distance[inside]
    column_prices[inside] -= walked - distance[inside]
    while column >= 0:
        before = came_from[column]
        owners[column] = owners[before] if before >= 0 else row
        column = int(before)


def _widened(boxes: Floats, margin: float) -> Floats:
    grow = margin * (boxes[:, 2:] - boxes[:, :2])
    return np.concatenate((boxes[:, :2] - grow, boxes[:, 2:] + grow), axis=1)


def _areas(boxes: Floats) -> Floats:
    areas: Floats = (boxes[..., 2:] - boxes[..., :2]).prod(axis=-1)
    return areas
