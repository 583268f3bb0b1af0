"""The one line that matters out of a long message: Ray hands whole tracebacks over."""

import re

from cluster.safety.redaction import redact

_LONGEST = 400
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
# `ValueError: ...`, `cluster.safety.errors.ConfigError: ...`, `ray.exceptions.RayTaskError(X): ...`
_ERROR = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Unavailable|Timeout|Fault|Interrupt)(?:\([^)]*\))?:\s*\S")


def root_line(message: str) -> str:
    """The last line of `message` that names an error, else its first; redacted, without colours.

    >>> root_line("Traceback ...\\n  File x\\nValueError: port 1 is busy\\nHint: look")
    'ValueError: port 1 is busy'
    """
    lines = [line.strip() for line in _COLOUR.sub("", message).splitlines() if line.strip()]
    errors = [line for line in lines if _ERROR.match(line)]
    line = errors[-1] if errors else lines[0] if lines else ""
    return redact(line)[:_LONGEST]
