"""How often something happened lately."""

import pytest

from cluster.camera.rate import RateMeter


@pytest.mark.parametrize(
    ("ticks", "now_s", "expected"),
    [
        ([], 10.0, 0.0),
        ([10.0], 10.0, 0.0),
        ([8.0, 9.0, 10.0], 10.0, 1.0),
        ([9.0, 9.2, 9.4, 9.6, 9.8, 10.0], 10.0, 5.0),
        ([0.0, 9.0, 10.0], 10.0, 1.0),  # what is older than the window does not count
        ([9.0, 10.0], 12.0, 1 / 3),  # a stream that stopped loses its rate
        ([9.0, 10.0], 16.0, 0.0),
    ],
)
def test_rate(ticks: list[float], now_s: float, expected: float) -> None:
    meter = RateMeter(window_s=5.0)
    for tick in ticks:
        meter.tick(tick)

    assert meter.rate(now_s) == pytest.approx(expected)
