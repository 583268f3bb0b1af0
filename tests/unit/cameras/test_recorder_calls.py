"""What the supervisor tells goes to the Recorder, and comes again if it may work later."""

import asyncio
from typing import Any

import pytest
from ray.exceptions import RayTaskError

from cluster.safety.errors import DatabaseUnavailable, LeaseLost, StorageError
from deployments.cameras.epochs import Epochs
from deployments.cameras.recorder_calls import RecorderCalls
from deployments.cameras.telling import RecorderAwayError


class NoLeases:
    async def grant(self, camera_id: str, epoch: int) -> None:
        raise AssertionError("nobody asked for a lease")


class FailingRecorder:
    """A handle whose call ends with `error`."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def options(self, **_: str) -> "FailingRecorder":
        return self

    async def remote(self, *arguments: Any) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("cause", "expected"),
    [
        (ValueError("event e-1: no time zone"), StorageError),
        (TypeError("no such field"), StorageError),
        (OSError("the node is gone"), RecorderAwayError),
        (DatabaseUnavailable("away"), RecorderAwayError),
        (LeaseLost("gate-1", 5, 9), LeaseLost),
    ],
)
def test_only_what_may_work_later_is_sent_again(cause: Exception, expected: type[Exception]) -> None:
    error = RayTaskError("record", "traceback", cause, "proctitle", 1, "127.0.0.1").as_instanceof_cause()
    calls = RecorderCalls(FailingRecorder(error), Epochs(NoLeases()))  # type: ignore[arg-type]

    with pytest.raises(expected) as raised:
        asyncio.run(calls.record("gate-1", 5, []))

    assert not isinstance(raised.value, DatabaseUnavailable)
