"""Frames that wait together go together; none waits for company on a model that is free."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import numpy as np
import pytest

from cluster.safety.detections import Detections
from cluster.safety.errors import DetectorError
from cluster.safety.frames import Image
from deployments.detector.frame_batches import WHOLE, FrameBatches, Lane


class HeldModel:
    """Answers a batch when it is let; a picture's first pixel is its number, and comes back as `inference_s`."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.lanes: list[Lane] = []
        self.free = asyncio.Semaphore(0)
        self.error: Exception | None = None

    async def run(self, images: list[Image], lane: Lane) -> list[Detections]:
        numbers = [int(image[0, 0, 0]) for image in images]
        self.batches.append(numbers)
        self.lanes.append(lane)
        await self.free.acquire()
        if self.error is not None:
            raise self.error
        return [_answer(number) for number in numbers]


def _answer(number: int) -> Detections:
    return Detections(np.zeros((0, 4), np.float32), np.zeros(0, np.float32), (), "d" * 64, 320, float(number))


def _picture(number: int) -> Image:
    return np.full((2, 2, 3), number, np.uint8)


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - the other side is the code under test, which sets no event
            await asyncio.sleep(0)


def run(scene: Callable[[HeldModel, FrameBatches], Coroutine[Any, Any, None]]) -> None:
    async def staged() -> None:
        model = HeldModel()
        await scene(model, FrameBatches(model.run))

    asyncio.run(staged())


async def line_up(batches: FrameBatches, numbers: range) -> "list[asyncio.Task[Detections]]":
    tasks = [asyncio.create_task(batches.detect(_picture(number))) for number in numbers]
    await asyncio.sleep(0)  # each of them stands in line now
    return tasks


@pytest.mark.parametrize(
    ("most", "expected"),
    [(1, [[0], [1], [2], [3], [4]]), (2, [[0], [1, 2], [3, 4]]), (3, [[0], [1, 2, 3], [4]]), (8, [[0], [1, 2, 3, 4]])],
)
def test_those_that_wait_while_the_model_works_go_together(most: int, expected: list[list[int]]) -> None:
    async def scene(model: HeldModel, batches: FrameBatches) -> None:
        batches.configure(most=most)
        first = await line_up(batches, range(1))
        await _until(lambda: len(model.batches) == 1)
        others = await line_up(batches, range(1, 5))
        for _ in expected:
            model.free.release()

        answers = await asyncio.gather(*first, *others)

        assert model.batches == expected
        assert [answer.inference_s for answer in answers] == [0, 1, 2, 3, 4]

    run(scene)


def test_an_error_is_for_those_who_went_together_and_for_nobody_else() -> None:
    async def scene(model: HeldModel, batches: FrameBatches) -> None:
        batches.configure(most=2)
        tasks = await line_up(batches, range(4))
        model.free.release()
        await _until(lambda: len(model.batches) == 2)
        model.error = DetectorError("no")
        model.free.release()
        await asyncio.wait(tasks[1:3])
        model.error = None
        model.free.release()

        assert [(await tasks[number]).inference_s for number in (0, 3)] == [0, 3]
        assert model.batches == [[0], [1, 2], [3]]
        for task in tasks[1:3]:
            with pytest.raises(DetectorError):
                task.result()

    run(scene)


def test_who_gave_up_is_not_worked_for() -> None:
    async def scene(model: HeldModel, batches: FrameBatches) -> None:
        tasks = await line_up(batches, range(3))
        await _until(lambda: len(model.batches) == 1)
        tasks[1].cancel()
        await asyncio.wait([tasks[1]])
        model.free.release()
        model.free.release()

        assert (await tasks[2]).inference_s == 2
        assert model.batches == [[0], [2]]

    run(scene)


def test_a_gpu_lingers_for_others_to_come() -> None:
    async def scene(model: HeldModel, batches: FrameBatches) -> None:
        batches.configure(most=8, linger_s=0.05)
        model.free.release()
        tasks = await line_up(batches, range(3))

        await asyncio.gather(*tasks)

        assert model.batches == [[0, 1, 2]]

    run(scene)


def test_an_idle_model_is_asked_again() -> None:
    async def scene(model: HeldModel, batches: FrameBatches) -> None:
        for number in range(3):
            model.free.release()
            assert (await batches.detect(_picture(number))).inference_s == number

        assert model.batches == [[0], [1], [2]]

    run(scene)


LEFT, RIGHT = Lane(0, whole=False), Lane(1, whole=False)


class LanedModel(HeldModel):
    """Each lane answers when it is let, for itself."""

    def __init__(self) -> None:
        super().__init__()
        self.let = {lane: asyncio.Semaphore(0) for lane in (WHOLE, LEFT, RIGHT)}

    async def run(self, images: list[Image], lane: Lane) -> list[Detections]:
        self.free = self.let[lane]
        return await super().run(images, lane)

    @property
    def went(self) -> list[tuple[Lane, list[int]]]:
        return list(zip(self.lanes, self.batches, strict=True))


def on_lanes(scene: Callable[[LanedModel, FrameBatches], Coroutine[Any, Any, None]]) -> None:
    async def staged() -> None:
        model = LanedModel()
        batches = FrameBatches(model.run)
        batches.configure(lanes=2)
        await scene(model, batches)

    asyncio.run(staged())


def test_who_comes_alone_has_the_whole_model_and_who_comes_meanwhile_waits_for_it() -> None:
    async def scene(model: LanedModel, batches: FrameBatches) -> None:
        tasks = await line_up(batches, range(1))
        await _until(lambda: model.went == [(WHOLE, [0])])
        tasks += await line_up(batches, range(1, 3))
        assert model.went == [(WHOLE, [0])]
        model.let[WHOLE].release()
        await _until(lambda: model.went[1:] == [(LEFT, [1]), (RIGHT, [2])])
        model.let[LEFT].release()
        model.let[RIGHT].release()

        assert [answer.inference_s for answer in await asyncio.gather(*tasks)] == [0, 1, 2]

    on_lanes(scene)


def test_a_lane_that_is_done_does_not_wait_for_the_other() -> None:
    async def scene(model: LanedModel, batches: FrameBatches) -> None:
        tasks = await line_up(batches, range(1))
        tasks += await line_up(batches, range(1, 6))
        model.let[WHOLE].release()
        await _until(lambda: len(model.went) == 3)
        for done in (3, 4, 5):
            model.let[RIGHT].release()
            await _until(lambda done=done: model.went[-1] == (RIGHT, [done]))
        model.let[RIGHT].release()
        model.let[LEFT].release()

        assert [answer.inference_s for answer in await asyncio.gather(*tasks)] == [0, 1, 2, 3, 4, 5]
        assert model.went[1] == (LEFT, [1])

    on_lanes(scene)


def test_who_comes_while_one_lane_works_takes_the_other_and_the_next_one_alone_has_all_again() -> None:
    async def scene(model: LanedModel, batches: FrameBatches) -> None:
        tasks = await line_up(batches, range(1))
        tasks += await line_up(batches, range(1, 3))
        model.let[WHOLE].release()
        await _until(lambda: len(model.went) == 3)
        model.let[LEFT].release()
        await tasks[1]
        tasks += await line_up(batches, range(3, 4))
        await _until(lambda: model.went[-1] == (LEFT, [3]))
        model.let[LEFT].release()
        model.let[RIGHT].release()
        await asyncio.gather(*tasks)
        tasks = await line_up(batches, range(4, 5))
        await _until(lambda: model.went[-1] == (WHOLE, [4]))
        model.let[WHOLE].release()

        assert (await tasks[0]).inference_s == 4

    on_lanes(scene)


def test_what_one_lane_fails_on_is_told_to_its_camera_only_and_the_lane_goes_on() -> None:
    async def scene(model: LanedModel, batches: FrameBatches) -> None:
        tasks = await line_up(batches, range(1))
        tasks += await line_up(batches, range(1, 4))
        model.let[WHOLE].release()
        await _until(lambda: len(model.went) == 3)
        model.error = DetectorError("no")
        model.let[LEFT].release()
        await asyncio.wait([tasks[1]])
        model.error = None
        await _until(lambda: model.went[-1] == (LEFT, [3]))
        model.let[LEFT].release()
        model.let[RIGHT].release()

        assert [(await tasks[number]).inference_s for number in (0, 2, 3)] == [0, 2, 3]
        with pytest.raises(DetectorError):
            tasks[1].result()

    on_lanes(scene)
