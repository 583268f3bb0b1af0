"""A camera's calls to the Detector, the Recorder and the supervisor, by Serve handle; each has a deadline."""

from typing import Any

import ray.exceptions
from ray import serve
from ray.serve.exceptions import BackPressureError, RayServeException
from ray.serve.handle import DeploymentHandle
from structlog.contextvars import get_contextvars

from cluster.camera.keeper import Assigned, NotWantedError
from cluster.safety.detections import Detections
from cluster.safety.errors import (
    DatabaseUnavailable,
    DetectorError,
    DetectorTimeout,
    DetectorUnavailable,
    SafeYoloError,
)
from cluster.safety.events import SafetyEvent
from cluster.safety.frames import Image
from cluster.telemetry.request_ids import calling_as

Handle = DeploymentHandle[Any]

_RECORD_TIMEOUT_S = 8.0
_PICTURE_TIMEOUT_S = 20.0
_ASSIGNMENT_TIMEOUT_S = 10.0
_NEVER_SEEN = ("no replica of it has run yet", "see the application `detector` in the Ray dashboard")
_AWAY = (ray.exceptions.RayError, RayServeException, BackPressureError, ConnectionError)


class ServeDetector:
    """`Detect` by handle. The frame goes by value: it is small, and the object store costs more (PARTS.md)."""

    def __init__(self) -> None:
        self._detect = _handle("detector", "Detector", "detect", by_reference=False)

    def __call__(self, image: Image, *, deadline_s: float) -> Detections:
        # The frame's id goes with the call and costs nothing there: it is the request id that Serve hands on anyway.
        frame_id = str(get_contextvars().get("correlation_id", ""))
        try:
            with calling_as(frame_id):
                answer = _call(self._detect, deadline_s, image)
        except TimeoutError as error:
            if not self._detect.running_replicas_populated():
                raise DetectorUnavailable(*_NEVER_SEEN) from error
            raise DetectorTimeout(f"no answer within {deadline_s:g} s", "add replicas or lower detect_fps") from error
        except DetectorError:
            raise
        except (SafeYoloError, *_AWAY) as error:
            raise DetectorUnavailable(_one_line(error)) from error
        if not isinstance(answer, Detections):
            raise DetectorUnavailable(f"answered a {type(answer).__name__} instead of Detections")
        return answer


class ServeRecorder:
    """`RecorderPort` by handle. What does not arrive is DatabaseUnavailable: the courier tries again."""

    def __init__(self) -> None:
        self._record = _handle("cameras", "Recorder", "record")
        self._store = _handle("cameras", "Recorder", "store_picture")
        self._lost = _handle("cameras", "Recorder", "picture_lost")

    def record(
        self, camera_id: str, sender_epoch: int, events: list[SafetyEvent], with_pictures: frozenset[str]
    ) -> None:
        _recorder_call(self._record, _RECORD_TIMEOUT_S, camera_id, sender_epoch, events, with_pictures)

    def store_picture(self, camera_id: str, event_id: str, kind: str, correlation_id: str, jpeg: bytes) -> None:
        _recorder_call(self._store, _PICTURE_TIMEOUT_S, camera_id, event_id, kind, correlation_id, jpeg)

    def picture_lost(self, camera_id: str, event_id: str) -> None:
        _recorder_call(self._lost, _RECORD_TIMEOUT_S, camera_id, event_id)


def fetch_assignment(camera_id: str, actor: str) -> Assigned | None:
    """What the supervisor wants this camera to do, under a new epoch; None: `actor` does not own the camera.

    Raises:
        TimeoutError, ray.exceptions.RayError, RayServeException: the supervisor is away.
        NotWantedError: it wants no such camera.
    """
    handle = _handle("cameras", "CameraSupervisor", "assignment")
    try:
        assigned: Assigned | None = _call(handle, _ASSIGNMENT_TIMEOUT_S, camera_id, actor)
    except ray.exceptions.RayTaskError as error:
        # Any other KeyError is a fault of the supervisor's own.
        if isinstance(error.cause, KeyError) and error.cause.args == (camera_id,):
            raise NotWantedError(camera_id) from None
        raise
    return assigned


SUPERVISOR_AWAY = (TimeoutError, *_AWAY)


def _handle(application: str, deployment: str, method: str, *, by_reference: bool = True) -> Handle:
    """Also of an application that is not deployed yet: calls wait for it within their deadline, and find it when it
    comes. Whether it exists is not asked, because Serve asks without a deadline, and a camera has to start without."""
    handle = serve.get_deployment_handle(deployment, application, _check_exists=False)
    return handle.options(method_name=method, _by_reference=by_reference)


def _call(handle: Handle, timeout_s: float, *arguments: Any) -> Any:
    response: Any = handle.remote(*arguments)
    try:
        return response.result(timeout_s=timeout_s)
    except TimeoutError:
        # Nobody waits any more: the replica need not work for it.
        response.cancel()
        raise
    except ray.exceptions.RayTaskError as error:
        # Our own errors say one line; Ray's wrapper around them says a traceback.
        if isinstance(error.cause, SafeYoloError):
            raise error.cause from None
        raise


def _recorder_call(handle: Handle, timeout_s: float, *arguments: Any) -> None:
    try:
        _call(handle, timeout_s, *arguments)
    except TimeoutError as error:
        raise DatabaseUnavailable(f"the Recorder did not answer within {timeout_s:g} s") from error
    except SafeYoloError:
        raise
    except _AWAY as error:
        raise DatabaseUnavailable(_one_line(error)) from error


def _one_line(error: BaseException) -> str:
    """The last line of a remote traceback says what happened."""
    lines = str(error).strip().splitlines()
    return f"{type(error).__name__}: {lines[-1] if lines else ''}"
