"""A swap happens in the background, and a bad model changes nothing."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorUnavailable, WeightsError
from cluster.safety.frames import Image
from cluster.settings.models import DetectorSettings
from deployments.detector.slot import ModelSlot

PATIENCE_S = 60
Make = Callable[..., DetectorSettings]


class FakeModel:
    digest, runtime, device, image_size, batches = "d" * 64, "fake", "cpu", 320, False

    def __init__(self, name: str) -> None:
        self.name = name

    def detect_all(self, images: list[Image]) -> list[Detections]:
        return []


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
def running(loader: FakeLoader, retry_s: float = PATIENCE_S) -> Iterator[tuple[ModelSlot, threading.Semaphore]]:
    swapped = threading.Semaphore(0)
    slot = ModelSlot(loader, swapped=lambda _, __: swapped.release(), retry_s=retry_s)
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
