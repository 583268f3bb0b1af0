"""What the motion gate lets through: drawn scenes with light, noise and people, and the events that come of it."""

from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import pairwise

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from cluster.camera.attention import Attention
from cluster.camera.demo_clip import Walk
from cluster.camera.demo_scene import HEIGHT_PX, WIDTH_PX, Cutout, paste, people, workshop
from cluster.camera.motion import MotionGate
from cluster.camera.tracking import Tracker
from cluster.safety.detections import Detections
from cluster.safety.events import SafetyEvent
from cluster.safety.frames import Frame, Image
from cluster.safety.zone_rules import CameraRules
from cluster.safety.zones import Zone, ZoneKind
from cluster.settings.cameras import CameraSettings

FPS = 10
NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
ZONES = (
    Zone("press", ((0.35, 0.3), (0.65, 0.3), (0.65, 1.0), (0.35, 1.0)), entrances=True, dwell_s=2.0),
    Zone("left", ((0.1, 0.3), (0.25, 0.3), (0.25, 1.0), (0.1, 1.0)), ZoneKind.WARNING, escalate_after_s=1.0),
)
Scene = NDArray[np.float32]


@cache
def empty() -> Scene:
    return workshop()


@cache
def small_empty() -> Scene:
    return np.asarray(cv2.resize(empty(), (640, 360), interpolation=cv2.INTER_AREA), np.float32)


class Noise:
    """Sensor noise, another for each frame."""

    def __init__(self, sigma: float) -> None:
        self._rng = np.random.default_rng(5)
        self._field = self._rng.normal(0, sigma, (2 * HEIGHT_PX, 2 * WIDTH_PX, 1)).astype(np.float32)

    def on(self, scene: Scene) -> Image:
        height, width = scene.shape[:2]
        y, x = (int(self._rng.integers(most)) for most in (HEIGHT_PX, WIDTH_PX))
        return np.clip(scene + self._field[y : y + height, x : x + width], 0, 255).astype(np.uint8)


def small(person: Cutout, height_px: int) -> Cutout:
    scale = height_px / person.alpha.shape[0]
    image, alpha = (
        cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
        for part in (person.image, person.alpha)
    )
    return Cutout(np.asarray(image, np.float32), np.asarray(alpha, np.float32)[..., None])


def passed(images: Iterable[Image], gate: MotionGate | None = None) -> list[int]:
    """Numbers of the frames that pass."""
    gate = gate or MotionGate()
    return [number for number, image in enumerate(images) if gate.wants(image, 50.0 + number / FPS)]


def gaps(numbers: list[int]) -> list[int]:
    return [after - before for before, after in pairwise(numbers)]


@pytest.mark.parametrize("sigma", [0.0, 3.0, 6.0])
def test_a_still_noisy_scene_is_looked_at_once_a_second(sigma: float) -> None:
    noise = Noise(sigma)

    late = [number for number in passed(noise.on(small_empty()) for _ in range(200)) if number >= 100]

    assert 10 <= len(late) <= 12
    assert max(gaps(late)) == FPS


LIGHTS: dict[str, Callable[[int], Scene]] = {
    "brighter in a step": lambda n: small_empty() * (1.0 if n < 60 else 1.3),
    "another exposure curve": lambda n: 255 * (small_empty() / 255) ** np.float32(1.0 if n < 60 else 0.8),
    "a cloud": lambda n: small_empty() * np.float32(1 + 0.3 * np.sin(n / 40)),
}


@pytest.mark.parametrize("light", LIGHTS.values(), ids=LIGHTS)
def test_light_that_changes_costs_a_few_looks_at_most(light: Callable[[int], Scene]) -> None:
    noise = Noise(3)

    numbers = passed(noise.on(light(number)) for number in range(140))

    assert len([number for number in numbers if number >= 40]) <= 10 + 25


WALKERS = {
    # height of the person in pixels, pixels a second, contrast
    "small and distant": (24, 20.0, 1.0),
    "slow": (40, 4.0, 1.0),
    "hardly to be seen": (60, 20.0, 0.2),
}


@pytest.mark.parametrize(("height_px", "speed", "contrast"), WALKERS.values(), ids=WALKERS)
def test_somebody_who_comes_is_seen_at_once_and_all_the_time(height_px: int, speed: float, contrast: float) -> None:
    noise, person = Noise(3), small(people()[0], height_px)

    def scenes() -> Iterator[Image]:
        for number in range(75):
            scene = empty().copy()
            if number >= 40:
                with_person = scene.copy()
                paste(with_person, person, 300 + speed * (number - 40) / FPS, 560)
                scene += np.float32(contrast) * (with_person - scene)
            yield noise.on(scene)

    numbers = passed(scenes())

    assert [number for number in numbers if number >= 40] == list(range(40, 75))


def test_after_a_cut_every_frame_is_looked_at_for_a_while() -> None:
    noise, other = Noise(3), np.ascontiguousarray(small_empty()[:, ::-1])

    numbers = passed(noise.on(small_empty() if number < 60 else other) for number in range(120))

    assert set(range(60, 80)) <= set(numbers)
    assert len([number for number in numbers if number >= 85]) <= 6


def test_a_frame_that_was_missed_is_made_good_by_the_next() -> None:
    noise, gate = Noise(3), MotionGate()
    for number in range(60):
        gate.wants(noise.on(small_empty()), number / FPS)

    gate.missed()

    assert all(gate.wants(noise.on(small_empty()), number / FPS) for number in range(60, 75))


def test_who_is_busy_gets_every_frame() -> None:
    noise, gate = Noise(3), MotionGate()

    assert all(gate.wants(noise.on(small_empty()), number / FPS, busy=True) for number in range(60))


# One crosses and stops in the zone, in 150 seconds.
CAST = (Walk(0, 62.0, 64.8, 67.0, 69.5, -0.10, 0.50, 1.10, 0.93),)
SECONDS = 150


class Told:
    """Events of the scripted scene, gated or not: a detector that finds three of four, the tracker and the rules."""

    def __init__(self, gate: MotionGate | None, seed: int) -> None:
        camera = CameraSettings(camera_id="gate-1", source="x.mp4", zones=ZONES)
        self._gate, self._attention = gate, Attention(camera)
        self._tracker, self._rules = Tracker(FPS), CameraRules("gate-1", 1, ZONES)
        # The same luck for the same frame, gated or not.
        self._luck = np.random.default_rng(seed).random((SECONDS * FPS, len(CAST)))
        self.looks = 0
        self.events: list[SafetyEvent] = []

    def see(self, number: int, image: Image) -> None:
        at_s = number / FPS
        if self._gate is not None and not self._gate.wants(image, at_s, busy=self._attention.is_busy(at_s)):
            return
        self.looks += 1
        frame = Frame("gate-1", 1, number + 1, NOON + timedelta(seconds=at_s), at_s, image)
        observation = self._tracker.update(frame, self._detect(number))
        self._attention.observed(observation)
        self.events += self._rules.observe(observation)

    def episodes(self) -> list[tuple[str, str, str]]:
        return sorted((one.zone_id, one.event_type, one.state.value) for one in self.events)

    def opened_s(self) -> list[float]:
        return sorted((one.updated_at - NOON).total_seconds() for one in self.events if one.revision == 1)

    def _detect(self, number: int) -> Detections:
        boxes = [
            box
            for index, walk in enumerate(CAST)
            if (box := _box(walk, number / FPS)) and self._luck[number, index] < 0.75
        ]
        array = np.array(boxes, np.float32).reshape(-1, 4)
        return Detections(array, np.full(len(boxes), 0.8, np.float32), ("person",) * len(boxes), "d", 640, 0.01)


def _box(walk: Walk, at_s: float) -> tuple[float, float, float, float] | None:
    place = walk.place(at_s)
    if place is None:
        return None
    height, width = (
        part / whole for part, whole in zip(people()[walk.person].alpha.shape, (HEIGHT_PX, WIDTH_PX), strict=False)
    )
    left, right = max(0.0, place[0] - width / 2), min(1.0, place[0] + width / 2)
    return (left, max(0.0, place[1] - height), right, place[1]) if right - left > 0.02 else None


def scene_at(number: int) -> Scene:
    at_s = number / FPS
    if all(walk.place(at_s) is None for walk in CAST):
        return small_empty()
    scene = empty().copy()
    for walk in CAST:
        if (place := walk.place(at_s)) is not None:
            paste(scene, people()[walk.person], place[0] * WIDTH_PX, place[1] * HEIGHT_PX)
    return np.asarray(cv2.resize(scene, (640, 360), interpolation=cv2.INTER_AREA), np.float32)


def test_with_a_fifth_of_the_inferences_the_same_events_are_told() -> None:
    noise = Noise(3)
    pairs = [(Told(None, seed), Told(MotionGate(), seed)) for seed in (7,)]
    for number in range(SECONDS * FPS):
        image = noise.on(scene_at(number))
        for pair in pairs:
            for told in pair:
                told.see(number, image)

    for ungated, gated in pairs:
        assert ungated.episodes() == gated.episodes()
        assert len(ungated.episodes()) >= 6
        assert np.allclose(ungated.opened_s(), gated.opened_s(), atol=0.25)
        print(f"{ungated.looks / gated.looks:.2f} times fewer, {len(gated.episodes())} revisions, as ungated")
        assert ungated.looks >= 5 * gated.looks
