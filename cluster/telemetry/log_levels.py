"""Which log lines this process writes. Changed while it runs, for all lines or for those of one camera."""

import logging
from collections.abc import Mapping

LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_NUMBERS = {name: logging.getLevelNamesMapping()[name] for name in LEVELS}


class LogLevels:
    """The least level that is written. Safe to change from any thread: readers see the old or the new state."""

    def __init__(self) -> None:
        self._state: tuple[int, dict[str, int]] = (logging.INFO, {})

    def change(self, level: str, cameras: Mapping[str, str] | None = None) -> None:
        """From the next line on `level` holds, and for the lines of each of `cameras` its own.

        Raises:
            ValueError: an unknown level; what held before goes on.
        """
        self._state = (_number(level), {camera_id: _number(own) for camera_id, own in (cameras or {}).items()})

    def admits(self, number: int, camera_id: object = None) -> bool:
        """Whether a line of level `number` (as `logging` counts) about `camera_id` is written."""
        level, cameras = self._state
        if cameras and isinstance(camera_id, str):
            level = cameras.get(camera_id, level)
        return number >= level


levels = LogLevels()
"""Those of this process."""


def _number(level: str) -> int:
    try:
        return _NUMBERS[level.upper()]
    except KeyError:
        raise ValueError(f"unknown log level {level!r}, known are {', '.join(LEVELS)}") from None
