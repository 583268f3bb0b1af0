"""How many cores an inference uses."""

import os

import pytest

from cluster.safety.errors import ConfigError
from deployments.detector.hardware import thread_count

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
