"""What the supervisor itself has to tell, to the Recorder by handle."""

from collections.abc import Sequence
from typing import Any

from ray.exceptions import RayError, RayTaskError
from ray.serve.exceptions import RayServeException
from ray.serve.handle import DeploymentHandle

from cluster.safety.errors import DatabaseUnavailable, SafeYoloError, StorageError
from cluster.safety.events import SafetyEvent
from deployments.cameras.epochs import Epochs
from deployments.cameras.telling import RecorderAwayError
from deployments.deadlines import bounded

_RECORD_TIMEOUT_S = 8.0


class RecorderCalls:
    """Any number of calls at once."""

    def __init__(self, recorder: DeploymentHandle[Any], epochs: Epochs) -> None:
        self._record, self._epochs = recorder.options(method_name="record"), epochs

    async def record(self, camera_id: str, epoch: int, events: Sequence[SafetyEvent]) -> None:
        """Hands `events` over, in the name of the newest epoch that is known of the camera.

        Raises:
            RecorderAwayError: not now.
            SafeYoloError: these events can never be recorded.
        """
        sender_epoch = max(epoch, self._epochs.last(camera_id))
        try:
            sent: Any = self._record.remote(camera_id, sender_epoch, list(events), frozenset())
            await bounded(sent, _RECORD_TIMEOUT_S)
        except (DatabaseUnavailable, RayServeException, TimeoutError) as error:
            raise RecorderAwayError(type(error).__name__) from error
        except SafeYoloError:
            raise
        except RayTaskError as error:
            # Raised inside the Recorder by these events themselves: sending them again changes nothing.
            if isinstance(error.cause, (ValueError, TypeError)):
                raise StorageError(f"camera {camera_id}: {type(error.cause).__name__}: {error.cause}") from error
            raise RecorderAwayError(type(error).__name__) from error
        except RayError as error:
            raise RecorderAwayError(type(error).__name__) from error
