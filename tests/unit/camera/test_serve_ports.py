"""What a camera makes of the answers that come by Serve handle, and of those that do not come."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from ray.exceptions import RayTaskError
from ray.serve.exceptions import BackPressureError

from cluster.camera import serve_ports
from cluster.camera.keeper import NotWantedError
from cluster.camera.serve_ports import SUPERVISOR_AWAY, ServeDetector, ServeRecorder, fetch_assignment
from cluster.safety.errors import DatabaseUnavailable, DetectorError, DetectorTimeout, DetectorUnavailable, LeaseLost

IMAGE = np.zeros((8, 8, 3), np.uint8)


def remote(cause: Exception) -> Exception:
    """As Ray raises at the caller what was raised in a replica."""
    error = RayTaskError("method", f"Traceback (most recent call last)\n{type(cause).__name__}: {cause}", cause)
    raised: Exception = error.as_instanceof_cause()
    return raised


class Handle:
    """A handle whose calls end in `error`."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.replicas, self.cancelled = True, 0

    def remote(self, *_: Any) -> "Handle":
        return self

    def result(self, timeout_s: float) -> None:
        raise self.error

    def cancel(self) -> None:
        self.cancelled += 1

    def running_replicas_populated(self) -> bool:
        return self.replicas


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], Handle]:
    """calls(error): every call ends in it."""

    def make(error: Exception) -> Handle:
        handle = Handle(error)
        monkeypatch.setattr(serve_ports, "_handle", lambda *_, **__: handle)
        return handle

    return make


def test_a_camera_that_the_supervisor_does_not_want_is_not_taken_for_an_absent_supervisor(calls: Any) -> None:
    calls(remote(KeyError("gate-1")))
    with pytest.raises(NotWantedError):
        fetch_assignment("gate-1", "camera:gate-1")


@pytest.mark.parametrize("error", [remote(KeyError("zones")), remote(KeyError("gate-2")), TimeoutError()])
def test_what_else_goes_wrong_with_the_supervisor_is_its_absence(calls: Any, error: Exception) -> None:
    calls(error)
    with pytest.raises(SUPERVISOR_AWAY):
        fetch_assignment("gate-1", "camera:gate-1")


@pytest.mark.parametrize(
    ("error", "replicas", "kind", "said"),
    [
        (TimeoutError(), True, DetectorTimeout, "no answer within 2 s"),
        (TimeoutError(), False, DetectorUnavailable, "no replica of it has run yet"),
        (remote(KeyError("odd")), True, DetectorUnavailable, "KeyError: 'odd'"),
        (remote(DetectorUnavailable("no model")), True, DetectorUnavailable, "no model"),
        (BackPressureError(num_queued_requests=9, max_queued_requests=8), True, DetectorUnavailable, "queue"),
    ],
)
def test_a_frame_without_an_answer_is_a_detector_error(
    calls: Any, error: Exception, replicas: bool, kind: type[DetectorError], said: str
) -> None:
    handle = calls(error)
    handle.replicas = replicas
    with pytest.raises(kind, match=said):
        ServeDetector()(IMAGE, deadline_s=2.0)
    assert handle.cancelled == isinstance(error, TimeoutError)


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (TimeoutError(), DatabaseUnavailable),
        (remote(KeyError("odd")), DatabaseUnavailable),
        (remote(LeaseLost("gate-1", 3, 4)), LeaseLost),
    ],
)
def test_what_the_recorder_did_not_take_is_tried_again_unless_the_lease_is_lost(
    calls: Any, error: Exception, kind: type[Exception]
) -> None:
    calls(error)
    with pytest.raises(kind):
        ServeRecorder().record("gate-1", 3, [], frozenset())
