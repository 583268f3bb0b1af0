"""The watch asks again before it judges, and judges only the model that serves."""

import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
from counterparts.stub_models import PlainModel, StubShelf

from cluster.safety.errors import DetectorError, DetectorUnavailable
from cluster.settings.models import DetectorSettings
from deployments.detector import canary_watch
from deployments.detector.canary_watch import CanaryWatch
from deployments.detector.last_good import LastGood
from deployments.detector.slot import ModelSlot

PATIENCE_S = 60
Answer = str | Exception
Make = Callable[..., DetectorSettings]


class ToldModel(PlainModel):
    """Answers to its canary what it was told to, the last answer for ever."""

    name, has_canary = "told", True

    def __init__(self, *answers: Answer) -> None:
        self.answers = list(answers)
        self.threads: set[str] = set()

    def canary_fault(self, lane: int | None = None) -> str:
        self.threads.add(threading.current_thread().name)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE_S * 100):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("it did not come to that")


@contextmanager
def serving(settings: DetectorSettings, *models: Any) -> Iterator[ModelSlot]:
    coming = iter(models)
    slot = ModelSlot(StubShelf(lambda _: next(coming), LastGood()), retry_s=PATIENCE_S)
    slot.want(settings)
    until(lambda: slot.model is not None)
    try:
        yield slot
    finally:
        assert slot.stop(PATIENCE_S)


def watch_of(slot: ModelSlot, **more: Any) -> CanaryWatch:
    return CanaryWatch(slot, lambda _, __: pytest.fail("not by a thread here"), **more)


def test_a_right_answer_leaves_the_model_in_service_and_gives_an_age(settings_for: Make) -> None:
    with serving(settings_for(), ToldModel("")) as slot:
        watch = watch_of(slot, clock=iter([5.0, 7.5]).__next__)
        assert watch.age_s is None

        watch.look()

        assert watch.age_s == 2.5
        assert slot.model is not None


def test_one_wrong_answer_is_asked_for_again(settings_for: Make) -> None:
    with serving(settings_for(), model := ToldModel("it finds nobody", "")) as slot:
        watch_of(slot).look()

        assert slot.model is model


@pytest.mark.parametrize("wrong", ["it finds nobody", DetectorError("inference failed: shapes"), RuntimeError("odd")])
def test_two_wrong_answers_end_the_service_and_a_fresh_model_takes_it_up(settings_for: Make, wrong: Answer) -> None:
    with serving(settings_for(), ToldModel(wrong), good := ToldModel("")) as slot:
        watch_of(slot).look()
        until(lambda: slot.model is good)

        assert "model told answers wrongly" in slot.error


def test_a_gpu_without_room_says_nothing_of_the_weights(settings_for: Make) -> None:
    told: list[Exception] = []
    with serving(settings_for(), model := ToldModel(DetectorUnavailable("no room"))) as slot:
        watch_of(slot, failed=told.append).look()

        assert slot.model is model
        assert [str(error) for error in told] == ["no room"]


def test_what_the_runtime_raises_is_told(settings_for: Make) -> None:
    told: list[Exception] = []
    with serving(settings_for(), ToldModel(RuntimeError("CUDA error: x")), ToldModel("")) as slot:
        watch_of(slot, failed=told.append).look()

        assert [str(error) for error in told] == ["CUDA error: x"] * 2


def test_a_stub_and_an_empty_slot_are_left_alone(settings_for: Make) -> None:
    with serving(settings_for(), stub := PlainModel()) as slot:
        watch = watch_of(slot)
        watch.look()

        assert slot.model is stub
        assert watch.age_s is None
    watch_of(ModelSlot(StubShelf(lambda _: pytest.fail("not asked"), LastGood()))).look()


class LanedModel(ToldModel):
    """Two lanes, of which one may have gone bad."""

    lanes = 2

    def __init__(self, bad: int | None = None) -> None:
        super().__init__("")
        self.bad = bad
        self.looked_at: list[int | None] = []

    def canary_fault(self, lane: int | None = None) -> str:
        self.looked_at.append(lane)
        return "it finds nobody" if lane is not None and lane == self.bad else ""


@contextmanager
def looking(slot: ModelSlot, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int | None]]:
    """A watch that looks all the time; the lanes in whose workers it did."""
    monkeypatch.setattr(CanaryWatch, "_pause_s", 0.001)
    lanes: list[int | None] = []
    with ThreadPoolExecutor(1) as worker:

        def submit(look: Callable[[], None], lane: int | None) -> Any:
            lanes.append(lane)
            return worker.submit(look)

        watch = CanaryWatch(slot, submit)
        watch.start()
        yield lanes
        assert watch.stop(PATIENCE_S)


def test_the_whole_model_and_each_lane_are_looked_at_in_turn_in_their_own_worker(
    settings_for: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    with serving(settings_for(), model := LanedModel()) as slot, looking(slot, monkeypatch) as lanes:
        until(lambda: len(model.looked_at) >= 6)

    assert sorted(model.looked_at[:3], key=str) == [0, 1, None]
    assert model.looked_at[3:6] == model.looked_at[:3]
    assert lanes[:6] == model.looked_at[:6]


@pytest.mark.parametrize("bad", [0, 1])
def test_one_lane_that_went_bad_is_enough(settings_for: Make, monkeypatch: pytest.MonkeyPatch, bad: int) -> None:
    with serving(settings_for(), LanedModel(bad), good := LanedModel()) as slot, looking(slot, monkeypatch):
        until(lambda: slot.model is good)

    assert "answers wrongly: it finds nobody" in slot.error


def test_the_loop_looks_in_the_worker_until_it_is_stopped(settings_for: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(CanaryWatch, "_pause_s", 0.001)
    looks: list[None] = []
    with (
        ThreadPoolExecutor(1, thread_name_prefix="inference") as worker,
        serving(settings_for(), model := ToldModel("")) as slot,
    ):

        def submit(look: Callable[[], None], _: int | None) -> Any:
            looks.append(None)
            if len(looks) == 2:
                raise RuntimeError("the loop goes on")
            return worker.submit(look)

        watch = CanaryWatch(slot, submit)
        watch.start()
        watch.start()
        until(lambda: len(looks) > 4)
        assert watch.stop(PATIENCE_S)

    assert model.threads == {"inference_0"}
    assert canary_watch.IDLE_S > 0
