"""The shell: it never raises where Ray would stop it, and what leaves it can be pickled."""

import asyncio
import pickle
import threading
from collections.abc import Callable, Iterator

import numpy as np
import pytest
from counterparts.stub_models import PlainModel, StubShelf

from cluster.safety.detections import Detections
from cluster.safety.errors import ConfigError, DetectorError, DetectorUnavailable, WeightsError
from cluster.safety.frames import Image
from cluster.settings.models import DetectorSettings
from deployments.detector.app import DetectorArgs, build
from deployments.detector.detector import FAILS_AFTER_S, Detector, DetectorDeployment
from deployments.detector.frame_batches import Lane
from deployments.detector.shelf import ModelShelf

PICTURE = np.zeros((180, 320, 3), np.uint8)
CONFIG = {"model": "fake", "image_size": 320}


class ForeignError(Exception):
    """What a runtime raises: it cannot be rebuilt from its arguments."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"{code}: {text}")


class FakeModel(PlainModel):
    def __init__(self, fault: Exception | None = None) -> None:
        self.fault = fault
        self.threads: set[str] = set()

    def detect_all(self, images: list[Image]) -> list[Detections]:
        self.threads.add(threading.current_thread().name)
        if self.fault is not None:
            raise self.fault
        boxes, confidences = np.array([[0, 0, 1, 1]], np.float32), np.array([0.9], np.float32)
        return [Detections(boxes, confidences, ("person",), self.digest, 320, 0.01) for _ in images]


_running: list[Detector] = []


@pytest.fixture(autouse=True)
def _stop_what_serves() -> Iterator[None]:
    yield
    stopped = [detector.stop(60) for detector in _running]
    _running.clear()
    assert all(stopped)


def started(load: Callable[[DetectorSettings], FakeModel]) -> Detector:
    detector = Detector("configs/models.yaml", shelf=StubShelf(load))
    _running.append(detector)
    asyncio.run(detector.reconfigure(CONFIG))
    return detector


def serving(model: FakeModel) -> Detector:
    detector = started(lambda _: model)
    assert asyncio.run(detector.report()).ready
    return detector


def test_a_replica_that_starts_takes_no_frames_before_it_has_a_model() -> None:
    may_load = threading.Event()

    def load(_: DetectorSettings) -> FakeModel:
        assert may_load.wait(60)
        return FakeModel()

    async def scenario() -> None:
        detector = Detector("configs/models.yaml", shelf=StubShelf(load))
        first = asyncio.create_task(detector.reconfigure(CONFIG))
        assert not (await detector.report()).ready  # the loop is free meanwhile
        may_load.set()
        await first
        assert (await detector.report()).ready
        may_load.clear()
        await detector.reconfigure({**CONFIG, "image_size": 640})  # later ones return at once: the old one serves
        assert (await detector.report()).ready
        may_load.set()
        assert await asyncio.to_thread(detector.stop, 60)

    asyncio.run(scenario())


def test_a_replica_without_any_model_starts_all_the_same_and_says_why() -> None:
    def load(_: DetectorSettings) -> FakeModel:
        raise WeightsError("is truncated")

    detector = started(load)

    report = asyncio.run(detector.report())
    assert (report.ready, report.fallback, report.error) == (False, False, "model fake was refused: is truncated")
    detector.check_health()


def test_a_lost_context_on_the_gpu_fails_the_health_check_and_nothing_else_does() -> None:
    for fault, lost in ((RuntimeError("CUDA error: an illegal memory access"), True), (RuntimeError("shape"), False)):
        detector = serving(FakeModel(fault))
        with pytest.raises(DetectorError):
            asyncio.run(detector.detect_all([PICTURE]))

        if lost:
            with pytest.raises(DetectorUnavailable, match=r"the GPU fails this process: .*illegal memory"):
                detector.check_health()
        else:
            detector.check_health()


def test_the_deployment_has_the_name_that_others_look_for() -> None:
    assert DetectorDeployment.name == "Detector"
    assert build(DetectorArgs(release="1"))._bound_deployment.name == "Detector"


@pytest.mark.parametrize("args", [{"release": "1", "model": "x"}, {"release": ""}, {}])
def test_wrong_arguments_stop_the_build(args: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="DetectorArgs"):
        DetectorArgs.model_validate(args)


def test_a_wrong_models_file_stops_the_build() -> None:
    with pytest.raises(ConfigError, match=r"nowhere\.yaml"):
        build(DetectorArgs(release="1", models="nowhere.yaml"))


@pytest.mark.parametrize(
    "config",
    [
        None,
        {},
        "fall-s",
        {"model": "fake", "confidense": 0.4},
        {"model": "fake", "confidence": 1.4},
        {"model": "fake", "image_size": 321},
        {"model": "fake", "image_size": 2048},
    ],
)
def test_a_wrong_configuration_is_noted_and_raises_nothing(config: object) -> None:
    detector = serving(FakeModel())

    asyncio.run(detector.reconfigure(config))

    report = asyncio.run(detector.report())
    assert report.ready
    assert "user_config of Detector" in report.error
    detector.check_health()


def test_an_unknown_model_is_named_with_those_that_exist() -> None:
    with pytest.raises(DetectorError, match=r"unknown model 'yolo99'.*fall-s"):
        ModelShelf("configs/models.yaml", lambda: 1).candidate(DetectorSettings(model="yolo99"))


@pytest.mark.parametrize(
    "image",
    [
        PICTURE[..., 0],
        PICTURE.astype(np.float32),
        np.zeros((0, 320, 3), np.uint8),
        np.zeros((180, 320, 4), np.uint8),
        b"jpeg",
    ],
    ids=["grey", "floats", "empty", "four channels", "bytes"],
)
def test_what_is_no_picture_is_refused_before_it_meets_others(image: object) -> None:
    detector = serving(FakeModel())

    with pytest.raises(DetectorError, match="expected a picture"):
        asyncio.run(detector.detect(image))  # type: ignore[arg-type]


def test_until_a_model_is_there_the_reason_is_told() -> None:
    detector = Detector("configs/models.yaml", shelf=StubShelf(lambda _: pytest.fail("not asked for")))

    with pytest.raises(DetectorUnavailable, match="no model was configured yet"):
        asyncio.run(detector.detect(PICTURE))


def test_the_model_runs_in_one_thread_and_is_counted() -> None:
    detector = serving(model := FakeModel())

    found = [asyncio.run(detector.detect_all([PICTURE, PICTURE])) for _ in range(3)]

    report = asyncio.run(detector.report())
    assert [len(each) for each in found] == [2, 2, 2]
    assert model.threads == {"inference-0_0"}
    assert report.frames == 6
    assert report.inference_age_s is not None


@pytest.mark.parametrize(
    "fault", [ForeignError(7, "cuda"), RuntimeError("shape"), DetectorUnavailable("the GPU is out of memory")]
)
def test_errors_that_leave_the_process_are_ours_and_can_be_pickled(fault: Exception) -> None:
    detector = serving(FakeModel(fault))

    with pytest.raises(DetectorError) as raised:
        asyncio.run(detector.detect_all([PICTURE]))

    copy = pickle.loads(pickle.dumps(raised.value))  # noqa: S301 - our own
    assert type(copy) is type(raised.value)
    assert str(copy) == str(raised.value)


def test_an_inference_that_hangs_fails_the_health_check(monkeypatch: pytest.MonkeyPatch) -> None:
    detector = serving(model := FakeModel())
    monkeypatch.setattr("deployments.detector.detector.HUNG_AFTER_S", -1.0)
    entered, may_end = threading.Event(), threading.Event()

    def hang(images: list[Image]) -> list[Detections]:
        entered.set()
        assert may_end.wait(60)
        return FakeModel().detect_all(images)

    async def scenario() -> None:
        detector.check_health()
        monkeypatch.setattr(model, "detect_all", hang)
        call = asyncio.create_task(detector.detect_all([PICTURE]))
        assert await asyncio.to_thread(entered.wait, 60)
        with pytest.raises(DetectorUnavailable, match="has been running"):
            detector.check_health()
        may_end.set()
        await call
        detector.check_health()

    asyncio.run(scenario())


class LanedModel(FakeModel):
    """Two pictures beside each other: each waits until the other has begun as well."""

    lanes = 2

    def __init__(self) -> None:
        super().__init__()
        self.met = threading.Barrier(2)
        self.beside: set[tuple[int, str]] = set()

    def detect_beside(self, image: Image, lane: int) -> Detections:
        self.met.wait(60)
        self.beside.add((lane, threading.current_thread().name))
        return self.detect_all([image])[0]


def test_two_frames_that_wait_are_worked_at_beside_each_other_each_by_a_thread_of_its_own() -> None:
    detector = serving(model := LanedModel())

    async def scenario() -> list[Detections]:
        return await asyncio.gather(*(detector.detect(PICTURE) for _ in range(3)))

    assert [len(each) for each in asyncio.run(scenario())] == [1, 1, 1]
    assert model.beside == {(0, "inference-0_0"), (1, "inference-1_0")}


@pytest.mark.parametrize("lane", [0, 1])
def test_a_lane_of_a_model_that_was_replaced_is_not_asked_of_one_that_has_none(lane: int) -> None:
    class OneByOne(FakeModel):
        def detect_beside(self, image: Image, lane: int) -> Detections:
            pytest.fail(f"it has no lane {lane}")

    detector = serving(model := OneByOne())

    found = asyncio.run(detector.detect_all([PICTURE], Lane(lane, whole=False)))

    assert [len(each) for each in found] == [1]
    assert model.threads == {f"inference-{lane}_0"}


@pytest.mark.parametrize("fault", [None, RuntimeError("cuda")], ids=["no model", "fails"])
def test_a_replica_that_cannot_detect_keeps_its_line_as_long_as_one_that_can(
    monkeypatch: pytest.MonkeyPatch, fault: Exception | None
) -> None:
    detector = serving(FakeModel(fault)) if fault else Detector("configs/models.yaml", shelf=StubShelf(pytest.fail))
    pauses: list[float] = []

    async def paused(seconds: float) -> None:
        pauses.append(seconds)

    monkeypatch.setattr("deployments.detector.detector.asyncio.sleep", paused)
    with pytest.raises(DetectorError):
        asyncio.run(detector.detect(PICTURE))

    assert FAILS_AFTER_S - 0.4 < pauses[-1] <= FAILS_AFTER_S


def test_a_replica_that_sees_no_gpu_asks_for_another_process() -> None:
    def load(_: DetectorSettings) -> FakeModel:
        raise DetectorUnavailable("num_gpus 0.25 was given to this replica, but torch sees no GPU")

    detector = started(load)

    with pytest.raises(DetectorUnavailable, match="torch sees no GPU"):
        detector.check_health()
    assert detector.stop(60)
