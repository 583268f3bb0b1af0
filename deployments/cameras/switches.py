"""What operators switched off, laid over what is configured. Knows neither Ray nor the database."""

import hashlib
from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, tzinfo
from typing import Any, Protocol

import structlog

from cluster.storage.overrides import Override, OverrideField, effective
from deployments.cameras.desired import Desired

_log = structlog.get_logger()
_SETTINGS = {OverrideField.ENABLED: "enabled", OverrideField.DETECT: "detect"}
"""Fields of a camera's settings; who is muted is the Notifier's affair."""
_WHAT = {OverrideField.ENABLED: "the camera", OverrideField.DETECT: "detection"}


class Overrides(Protocol):
    """The words of operators (`cluster.storage.overrides.OverrideStore`). Raises DatabaseUnavailable."""

    async def newest(self) -> list[Override]: ...


class Switches:
    """Remembers the last words that could be read: they stay in force while the database is away, and end by the clock.

    Until the first could be read none are known, and every camera does what is configured: detection that runs
    against somebody's wish does no harm, a zone that stays blind by mistake does.
    """

    def __init__(self, store: Overrides, time_zone: tzinfo) -> None:
        self._store, self._time_zone = store, time_zone
        self._newest: Collection[Override] = ()

    async def read(self) -> bool:
        """Whether anything is different now.

        Raises:
            DatabaseUnavailable: not now; the last words stay in force.
        """
        newest = await self._store.newest()
        changed = newest != self._newest
        self._newest = newest
        if changed:
            _log.info("overrides_read", words=len(newest))
        return changed

    def over(self, desired: Mapping[str, Desired], now: datetime) -> dict[str, Desired]:
        """`desired` as operators want it at this moment. A changed camera has another revision, taken from its content:
        its actor hears of it once, by `apply`, and goes on with the next frame."""
        return {camera_id: self._over(one, now) for camera_id, one in desired.items()}

    def _over(self, desired: Desired, now: datetime) -> Desired:
        words = effective(self._newest, desired.settings.camera_id, now)
        changes: dict[str, Any] = {key: words[field].value for field, key in _SETTINGS.items() if field in words}
        changes = {key: value for key, value in changes.items() if getattr(desired.settings, key) is not value}
        if not changes:
            return desired
        settings = desired.settings.model_copy(update=changes)
        said = "; ".join(self._said(words[field]) for field, key in _SETTINGS.items() if changes.get(key) is False)
        content = f"{desired.revision}|{sorted(changes.items())}|{said}"
        revision = int.from_bytes(hashlib.sha256(content.encode()).digest()[:6], "big")
        return replace(desired, settings=settings, revision=revision, switched_off=said)

    def _said(self, word: Override) -> str:
        """`detection is switched off by kim: maintenance, until 2026-11-23 14:30`."""
        until = f", until {word.until.astimezone(self._time_zone):%Y-%m-%d %H:%M}" if word.until else ""
        reason = f": {word.reason}" if word.reason else ""
        return f"{_WHAT[word.field]} is switched off by {word.set_by}{reason}{until}"
