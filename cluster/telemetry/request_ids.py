"""The id of the request that is worked at, which Serve hands from process to process with each call by handle.

Serve has no public way to read or set it (RAY.md, section 4). Whoever cannot find it here does without: the lines
have the correlation id all the same.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


def request_id() -> str:
    """Of the request that this replica works at in this task, "" outside of one."""
    variable = _variable()
    context = variable.get() if variable is not None else None
    return str(getattr(context, "request_id", "") or "")


@contextmanager
def calling_as(identity: str) -> Iterator[None]:
    """Calls by handle inside of the block have the request id `identity`, in this thread or task."""
    variable = _variable()
    if variable is None or not identity:
        yield
        return
    token = variable.set(sys.modules["ray.serve.context"]._RequestContext(request_id=identity))
    try:
        yield
    finally:
        variable.reset(token)


def _variable() -> Any:
    """None: this process does not use Serve, or another release of Ray than ours."""
    context = sys.modules.get("ray.serve.context")
    if not hasattr(context, "_RequestContext"):
        return None
    return getattr(context, "_serve_request_context", None)
