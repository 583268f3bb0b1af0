"""Calls to Ray that end: every one has a deadline, and what goes wrong is `ActorSilentError`."""

import asyncio
from collections.abc import Callable
from typing import Any, TypeVar

import ray.exceptions

from deployments.cameras.camera_actors import ActorSilentError

Answer = TypeVar("Answer")

GCS_TIMEOUT_S = 5.0


async def answer(reference: Any, timeout_s: float) -> Any:
    """What an actor's method returned."""
    try:
        return await asyncio.wait_for(reference, timeout_s)
    except TimeoutError as error:
        raise ActorSilentError(f"no answer within {timeout_s:g} s") from error
    except ray.exceptions.RayError as error:
        raise ActorSilentError(type(error).__name__) from error


async def in_time(function: Callable[..., Answer], *arguments: Any, **options: Any) -> Answer:
    """What `function` returned: calls to Ray's control store block, so off the loop, and not for ever."""
    try:
        return await asyncio.wait_for(asyncio.to_thread(function, *arguments, **options), GCS_TIMEOUT_S)
    except TimeoutError as error:
        raise ActorSilentError("Ray's control store does not answer") from error
    except (ray.exceptions.RayError, ValueError) as error:
        raise ActorSilentError(f"{type(error).__name__}: {' '.join(str(error).split())[:200]}") from error
