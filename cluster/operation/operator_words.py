"""What operators switch off for a while, as words in the site's database; who obeys reads them every few seconds."""

import asyncio
import getpass
import re
import socket
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from cluster.operation.serve_file import ServeFile
from cluster.safety.errors import ConfigError, DatabaseUnavailable, SiteUnhealthy
from cluster.settings.load import load_site
from cluster.settings.site import SiteSettings

Result = TypeVar("Result")
ALL = "*"
_DURATION = re.compile(r"^(?P<number>\d{1,5})(?P<unit>[smhd])$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_LONGEST = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Subject:
    """What is switched off: the field and its value in the database, and how people call that."""

    field: str
    value: bool
    is_off: str
    for_ever: str


DETECTION = Subject("detect", False, "detection is off", "until it is switched on")
NOTIFICATIONS = Subject("muted", True, "nobody is notified", "without an end, and not of CRITICAL")


@dataclass(frozen=True, slots=True)
class Word:
    """What holds now about one camera, or about all (`*`). Times are in the site's zone."""

    subject: Subject
    camera_id: str
    set_by: str
    set_at: datetime
    until: datetime | None
    reason: str

    def __str__(self) -> str:
        who = "all cameras" if self.camera_id == ALL else self.camera_id
        until = f"until {self.until:%Y-%m-%d %H:%M}" if self.until else self.subject.for_ever
        reason = f": {self.reason}" if self.reason else ""
        return f"{who}: {self.subject.is_off} since {self.set_at:%Y-%m-%d %H:%M}, {until}, by {self.set_by}{reason}"

    def as_json(self) -> dict[str, Any]:
        until = self.until.isoformat() if self.until else None
        return {
            "camera_id": self.camera_id,
            "set_by": self.set_by,
            "set_at": self.set_at.isoformat(),
            "until": until,
            "reason": self.reason,
        }


class OperatorSwitch:
    """Switches something of the cameras in `serve`, and of those that its site's database knows.

    Raises:
        ConfigError: a camera that there is not, or a site's file that is wrong.
        SiteUnhealthy: the database does not answer, or is older than this release.
    """

    def __init__(
        self, subject: Subject, serve: ServeFile, *, now: Callable[[], datetime] = lambda: datetime.now(UTC)
    ) -> None:
        self._subject, self._serve, self._now = subject, serve, now
        self._site = load_site(serve.site_file)

    def off(self, cameras: Collection[str], lasts: timedelta | None, reason: str) -> list[Word]:
        """Until it is switched on again, or for as long as `lasts`; returns what holds now."""
        now = self._now()
        until = None if lasts is None else now + lasts

        async def work(engine: Any) -> list[Word]:
            from cluster.storage.overrides import Override, OverrideField, OverrideStore

            await self._check(engine, cameras)
            for camera_id in cameras:
                field, value = OverrideField(self._subject.field), self._subject.value
                await OverrideStore(engine).put(Override(camera_id, field, value, operator(), reason, until, now))
            return await self._said(engine)

        return _with_database(self._site, work)

    def on(self, cameras: Collection[str], reason: str) -> list[Word]:
        """Takes the word about each of `cameras` back; what is returned still holds, also for some of them perhaps."""

        async def work(engine: Any) -> list[Word]:
            from cluster.storage.overrides import OverrideField, OverrideStore

            await self._check(engine, cameras)
            for camera_id in cameras:
                await OverrideStore(engine).clear(camera_id, OverrideField(self._subject.field), operator(), reason)
            return await self._said(engine)

        return _with_database(self._site, work)

    def words(self) -> list[Word]:
        """What holds now."""
        return _with_database(self._site, self._words)

    async def _said(self, engine: Any) -> list[Word]:
        from cluster.storage.messages import MessageStore

        if self._subject is NOTIFICATIONS:
            await MessageStore(engine).keep_quiet_until_its_end(self._now())
        return await self._words(engine)

    async def _words(self, engine: Any) -> list[Word]:
        from cluster.storage.overrides import OverrideStore

        zone = ZoneInfo(self._site.time_zone)
        return [
            Word(
                self._subject,
                one.camera_id,
                one.set_by,
                one.set_at.astimezone(zone),
                one.until.astimezone(zone) if one.until else None,
                one.reason,
            )
            for one in await OverrideStore(engine).current(self._now())
            if one.field.value == self._subject.field and one.is_off
        ]

    async def _check(self, engine: Any, cameras: Collection[str]) -> None:
        """A misspelt id would silently do nothing."""
        if ALL in cameras:
            return
        from cluster.storage.cameras import CameraStore

        known = {camera.camera_id for camera in self._serve.cameras.cameras}
        known |= {camera.settings.camera_id for camera in await CameraStore(engine).all()}
        for camera_id in cameras:
            if camera_id not in known:
                there_is = ", ".join(sorted(known)[:10]) or "none"
                fault = "there is no such camera"
                raise ConfigError("command", "--camera", repr(camera_id[:40]), fault, f"use {there_is}")


def duration(text: str) -> timedelta:
    """`90s`, `30m`, `8h`, `2d`.

    Raises:
        ConfigError: it is none, zero, or longer than 30 days.
    """
    match = _DURATION.match(text.strip())
    lasts = timedelta(seconds=int(match["number"]) * _SECONDS[match["unit"]]) if match else timedelta(0)
    if not timedelta(0) < lasts <= _LONGEST:
        raise ConfigError("command", "--for", repr(text[:20]), "is no time up to 30d", "write 90s, 30m, 8h or 2d")
    return lasts


def chosen(cameras: Sequence[str], every: bool) -> list[str]:
    """The cameras that are meant: those named, or all.

    Raises:
        ConfigError: neither or both are said.
    """
    if bool(cameras) is every:
        fault = "not both of --camera and --all" if every else "neither --camera nor --all is given"
        raise ConfigError("command", "", "", fault, "name cameras with --camera ID, or mean all with --all")
    return [ALL] if every else list(dict.fromkeys(cameras))


def operator() -> str:
    """Who types, as far as this machine knows."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run under a number without a name
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _with_database(site: SiteSettings, work: Callable[[Any], Awaitable[Result]]) -> Result:
    from cluster.storage.engine import create_engine  # sqlalchemy takes most of a second

    async def run() -> Result:
        engine = create_engine(site)
        try:
            return await work(engine)
        finally:
            await engine.dispose()

    try:
        return asyncio.run(run())
    except DatabaseUnavailable as error:
        raise SiteUnhealthy(error.reason, error.mend) from error
