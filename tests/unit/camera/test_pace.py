"""Files and HLS play at their own rate."""

import pytest

from cluster.camera.pace import Pace


@pytest.mark.parametrize(
    ("looks", "expected"),
    [
        ([(0.0, 100.0), (0.04, 100.0), (0.08, 100.04)], [0, 0.04, 0.04]),
        ([(0.0, 100.0), (0.04, 100.3), (0.5, 100.3)], [0, 0, 0.2]),
        # Too late to catch up: the rest is not played in a hurry.
        ([(0.0, 100.0), (0.04, 105.0), (0.08, 105.0)], [0, 0, 0.04]),
        # The times of the stream jump, back or far ahead.
        ([(50.0, 100.0), (0.0, 100.0), (0.04, 100.0)], [0, 0, 0.04]),
        ([(0.0, 100.0), (900.0, 100.0), (900.04, 100.0)], [0, 0, 0.04]),
    ],
)
def test_a_frame_waits_until_it_is_due(looks, expected):
    pace = Pace()

    assert [pace.wait_s(position_s, now_s) for position_s, now_s in looks] == pytest.approx(expected)


def test_a_live_stream_is_played_a_little_faster():
    pace = Pace(speed=1.25)
    pace.wait_s(0.0, 10.0)

    assert pace.wait_s(1.0, 10.0) == pytest.approx(0.8)
