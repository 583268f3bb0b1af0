"""How many cores an inference uses."""

import os

import pytest

from cluster.safety.errors import ConfigError, DetectorUnavailable
from deployments.detector.hardware import require_gpu, thread_count

ALL = len(os.sched_getaffinity(0))


@pytest.mark.parametrize(
    ("variable", "assigned", "threads"),
    [("", 0.0, ALL), ("", 1.0, ALL), ("", 0.5, ALL), ("", 6.0, 6), ("3", 6.0, 3), ("1", 1.0, 1)],
)
def test_threads_are_those_that_somebody_chose(
    monkeypatch: pytest.MonkeyPatch, variable: str, assigned: float, threads: int
) -> None:
    monkeypatch.setenv("SAFE_YOLO_DETECTOR_THREADS", variable)

    assert thread_count(assigned) == threads


@pytest.mark.parametrize("wrong", ["0", "-1", "two", "1.5", "²"])
def test_a_wrong_number_of_threads_is_refused(monkeypatch: pytest.MonkeyPatch, wrong: str) -> None:
    monkeypatch.setenv("SAFE_YOLO_DETECTOR_THREADS", wrong)

    with pytest.raises(ConfigError, match="SAFE_YOLO_DETECTOR_THREADS"):
        thread_count(2.0)


@pytest.mark.parametrize(("assigned", "seen"), [(0.0, False), (0.0, True), (0.25, True)])
def test_without_a_gpu_that_was_given_nothing_is_missed(
    monkeypatch: pytest.MonkeyPatch, assigned: float, seen: bool
) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: seen)

    require_gpu(assigned)  # raises nothing


def test_a_gpu_that_was_given_and_fell_out_is_not_replaced_by_all_cores(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    with pytest.raises(DetectorUnavailable, match=r"num_gpus 0\.25 was given .* torch sees no GPU; look at nvidia-smi"):
        require_gpu(0.25)
