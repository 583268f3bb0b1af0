"""A swap happens in the background, and a bad model changes nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from counterparts.stub_models import PlainModel, StubShelf
from structlog.testing import capture_logs

from cluster.safety.errors import DetectorUnavailable, WeightsError
from cluster.settings.models import DetectorSettings
from deployments.detector.last_good import Candidate, LastGood
from deployments.detector.slot import ModelSlot

PATIENCE_S = 60
Make = Callable[..., DetectorSettings]


class FakeModel(PlainModel):
    def __init__(self, name: str) -> None:
        self.name = name

    def adopt(self, settings: DetectorSettings) -> None:
        self.confidence = settings.confidence


class Remembered:
    """What a cluster keeps while its replicas come and go."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}

    def get(self, key: str) -> str | None:
        return self.texts.get(key)

    def put(self, key: str, value: str) -> None:
        self.texts[key] = value


class FakeLoader:
    """Loads at once what it is not told to hold back, and refuses what it was given a fault for."""

    def __init__(self, **faults: Exception) -> None:
        self.faults = faults
        self.begun: list[str] = []
        self.ended = threading.Semaphore(0)
        self.gate = threading.Event()
        self.gate.set()

    def __call__(self, settings: DetectorSettings) -> FakeModel:
        self.begun.append(settings.model)
        assert self.gate.wait(PATIENCE_S)
        try:
            if settings.model in self.faults:
                raise self.faults[settings.model]
            return FakeModel(settings.model)
        finally:
            self.ended.release()


@contextmanager
def running(
    loader: FakeLoader,
    retry_s: float = PATIENCE_S,
    again_s: float = PATIENCE_S,
    remembered: "Remembered | None" = None,
) -> Iterator[tuple[ModelSlot, threading.Semaphore]]:
    swapped = threading.Semaphore(0)
    shelf = StubShelf(loader, LastGood(remembered if remembered is not None else Remembered()))
    slot = ModelSlot(shelf, swapped=lambda _, __: swapped.release(), retry_s=retry_s, again_s=again_s)
    try:
        yield slot, swapped
    finally:
        loader.gate.set()
        assert slot.stop(PATIENCE_S)


def until(condition: Callable[[], bool]) -> None:
    pause = threading.Event()
    for _ in range(PATIENCE_S * 100):
        if condition():
            return
        pause.wait(0.01)
    pytest.fail("it did not come to that")


def test_without_a_model_the_reason_is_told(settings_for: Make) -> None:
    loader = FakeLoader()
    loader.gate.clear()
    with running(loader) as (slot, _):
        with pytest.raises(DetectorUnavailable, match="no model was configured yet"):
            slot.require()
        slot.want(settings_for(model="first"))
        with pytest.raises(DetectorUnavailable, match="model first is being loaded"):
            slot.require()


def test_the_old_model_serves_while_the_new_one_is_loaded(settings_for: Make) -> None:
    loader = FakeLoader()
    with running(loader) as (slot, swapped):
        slot.want(settings_for(model="first"))
        until(lambda: slot.model is not None)
        loader.gate.clear()
        slot.want(settings_for(model="second"))
        until(lambda: loader.begun == ["first", "second"])

        assert slot.require().name == "first"

        loader.gate.set()
        until(lambda: slot.require().name == "second")
        assert slot.error == ""
        assert swapped.acquire(timeout=PATIENCE_S)


@pytest.mark.parametrize("fault", [WeightsError("other sha256"), RuntimeError("CUDA error"), MemoryError("no room")])
def test_a_refused_model_leaves_the_old_one_in_service(settings_for: Make, fault: Exception) -> None:
    loader = FakeLoader(bad=fault)
    with capture_logs() as logs, running(loader) as (slot, _):
        slot.want(settings_for(model="good"))
        until(lambda: slot.model is not None)
        slot.want(settings_for(model="bad"))
        until(lambda: "bad" in slot.error)

        assert slot.require().name == "good"
        assert str(fault) in slot.error
    refusals = [entry for entry in logs if entry["event"] == "model_refused"]
    assert [entry["in_service"] for entry in refusals] == ["good"]


def test_the_newest_wish_wins(settings_for: Make) -> None:
    loader = FakeLoader()
    loader.gate.clear()
    with running(loader) as (slot, _):
        slot.want(settings_for(model="first"))
        until(lambda: loader.begun == ["first"])
        for name in ("second", "third", "fourth"):
            slot.want(settings_for(model=name))
        loader.gate.set()
        until(lambda: slot.model is not None and slot.model.name == "fourth")

    assert loader.begun == ["first", "fourth"]


def test_without_any_model_a_refused_one_is_tried_again(settings_for: Make) -> None:
    loader = FakeLoader(bad=WeightsError("the disk is away"))
    with running(loader, retry_s=0.01) as (slot, _):
        slot.want(settings_for(model="bad"))
        until(lambda: len(loader.begun) > 2)
        loader.faults.clear()
        until(lambda: slot.model is not None)

        assert slot.error == ""


def test_a_slot_that_was_stopped_loads_nothing(settings_for: Make) -> None:
    loader = FakeLoader()
    with running(loader) as (slot, _):
        assert slot.stop(PATIENCE_S)
        slot.want(settings_for(model="late"))

    assert loader.begun == []


def test_a_replica_that_starts_while_the_configured_model_is_bad_serves_the_last_good_one(settings_for: Make) -> None:
    cluster = Remembered()
    with running(FakeLoader(), remembered=cluster) as (slot, _):
        slot.want(settings_for(model="good", confidence=0.7))
        until(lambda: bool(cluster.texts))

    loader = FakeLoader(bad=WeightsError("noise"))
    with running(loader, remembered=cluster) as (slot, _):
        slot.want(settings_for(model="bad"))
        until(lambda: slot.model is not None)

        assert (slot.require().name, slot.fallback) == ("good", True)
        assert slot.in_service is not None
        assert slot.in_service.candidate.settings.confidence == 0.7
        assert slot.error == "model bad was refused: noise; model good serves, the last good one"
    assert "bad" not in str(cluster.texts)


def test_a_replica_that_starts_with_a_configuration_that_cannot_be_read_serves_the_last_good_model(
    settings_for: Make,
) -> None:
    cluster = Remembered()
    LastGood(cluster).remember(Candidate(settings_for(model="good")))
    with running(FakeLoader(), remembered=cluster) as (slot, _):
        slot.refuse("user_config of Detector: confidence = 4: too much")
        until(lambda: slot.model is not None)

        assert slot.fallback
        assert "confidence = 4" in slot.error


def test_where_the_last_good_model_is_bad_too_the_one_before_it_serves(settings_for: Make) -> None:
    cluster = Remembered()
    for name in ("older", "newer"):
        LastGood(cluster).remember(Candidate(settings_for(model=name)))
    with running(FakeLoader(bad=WeightsError("a"), newer=WeightsError("b")), remembered=cluster) as (slot, _):
        slot.want(settings_for(model="bad"))
        until(lambda: slot.model is not None)

        assert slot.require().name == "older"


def test_a_refused_configuration_is_tried_again_while_another_model_serves(settings_for: Make) -> None:
    loader = FakeLoader(new=WeightsError("the disk is away"))
    with running(loader, again_s=0.01) as (slot, _):
        slot.want(settings_for(model="old"))
        until(lambda: slot.model is not None)
        slot.want(settings_for(model="new"))
        until(lambda: loader.begun.count("new") > 2)
        assert (slot.require().name, slot.fallback) == ("old", True)
        loader.faults.clear()
        until(lambda: slot.require().name == "new")

        assert (slot.error, slot.fallback) == ("", False)


def test_rolling_back_to_what_serves_loads_nothing(settings_for: Make) -> None:
    loader = FakeLoader(bad=WeightsError("noise"))
    with running(loader) as (slot, _):
        for name in ("good", "bad"):
            slot.want(settings_for(model=name))
            until(lambda name=name: loader.ended.acquire(blocking=False))  # type: ignore[misc]
        until(lambda: slot.fallback)
        slot.want(settings_for(model="good"))
        until(lambda: not slot.fallback)

        assert slot.error == ""
    assert loader.begun == ["good", "bad"]


def test_the_model_that_serves_is_loaded_anew_when_somebody_says_so(settings_for: Make) -> None:
    loader = FakeLoader()
    with running(loader) as (slot, swapped):
        assert slot.reload() is False
        slot.want(settings_for())
        assert swapped.acquire(timeout=PATIENCE_S)
        first = slot.model

        assert slot.reload() is True
        assert swapped.acquire(timeout=PATIENCE_S)

        assert loader.begun == ["fall-s", "fall-s"]
        assert slot.model is not first
        assert (slot.configured, slot.error, slot.fallback) == ("fall-s", "", False)


def test_weights_that_went_bad_are_said_and_tried_again_while_the_loaded_ones_go_on(settings_for: Make) -> None:
    loader = FakeLoader()
    with running(loader, again_s=0.05) as (slot, swapped):
        slot.want(settings_for())
        assert swapped.acquire(timeout=PATIENCE_S)
        first = slot.model
        loader.faults["fall-s"] = WeightsError("fall-s.pt: is truncated", "put it there")

        slot.reload()
        until(lambda: slot.fallback and len(loader.begun) > 2)
        assert slot.model is first
        assert "is truncated" in slot.error

        loader.faults.clear()
        assert swapped.acquire(timeout=PATIENCE_S)
        until(lambda: not slot.fallback)
        assert slot.model is not first


def test_other_thresholds_are_taken_by_the_model_that_serves(settings_for: Make) -> None:
    loader = FakeLoader()
    with running(loader) as (slot, swapped):
        slot.want(settings_for(confidence=0.4))
        until(lambda: slot.model is not None)
        before = slot.require()
        slot.want(settings_for(confidence=0.7, max_batch_size=4, canary_every_s=9))
        until(lambda: getattr(before, "confidence", None) == 0.7)

        assert slot.require() is before
        assert swapped.acquire(timeout=PATIENCE_S)
        assert swapped.acquire(timeout=PATIENCE_S)
        slot.want(settings_for(image_size=640))
        until(lambda: slot.require() is not before)
    assert loader.begun == ["fall-s", "fall-s"]


def test_a_model_that_answers_wrongly_is_out_of_service_at_once_and_loaded_anew(settings_for: Make) -> None:
    loader = FakeLoader()
    with capture_logs() as logs, running(loader) as (slot, _):
        slot.want(settings_for(model="good"))
        until(lambda: slot.model is not None)
        wrong = slot.require()
        loader.gate.clear()
        slot.distrust(wrong, "it finds nobody")

        with pytest.raises(DetectorUnavailable, match="model good answers wrongly: it finds nobody"):
            slot.require()

        loader.gate.set()
        until(lambda: slot.model is not None)
        assert slot.require() is not wrong
        assert (slot.fallback, slot.error) == (
            False,
            "model good answers wrongly: it finds nobody; it was loaded anew",
        )
        slot.distrust(wrong, "too late: another one serves")
        assert slot.model is not None
    assert [entry["log_level"] for entry in logs if entry["event"] == "detector_answers_wrongly"] == ["critical"]


def test_a_model_whose_weights_went_bad_gives_way_to_the_last_good_other_one(settings_for: Make) -> None:
    loader, cluster = FakeLoader(), Remembered()
    LastGood(cluster).remember(Candidate(settings_for(model="older")))
    with running(loader, remembered=cluster) as (slot, _):
        slot.want(settings_for(model="newer"))
        until(lambda: slot.model is not None)
        loader.faults["newer"] = WeightsError("finds nobody")
        slot.distrust(slot.require(), "it finds nobody")
        until(lambda: slot.model is not None)

        assert (slot.require().name, slot.fallback) == ("older", True)
        assert "model older serves" in slot.error


def test_a_model_that_answers_wrongly_twice_gives_way_to_another_though_it_loads(settings_for: Make) -> None:
    loader, cluster = FakeLoader(), Remembered()
    LastGood(cluster).remember(Candidate(settings_for(model="older")))
    with running(loader, remembered=cluster) as (slot, _):
        slot.want(settings_for(model="newer"))
        for served in ("newer", "newer", "older"):
            until(lambda: slot.model is not None)
            assert slot.require().name == served
            slot.distrust(slot.require(), "it finds nobody")


def test_where_nothing_else_is_known_a_model_that_went_bad_twice_is_still_tried(settings_for: Make) -> None:
    loader = FakeLoader()
    with running(loader) as (slot, _):
        slot.want(settings_for(model="only"))
        for _round in range(3):
            until(lambda: slot.model is not None)
            slot.distrust(slot.require(), "it finds nobody")
        until(lambda: slot.model is not None)

    assert loader.begun == ["only"] * 4
