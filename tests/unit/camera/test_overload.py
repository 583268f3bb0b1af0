"""Who gives way when the detectors cannot follow: cameras and a first-come-first-served queue in virtual time."""

import heapq
import itertools
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

import pytest

from cluster.camera.overload import FLOOR_FPS, DetectRate, Risk
from cluster.safety.zones import Zone, ZoneKind
from cluster.settings.cameras import CameraSettings

SQUARE = ((0.0, 0.0), (1.0, 0.0), (1.0, 1.0), (0.0, 1.0))
KINDS = {Risk.NONE: (), Risk.WARNING: (Zone("w", SQUARE, ZoneKind.WARNING),), Risk.DANGER: (Zone("d", SQUARE),)}


def camera(risk: Risk, fps: float = 5.0) -> CameraSettings:
    return CameraSettings(camera_id="a", source="x.mp4", detect_fps=fps, zones=KINDS[risk])


@dataclass
class Site:
    """Cameras, one call in flight each, before `replicas` that take `inference_s` a frame, first come first served."""

    risks: Sequence[Risk]
    inference_s: float = 0.05
    replicas: int = 1
    now_s: float = 0.0
    in_flight: int = 0
    answers: list[list[float]] = field(default_factory=list)
    flight_s: float = 0.0

    def __post_init__(self) -> None:
        self.rates = [DetectRate(camera(risk), lambda: self.now_s) for risk in self.risks]
        self.answers = [[] for _ in self.risks]
        self._order = itertools.count()
        # Cameras do not start at the same moment.
        self._events = [(0.013 * one, next(self._order), "send", one) for one in range(len(self.risks))]
        heapq.heapify(self._events)
        self._queue: deque[int] = deque()
        self._sent_s = [0.0] * len(self.risks)
        self._busy = 0
        self._chance = random.Random(3)  # noqa: S311 - no secret

    def run(self, until_s: float) -> None:
        while self._events and self._events[0][0] <= until_s:
            at_s, _, what, one = heapq.heappop(self._events)
            self.flight_s += self.in_flight * (at_s - self.now_s)
            self.now_s = at_s
            if what == "send":
                self._sent_s[one] = at_s
                self.in_flight += 1
                self._queue.append(one)
            else:
                self._answer(one)
            self._work()

    def fps(self, one: int, last_s: float = 20.0) -> float:
        return sum(at_s > self.now_s - last_s for at_s in self.answers[one]) / last_s

    def of(self, risk: Risk) -> list[float]:
        return [self.fps(one) for one, other in enumerate(self.risks) if other is risk]

    def _work(self) -> None:
        while self._queue and self._busy < self.replicas:
            self._busy += 1
            # No inference takes exactly as long as the last; without that the cameras lock into each other's rhythm.
            self._later(self.inference_s * self._chance.uniform(0.7, 1.3), "answer", self._queue.popleft())

    def _answer(self, one: int) -> None:
        self._busy -= 1
        self.in_flight -= 1
        self.answers[one].append(self.now_s)
        self.rates[one].answered(self.now_s - self._sent_s[one], self.inference_s)
        due_s = self._sent_s[one] + 1 / self.rates[one].limit_fps * self._chance.uniform(0.9, 1.1)
        self._later(max(0.0, due_s - self.now_s), "send", one)

    def _later(self, in_s: float, what: str, one: int) -> None:
        heapq.heappush(self._events, (self.now_s + in_s, next(self._order), what, one))


def test_danger_keeps_its_rate_while_the_others_give_way_but_never_below_the_floor() -> None:
    site = Site([Risk.DANGER] * 4 + [Risk.WARNING] * 4 + [Risk.NONE] * 8, inference_s=0.05, replicas=2)

    site.run(120)

    assert min(site.of(Risk.DANGER)) >= 4.5
    assert min(site.of(Risk.NONE)) >= 0.5
    assert max(site.of(Risk.NONE)) < 3
    assert sum(site.of(Risk.WARNING)) / 4 >= sum(site.of(Risk.NONE)) / 8
    assert sum(map(sum, (site.of(risk) for risk in Risk))) >= 0.85 * 40, "the detectors are not left idle"


def test_equals_share_equally_and_nobody_swings_to_nothing() -> None:
    site = Site([Risk.NONE] * 12, inference_s=0.05)
    lowest = 5.0
    for second in range(60, 180):
        site.run(second)
        lowest = min(lowest, *(rate.limit_fps for rate in site.rates))

    rates = [site.fps(one, last_s=100) for one in range(12)]

    assert max(rates) <= 2 * min(rates)
    assert lowest >= FLOOR_FPS
    assert 0.85 * 20 <= sum(rates) <= 20.1


@pytest.mark.parametrize("risk", list(Risk))
def test_all_recover_when_replicas_come(risk: Risk) -> None:
    site = Site([risk] * 12, inference_s=0.05)
    site.run(60)
    assert all(rate.possible_fps < 4 for rate in site.rates)

    site.replicas = 6
    site.run(140)

    assert min(site.of(risk)) >= 4.7
    assert not any(rate.is_limited for rate in site.rates)


@pytest.mark.parametrize("inference_s", [0.02, 0.1, 0.2])
def test_the_autoscaler_sees_at_least_two_calls_in_flight_a_replica(inference_s: float) -> None:
    site = Site([Risk.NONE] * 40, inference_s=inference_s)
    site.run(60)
    before = site.flight_s

    site.run(160)

    assert (site.flight_s - before) / 100 >= 1.7


def test_detectors_that_follow_take_nothing_from_anybody() -> None:
    site = Site([Risk.DANGER] * 2 + [Risk.NONE] * 2, inference_s=0.02)

    site.run(60)

    assert [rate.limit_fps for rate in site.rates] == [5.0] * 4


def test_a_danger_camera_that_gets_less_than_one_frame_a_second_says_so_after_a_while() -> None:
    site = Site([Risk.DANGER] * 16, inference_s=0.2)
    site.run(30)
    assert all(rate.is_starved for rate in site.rates)

    site.replicas = 20
    site.run(90)

    assert not any(rate.is_starved for rate in site.rates)


def test_nobody_gives_way_before_the_autoscaler_had_its_time() -> None:
    now_s = [0.0]
    rate = DetectRate(camera(Risk.NONE), lambda: now_s[0])
    limits = []
    for now_s[0] in range(1, 8):
        rate.refused()
        limits.append(rate.limit_fps)

    assert limits == [5.0] * 5 + [pytest.approx(4.0), pytest.approx(3.2)]


def test_a_rate_under_the_floor_that_is_configured_stays() -> None:
    now_s = [0.0]
    rate = DetectRate(camera(Risk.NONE, fps=0.5), lambda: now_s[0])
    for now_s[0] in range(1, 20):
        rate.refused()

    assert rate.limit_fps == 0.5
    assert not rate.is_starved


def test_a_raised_rate_holds_at_once_if_nothing_was_limited() -> None:
    rate = DetectRate(camera(Risk.NONE, fps=2), lambda: 0.0)

    rate.apply(camera(Risk.NONE, fps=8))

    assert rate.limit_fps == 8
