"""Which frames go to the detector: gate, breaker, rate and the switch together."""

from datetime import UTC, datetime

import numpy as np
import pytest
from structlog.testing import capture_logs

from cluster.camera.breaker import BreakerState
from cluster.camera.looking import Looking, Skip
from cluster.safety.errors import DetectorUnavailable
from cluster.safety.frames import Frame
from cluster.settings.cameras import CameraSettings

CAMERA = CameraSettings(camera_id="a", source="x.mp4", detect_fps=10, max_frame_age_s=2, degraded_after_s=5)
STILL = np.random.default_rng(2).integers(40, 200, (90, 160, 3), dtype=np.uint8).repeat(4, 0).repeat(4, 1)


class Bench:
    def __init__(self, camera: CameraSettings = CAMERA) -> None:
        self.now_s, self.sequence = 100.0, 0
        self.looking = Looking(camera, clock=lambda: self.now_s, jitter=lambda: 0.0)

    def frame(self, age_s: float = 0.0) -> Frame:
        self.sequence += 1
        return Frame("a", 1, self.sequence, datetime.now(UTC), self.now_s - age_s, STILL)

    def look(self, answer_s: float | None = 0.02) -> Skip | None:
        """One frame; None as `answer_s`: the detector is away."""
        frame, called_s = self.frame(), self.now_s
        skip = self.looking.judge(frame)
        if skip is None:
            self.now_s += 0.1 if answer_s is None else answer_s
            if answer_s is None:
                self.looking.failed(DetectorUnavailable("no replica runs"), called_s)
            else:
                self.looking.answered(frame, called_s, 0.01)
        self.now_s = max(self.now_s, called_s + self.looking.period_s)
        return skip

    def looks(self, seconds: float, answer_s: float | None = 0.02) -> list[Skip | None]:
        until_s, skips = self.now_s + seconds, []
        while self.now_s < until_s:
            skips.append(self.look(answer_s))
        return skips

    def until_open(self) -> None:
        while self.looking.state().breaker is BreakerState.CLOSED:
            self.look(None)


@pytest.fixture
def bench() -> Bench:
    return Bench()


def without_gate(camera: CameraSettings = CAMERA) -> CameraSettings:
    return camera.model_copy(update={"motion_gate": False})


def test_a_still_picture_is_looked_at_once_a_second(bench: Bench) -> None:
    bench.looks(5)

    skips = bench.looks(10)

    assert 9 <= skips.count(None) <= 11
    assert set(skips) == {None, Skip.GATED}


def test_the_gate_is_switched_while_it_runs(bench: Bench) -> None:
    bench.looks(5)
    bench.looking.apply(without_gate())
    assert set(bench.looks(3)) == {None}

    bench.looking.apply(CAMERA)
    bench.looks(5)

    assert Skip.GATED in bench.looks(2)


def test_the_gate_pauses_no_longer_than_half_of_what_degrades() -> None:
    bench = Bench(CAMERA.model_copy(update={"degraded_after_s": 1.0}))
    bench.looks(5)

    assert bench.looks(10).count(None) >= 19


def test_an_old_frame_is_late(bench: Bench) -> None:
    assert bench.looking.judge(bench.frame(age_s=2.5)) is Skip.LATE


def test_a_detector_that_is_away_opens_the_breaker_with_its_reason_and_one_line_each_way(bench: Bench) -> None:
    with capture_logs() as logs:
        bench.until_open()
        assert bench.looking.state().refused == "no replica runs"
        skips = bench.looks(30, None)
        while bench.looking.state().breaker is not BreakerState.CLOSED:
            bench.look()

    assert skips.count(None) <= 5, "probes only"
    assert skips.count(Skip.BREAKER) > 100
    assert bench.looking.state().refused == ""
    assert [log["event"] for log in logs] == ["detector_breaker_opened", "detector_breaker_closed"]


def test_after_the_breaker_closed_every_frame_is_looked_at_for_a_while(bench: Bench) -> None:
    bench.looks(5)
    bench.until_open()
    while bench.looking.state().breaker is not BreakerState.CLOSED:
        bench.look()

    assert set(bench.looks(1.5)) == {None}


def test_answers_that_come_too_late_open_the_breaker() -> None:
    bench = Bench(without_gate())

    for _ in range(4):
        bench.look(answer_s=2.5)

    assert bench.looking.state().refused == "answers come too late: 2.5 s after the frame instead of 2 s"


def test_overload_lowers_the_rate_and_says_so_and_it_comes_back() -> None:
    bench = Bench(without_gate())
    with capture_logs() as logs:
        for _ in range(12):
            bench.look(answer_s=0.6)
        assert bench.looking.state().limit_fps < 9
        assert "cannot follow 10 frames a second" in bench.looking.state().slow
        bench.looks(120)

    assert bench.looking.state().limit_fps == 10
    assert bench.looking.state().slow == ""
    assert [log["event"] for log in logs] == ["detection_rate_limited", "detection_rate_restored"]


def test_switched_off_nothing_is_looked_at_and_on_again_it_begins_anew(bench: Bench) -> None:
    bench.until_open()
    bench.looking.apply(CAMERA.model_copy(update={"detect": False}))
    assert set(bench.looks(3)) == {Skip.OFF}

    bench.looking.apply(CAMERA)

    assert set(bench.looks(1.5)) == {None}
    assert bench.looking.state().breaker is BreakerState.CLOSED
