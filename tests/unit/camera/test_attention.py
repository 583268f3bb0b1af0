"""What was seen asks for every frame, and for how long."""

from datetime import UTC, datetime

import pytest

from cluster.camera.attention import Attention
from cluster.safety.tracks import Box, Observation, Track
from cluster.safety.zones import Zone
from cluster.settings.cameras import CameraSettings

PRESS = Zone("press", ((0.4, 0.4), (0.6, 0.4), (0.6, 1.0), (0.4, 1.0)), gap_grace_s=4.0)
INSIDE: Box = (0.45, 0.3, 0.55, 0.9)
BESIDE: Box = (0.28, 0.3, 0.37, 0.9)
FAR: Box = (0.05, 0.1, 0.1, 0.3)


def seen(at_s: float, *tracks: Track) -> Observation:
    return Observation("a", 1, 1, datetime.now(UTC), at_s, tracks)


def someone(box: Box, label: str = "person", track_id: int = 1) -> Track:
    return Track(track_id, label, 0.9, box)


def attention(*zones: Zone) -> Attention:
    return Attention(CameraSettings(camera_id="a", source="x.mp4", zones=zones))


CASES = [
    ("nobody", (), (), False),
    ("somebody in the zone, standing still", (someone(INSIDE),), (someone(INSIDE),), True),
    ("somebody beside the zone", (someone(BESIDE),), (someone(BESIDE),), True),
    ("somebody far away, standing still", (someone(FAR),), (someone(FAR),), False),
    ("somebody far away who walks", (someone(FAR),), (someone((0.06, 0.1, 0.11, 0.3)),), True),
    ("a box that trembles", (someone(FAR),), (someone((0.051, 0.101, 0.1, 0.3)),), False),
    ("somebody who has come", (), (someone(FAR),), True),
    ("somebody who is not found any more", (someone(FAR),), (), True),
    ("somebody on the ground, anywhere", (someone(FAR, "fallen_person"),), (someone(FAR, "fallen_person"),), True),
    ("an object that the zone does not ask for", (someone(INSIDE, "vehicle"),), (someone(INSIDE, "vehicle"),), False),
]


@pytest.mark.parametrize(("what", "before", "now", "busy"), CASES, ids=[case[0] for case in CASES])
def test_what_is_seen_asks_for_every_frame(
    what: str, before: tuple[Track, ...], now: tuple[Track, ...], busy: bool
) -> None:
    asks = attention(PRESS)
    asks.observed(seen(0.0, *before))

    asks.observed(seen(100.0, *now))

    assert asks.is_busy(100.1) is busy


def test_it_lasts_as_long_as_the_slowest_rule_counts() -> None:
    asks = attention(PRESS)

    asks.observed(seen(10.0, someone(INSIDE)))

    assert asks.is_busy(14.9)
    assert not asks.is_busy(15.1)


def test_creeping_adds_up() -> None:
    asks = attention()
    asks.observed(seen(0.0, someone(FAR)))
    busy = []
    for step in range(1, 8):
        at_s = 20.0 * step
        asks.observed(seen(at_s, someone((0.05 + 0.002 * step, 0.1, 0.1 + 0.002 * step, 0.3))))
        busy.append(asks.is_busy(at_s))

    assert any(busy)


def test_a_zone_that_is_new_counts_from_the_next_observation() -> None:
    asks = attention()
    asks.observed(seen(0.0, someone(INSIDE)))
    asks.apply(CameraSettings(camera_id="a", source="x.mp4", zones=(PRESS,)))

    asks.observed(seen(100.0, someone(INSIDE)))

    assert asks.is_busy(100.1)
