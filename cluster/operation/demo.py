"""`demo`: the site on a clip that it makes itself, told event by event until Ctrl-C."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Protocol

from cluster.operation import ray_state
from cluster.operation.interruption import Interruption
from cluster.operation.progress import Progress
from cluster.safety.errors import SiteUnhealthy

_POLL_S = 1.0
_PATIENCE = 30
"""So many polls in a row may go unanswered before the demo gives up."""

MakeClip = Callable[..., None]


class Events(Protocol):
    def newest_events(self) -> list[dict[str, Any]]: ...


def ensure_clip(path: Path, make: MakeClip, progress: Progress, interruption: Interruption) -> None:
    """Make the clip at `path` unless it is there.

    Raises:
        ConfigError: it cannot be made.
        Interrupted: somebody asked to stop; no half clip is left.
    """
    if path.exists() and path.stat().st_size > 0:
        return

    def tell(share: float) -> None:
        interruption.check()
        progress.step(f"making the demo clip: {int(share * 10) * 10} %")

    make(path, progress=tell)
    progress.done(f"demo clip made: {path}")


def follow(
    events: Events,
    page: str,
    say: Callable[[str], None],
    interruption: Interruption,
    *,
    exit_after_event: str = "",
    poll_s: float = _POLL_S,
) -> None:
    """Tell each new revision of an event in one line until a signal comes, or `exit_after_event` was told.

    Raises:
        SiteUnhealthy: the site was stopped from elsewhere, or does not answer any more.
    """
    told: set[tuple[str, int]] = set()
    missed = 0
    while not interruption.stopping.is_set():
        try:
            fresh = list(_fresh(events.newest_events(), told))
            missed = 0
        except SiteUnhealthy:
            missed += 1
            if ray_state.load() is None or missed >= _PATIENCE:
                raise
            fresh = []
        for event in fresh:
            say(event_line(event, page))
        if exit_after_event and any(event.get("event_type") == exit_after_event for event in fresh):
            return
        interruption.stopping.wait(poll_s)


def event_line(event: dict[str, Any], page: str) -> str:
    """`10:02:07Z CRITICAL DANGER_ZONE_INTRUSION open  gate-1/press person:7  http://...snapshot.jpg`."""
    place = "/".join(part for part in (event.get("camera_id"), event.get("zone_id")) if part)
    snapshot = (event.get("snapshot") or {}).get("url") or ""
    words = [
        str(event.get("updated_at") or "")[11:19] + "Z",
        str(event.get("severity")),
        str(event.get("event_type")),
        str(event.get("state")),
        place,
        str(event.get("subject") or ""),
        page.rstrip("/") + snapshot if snapshot else "",
    ]
    return "  ".join(word for word in words if word)


def _fresh(newest: list[dict[str, Any]], told: set[tuple[str, int]]) -> Iterator[dict[str, Any]]:
    """Revisions not yet told, oldest first. What was told is forgotten once it left the page of the newest."""
    keys = [(str(event.get("event_id")), int(event.get("revision") or 0)) for event in newest]
    fresh = [event for event, key in zip(newest, keys, strict=True) if key not in told]
    told.clear()
    told.update(keys)
    yield from reversed(fresh)
