"""Frozen pictures and covered lenses, with hysteresis in both directions."""

from collections.abc import Callable

import numpy as np
import pytest

from cluster.camera.picture_health import COVERED, FROZEN, PictureHealth
from cluster.safety.frames import Image
from cluster.settings.cameras import PictureHealthSettings

SETTINGS = PictureHealthSettings(frozen_after_s=10, covered_after_s=5, recover_after_s=2)
SHAPE = (90, 160, 3)
RNG = np.random.default_rng(1)
SCENE = RNG.integers(40, 200, SHAPE, dtype=np.uint8)

Camera = Callable[[float], Image]


def noisy(now_s: float) -> Image:
    """A real camera before a scene that does not move: sensor noise."""
    return np.clip(SCENE + RNG.normal(0, 3, SHAPE), 0, 255).astype(np.uint8)


def still(now_s: float) -> Image:
    return SCENE


def rippling(now_s: float) -> Image:
    """A still picture, encoded anew every second."""
    return SCENE + np.uint8(int(now_s) % 3)


def black(now_s: float) -> Image:
    return np.zeros(SHAPE, np.uint8)


def black_with_noise(now_s: float) -> Image:
    return RNG.integers(0, 12, SHAPE, dtype=np.uint8)


def hand_before_the_lens(now_s: float) -> Image:
    return np.clip(RNG.normal(90, 2, SHAPE), 0, 255).astype(np.uint8)


def one_glitch_in_5_s(now_s: float) -> Image:
    return SCENE + np.uint8(50 * (int(now_s / 6) % 2))


def verdicts(health: PictureHealth, *acts: tuple[Camera, float], fps: float = 5) -> list[tuple[float, str]]:
    """What changes, and when: each act is a camera and for how many seconds it plays."""
    changes, before, now_s = [], "", 0.0
    for camera, seconds in acts:
        for _ in range(round(seconds * fps)):
            verdict = health.observe(camera(now_s), 1000.0 + now_s)
            if verdict != before:
                changes.append((round(now_s), verdict))
            before, now_s = verdict, now_s + 1 / fps
    return changes


@pytest.mark.parametrize(
    ("acts", "expected"),
    [
        ([(noisy, 30)], []),
        ([(noisy, 5), (still, 9)], []),
        ([(noisy, 5), (still, 20)], [(15, FROZEN)]),
        ([(still, 20)], [(10, FROZEN)]),
        ([(noisy, 5), (rippling, 20)], [(15, FROZEN)]),
        ([(noisy, 5), (still, 15), (noisy, 10)], [(15, FROZEN), (22, "")]),
        ([(noisy, 5), (still, 15), (noisy, 1.5), (still, 5)], [(15, FROZEN)]),
        ([(still, 12), (one_glitch_in_5_s, 30)], [(10, FROZEN)]),
        ([(noisy, 5), (black_with_noise, 4)], []),
        ([(noisy, 5), (black_with_noise, 10)], [(10, COVERED)]),
        ([(noisy, 5), (black, 30)], [(10, COVERED)]),
        ([(noisy, 5), (hand_before_the_lens, 10)], [(10, COVERED)]),
        ([(noisy, 5), (black_with_noise, 10), (noisy, 10)], [(10, COVERED), (17, "")]),
        ([(black_with_noise, 10), (noisy, 1.5), (black_with_noise, 3), (noisy, 5)], [(5, COVERED), (16, "")]),
        ([(noisy, 1), (black_with_noise, 4), (noisy, 0.6), (black_with_noise, 4), (noisy, 2)], []),
    ],
)
def test_a_picture_is_judged_slowly_in_both_directions(acts, expected):
    found = verdicts(PictureHealth(SETTINGS), *acts)

    assert [verdict for _, verdict in found] == [verdict for _, verdict in expected]
    assert [at_s for at_s, _ in found] == pytest.approx([at_s for at_s, _ in expected], abs=1)


def test_a_file_that_stands_still_is_not_frozen_but_may_be_black():
    health = PictureHealth(SETTINGS, judge_frozen=False)

    assert [verdict for _, verdict in verdicts(health, (still, 30), (black, 10))] == [COVERED]


def test_time_without_pictures_proves_nothing():
    health = PictureHealth(SETTINGS)
    health.observe(SCENE, 0.0)

    assert health.observe(SCENE, 3600.0) == ""


def test_another_frame_size_is_a_change():
    health = PictureHealth(SETTINGS)
    assert verdicts(health, (still, 9)) == []

    assert health.observe(SCENE[::2, ::2], 1009.5) == ""
    assert health.observe(SCENE[::2, ::2], 1012.0) == ""


@pytest.mark.parametrize("shape", [(1, 1, 3), (5, 4000, 3), (4000, 5, 3), (2160, 3840, 3)])
def test_any_frame_size_can_be_judged(shape):
    assert PictureHealth(SETTINGS).observe(np.full(shape, 128, np.uint8), 0.0) == ""
