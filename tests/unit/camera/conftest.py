"""Values that tests of one camera share."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cluster.camera.outbox import Outbox
from cluster.camera.snapshot import SnapshotJpegs
from cluster.safety.events import EpisodeState, SafetyEvent, SeenObject, Severity
from cluster.safety.frames import Frame
from cluster.settings.site import OutboxSettings

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


@pytest.fixture
def make_event() -> Callable[..., SafetyEvent]:
    """Event number `n` of camera gate-1, opened n seconds after noon by frame n."""

    def make(n: int = 1, severity: Severity = Severity.CRITICAL, revision: int = 1, **other: Any) -> SafetyEvent:
        values: dict[str, Any] = {
            "event_id": f"event-{n}",
            "revision": revision,
            "camera_id": "gate-1",
            "zone_id": "press",
            "event_type": "DANGER_ZONE_INTRUSION",
            "severity": severity,
            "state": EpisodeState.OPEN if revision == 1 else EpisodeState.CLOSED,
            "subject": f"person:{n}",
            "epoch": 3,
            "correlation_id": f"gate-1-3-{n}",
            "opened_at": NOON + timedelta(seconds=n),
            "updated_at": NOON + timedelta(seconds=n + revision),
            "objects": (SeenObject("person", 0.5, (0.1, 0.2, 0.3, 0.9), n),),
        }
        return SafetyEvent(**{**values, **other})

    return make


@pytest.fixture
def make_snapshot() -> Callable[..., SnapshotJpegs]:
    """Not really JPEGs, but `size` bytes each, that say which frame they are of."""

    def make(n: int = 1, size: int = 100) -> SnapshotJpegs:
        return SnapshotJpegs(f"drawn {n} ".encode().ljust(size), f"clean {n} ".encode().ljust(size), f"gate-1-3-{n}")

    return make


@pytest.fixture
def make_frame() -> Callable[..., Frame]:
    """Frame `sequence` of gate-1, grey noise that is the same in each run."""

    def make(sequence: int = 1, width: int = 640, height: int = 480) -> Frame:
        image = np.random.default_rng(sequence).integers(90, 110, (height, width, 3), dtype=np.uint8)
        return Frame("gate-1", 3, sequence, NOON, 10.0 + sequence, image)

    return make


@pytest.fixture
def open_outbox(tmp_path: Path) -> Any:
    """Opens the outbox of gate-1 in the test's own folder; closes at the end what the test left open."""
    opened: list[Outbox] = []

    def make(
        max_bytes: int = 64 * 1024 * 1024, reserve_bytes: int = 0, folder: Path | None = None, **other: Any
    ) -> Outbox:
        settings = OutboxSettings(max_bytes=max_bytes, reserve_bytes=reserve_bytes)
        outbox = Outbox(tmp_path / "outbox" if folder is None else folder, settings, "gate-1", **other)
        opened.append(outbox)
        return outbox

    yield make
    for outbox in opened:
        outbox.close()


def ids(items: Sequence[Any]) -> list[str]:
    return [event.event_id for item in items for event in item.events]


@pytest.fixture
def ids_of() -> Callable[[Sequence[Any]], list[str]]:
    """Event ids in outbox items, in order."""
    return ids
