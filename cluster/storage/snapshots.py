"""Pictures of events, in a folder or in an S3-compatible store."""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC
from pathlib import Path
from typing import TYPE_CHECKING

from obstore.exceptions import BaseError
from obstore.store import LocalStore

from cluster.safety.errors import SnapshotsUnavailable
from cluster.safety.events import SafetyEvent
from cluster.settings.site import SiteSettings
from cluster.storage.object_stores import folder_of, s3_store

if TYPE_CHECKING:
    from obstore.store import ObjectStore

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9][A-Za-z0-9._-]*)*")
_LONGEST_NAME = 512
_LONGEST_REASON = 300
_S3_ANSWER = re.compile(r"<Code>(?P<code>[^<]*)</Code>(?:.*?<Message>(?P<message>[^<]*)</Message>)?", re.DOTALL)
_CLEAN = "-clean.jpg"
_PROBE = "probe"


def snapshot_name(event: SafetyEvent, clean: bool) -> str:
    """Name of the picture that one revision of an event makes: drawn with boxes and zone, or `clean`."""
    day = event.opened_at.astimezone(UTC).strftime("%Y/%m/%d")
    drawn = f"{event.camera_id}/{day}/{event.correlation_id}-{event.event_id}.jpg"
    return clean_name(drawn) if clean else drawn


def clean_name(drawn: str) -> str:
    """Name of the clean picture beside the drawn one."""
    return drawn.removesuffix(".jpg") + _CLEAN


def open_snapshots(site: SiteSettings) -> "SnapshotStore":
    """The store that `snapshots.url` names. Nothing is opened yet: a folder or server that is away now may come back.

    Raises:
        ConfigError: the address cannot be one.
    """
    folder = folder_of(site)
    timeout_s = site.snapshots.timeout_s
    if folder is None:
        store = s3_store(site.snapshots)
        return SnapshotStore(lambda: store, site.snapshots.url, timeout_s)
    return SnapshotStore(lambda: LocalStore(folder, mkdir=True), str(folder), timeout_s, folder)


class SnapshotStore:
    """JPEG pictures by name. Every call answers within `timeout_s` seconds; calls may run at once and be repeated.

    Writes are whole or not at all: `put` over an existing name replaces it in one step. `folder` is the place of
    local files, None for a server.
    """

    def __init__(
        self, open_store: "Callable[[], ObjectStore]", place: str, timeout_s: float, folder: Path | None = None
    ) -> None:
        self._open_store, self._place, self._timeout_s, self._folder = open_store, place, timeout_s, folder
        self._store: ObjectStore | None = None

    async def put(self, name: str, jpeg: bytes) -> None:
        """Keeps a picture; on return it survives a power cut.

        Raises:
            SnapshotsUnavailable: no room, no permission, no answer.
            ValueError: a name that leads out of the store, or none.
        """
        _check_name(name)
        async with self._bounded():
            await self._put(name, jpeg)

    async def get(self, name: str) -> bytes:
        """The picture.

        Raises:
            KeyError: there is none.
            SnapshotsUnavailable: no permission, no answer.
            ValueError: as in `put`.
        """
        _check_name(name)
        async with self._bounded():
            try:
                found = await (await self._opened()).get_async(name)
                return bytes(await found.bytes_async())
            except FileNotFoundError as error:
                if "NoSuchBucket" in str(error):
                    raise
                raise KeyError(name) from error

    async def delete(self, name: str) -> None:
        """Removes a picture; without an error if there is none."""
        _check_name(name)
        async with self._bounded():
            try:
                await (await self._opened()).delete_async(name)
            except FileNotFoundError:
                return

    async def ping(self) -> None:
        """Returns if a picture could be kept now: writes a few bytes.

        Raises:
            SnapshotsUnavailable: it could not.
        """
        async with self._bounded():
            await self._put(_PROBE, b"safe-yolo")

    async def _put(self, name: str, content: bytes) -> None:
        attributes = {"Content-Type": "image/jpeg"} if self._folder is None else None
        await (await self._opened()).put_async(name, content, attributes=attributes, use_multipart=False)
        if self._folder is not None:
            await asyncio.to_thread(_sync_to_disk, self._folder / name)

    async def _opened(self) -> "ObjectStore":
        if self._store is None:
            self._store = await asyncio.to_thread(self._open_store)
        return self._store

    @asynccontextmanager
    async def _bounded(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError as error:
            raise self._unavailable(f"no answer within {self._timeout_s:g} s") from error
        except (BaseError, OSError, ValueError) as error:
            raise self._unavailable(_reason(str(error))) from error

    def _unavailable(self, reason: str) -> SnapshotsUnavailable:
        mend = (
            "see that the server answers and that bucket and keys are right"
            if self._folder is None
            else "see that the folder can be written and has room"
        )
        return SnapshotsUnavailable(f"snapshots in {self._place}: {reason}", mend)


def _reason(text: str) -> str:
    """What obstore says without its debugging output, and of a server's answer what went wrong only: the rest of
    it names access keys."""
    said = text.partition("Debug source")[0]
    if answer := _S3_ANSWER.search(said):
        said = f"{said.partition('<')[0]}{answer['code']} {answer['message'] or ''}"
    return " ".join(said.split())[:_LONGEST_REASON]


def _check_name(name: str) -> None:
    if len(name) > _LONGEST_NAME or not _NAME.fullmatch(name):
        raise ValueError(f"snapshot name {name[:80]!r}: needs letters, digits, '.', '_', '-' between single '/'")


def _sync_to_disk(file: Path) -> None:
    """obstore's LocalStore renames a finished file into place, but leaves it in the page cache."""
    for path in (file, file.parent):
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
