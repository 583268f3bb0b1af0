"""A GPU without room: the same frames go on in halves, and nobody is told less than before."""

from typing import Any

import numpy as np
import pytest
from counterparts.stub_models import PlainModel
from structlog.testing import capture_logs

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError, DetectorUnavailable
from cluster.safety.frames import Image
from deployments.detector.batch_limit import QUIET_S, BatchLimit


class SmallGpu(PlainModel):
    """A model on a GPU with room for so many pictures at once; each answer says which picture it is of."""

    device, batches = "cuda", True

    def __init__(self, room: int) -> None:
        self.room = room
        self.batches_seen: list[int] = []

    def detect_all(self, images: list[Image]) -> list[Detections]:
        import torch

        self.batches_seen.append(len(images))
        if len(images) > self.room:
            raise torch.cuda.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB")
        return [_answer(int(image[0, 0, 0])) for image in images]


class WrappedGpu(SmallGpu):
    """The same, with the error as the real model gives it."""

    def detect_all(self, images: list[Image]) -> list[Detections]:
        try:
            return super().detect_all(images)
        except RuntimeError as error:
            raise DetectorUnavailable("the GPU is out of memory") from error


class Clock:
    now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def _answer(which: int) -> Detections:
    return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), "d" * 64, which, 0.01)


def pictures(count: int) -> list[Image]:
    return [np.full((2, 2, 3), each, np.uint8) for each in range(count)]


def limited(**more: Any) -> tuple[BatchLimit, list[int], Clock]:
    told: list[int] = []
    clock = Clock()
    limit = BatchLimit(told.append, clock=clock, **more)
    limit.configure(8)
    return limit, told, clock


@pytest.mark.parametrize("gpu", [SmallGpu, WrappedGpu])
def test_the_same_frames_are_answered_in_halves_and_in_order(gpu: type[SmallGpu]) -> None:
    freed: list[None] = []
    limit, told, _ = limited(free=lambda: freed.append(None))
    model = gpu(room=3)

    with capture_logs() as logs:
        found = limit.run(model, pictures(8))

    assert [each.image_size for each in found] == list(range(8))
    assert model.batches_seen == [8, 4, 2, 2, 2, 2]
    assert (limit.limit, told, len(freed)) == (2, [8, 4, 2], 2)
    assert [entry["log_level"] for entry in logs if entry["event"] == "gpu_out_of_memory"] == ["critical"] * 2


def test_a_gpu_without_room_for_one_picture_is_unavailable() -> None:
    limit, _, _ = limited()

    with pytest.raises(DetectorUnavailable, match="out of memory"):
        limit.run(SmallGpu(room=0), pictures(4))

    assert limit.limit == 1
    assert len(limit.run(SmallGpu(room=1), pictures(2))) == 2


def test_the_batch_grows_back_by_one_doubling_after_each_quiet_while() -> None:
    limit, _, clock = limited()
    limit.run(SmallGpu(room=1), pictures(8))
    seen = []
    for _round in range(4):
        clock.now_s += QUIET_S
        limit.run(SmallGpu(room=8), pictures(1))
        seen.append(limit.limit)

    assert seen == [2, 4, 8, 8]


def test_a_batch_that_does_not_fit_again_starts_the_quiet_while_anew() -> None:
    limit, _, clock = limited()
    gpu = SmallGpu(room=4)
    limit.run(gpu, pictures(8))
    clock.now_s += QUIET_S
    limit.run(gpu, pictures(8))
    clock.now_s += QUIET_S - 1
    limit.run(gpu, pictures(1))

    assert limit.limit == 4


def test_new_settings_do_not_give_back_what_does_not_fit() -> None:
    limit, _, _ = limited()
    limit.run(SmallGpu(room=2), pictures(8))

    limit.configure(16)
    assert limit.limit == 2
    limit.configure(1)
    assert limit.limit == 1


def test_another_error_is_not_tried_again() -> None:
    limit, _, _ = limited()
    model = SmallGpu(room=8)
    model.detect_all = lambda _: (_ for _ in ()).throw(DetectorError("inference failed"))  # type: ignore[method-assign]

    with pytest.raises(DetectorError, match="inference failed"):
        limit.run(model, pictures(4))

    assert limit.limit == 8


def test_a_model_that_answers_for_fewer_pictures_than_it_got_fails() -> None:
    limit, _, _ = limited()
    model = SmallGpu(room=8)
    model.detect_all = lambda _: []  # type: ignore[method-assign]

    with pytest.raises(DetectorError, match="0 answers for 4 pictures"):
        limit.run(model, pictures(4))
