"""Calls to Ray that end: every one has a deadline, and what goes wrong is `ActorSilentError`."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import ray.exceptions

from cluster.safety.errors import SupervisorSuperseded
from cluster.safety.redaction import redact
from deployments.cameras.camera_actors import ActorSilentError
from deployments.deadlines import bounded

Answer = TypeVar("Answer")

GCS_TIMEOUT_S = 5.0


async def answer(reference: Any, timeout_s: float) -> Any:
    """What an actor's method returned.

    Raises:
        ActorSilentError: it did not answer, or failed.
        SupervisorSuperseded: it follows a newer supervisor.
    """
    try:
        return await bounded(reference, timeout_s)
    except TimeoutError as error:
        raise ActorSilentError(f"no answer within {timeout_s:g} s") from error
    except ray.exceptions.RayTaskError as error:
        if isinstance(error.cause, SupervisorSuperseded):
            raise error.cause from None
        raise ActorSilentError(_one_line(error.cause if isinstance(error.cause, Exception) else error)) from error
    except ray.exceptions.RayError as error:
        raise ActorSilentError(type(error).__name__) from error


async def in_time(function: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
    """What `function` returned: calls to Ray's control store block, so off the loop, and not for ever."""
    try:
        return await bounded(asyncio.to_thread(function, *arguments, **options), GCS_TIMEOUT_S)
    except TimeoutError as error:
        raise ActorSilentError("Ray's control store does not answer") from error
    except (ray.exceptions.RayError, ValueError) as error:
        raise ActorSilentError(_one_line(error)) from error


def _one_line(error: Exception) -> str:
    return redact(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}")
