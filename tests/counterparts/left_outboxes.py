"""A camera's outbox without its camera: who may drain it, and a Recorder that can be taken away."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from cluster.camera.places import CameraPlace, Places
from cluster.safety.errors import LeaseLost
from cluster.safety.events import SafetyEvent
from cluster.settings.site import OutboxSettings

HERE, THERE = "node-a", "node-b"
SETTINGS = OutboxSettings(max_bytes=8 * 1024 * 1024, reserve_bytes=0, retry_max_s=0.3)


@dataclass
class LeasingRecorder:
    """Leases and rows with the conditions of the real ones; `fails` is asked before each call."""

    fails: Callable[[], Exception | None] = lambda: None
    picture_fails: Callable[[], Exception | None] = lambda: None
    leases: dict[str, int] = field(default_factory=dict)
    rows: dict[str, SafetyEvent] = field(default_factory=dict)
    told: list[tuple[str, int, str]] = field(default_factory=list)
    pictures: list[tuple[str, str]] = field(default_factory=list)

    def record(
        self, camera_id: str, sender_epoch: int, events: Sequence[SafetyEvent], with_pictures: frozenset[str]
    ) -> None:
        if (error := self.fails()) is not None:
            raise error
        current = self.leases.get(camera_id, 0)
        if sender_epoch < current:
            raise LeaseLost(camera_id, sender_epoch, current)
        self.leases[camera_id] = sender_epoch
        for event in events:
            row = self.rows.get(event.event_id)
            if row is None or (row.epoch, row.revision) < (event.epoch, event.revision):
                self.rows[event.event_id] = event
                self.told.append((event.event_id, event.revision, event.state.value))

    def store_picture(self, camera_id: str, event_id: str, kind: str, correlation_id: str, jpeg: bytes) -> None:
        if (error := self.picture_fails()) is not None:
            raise error
        self.pictures.append((event_id, kind))

    def picture_lost(self, camera_id: str, event_id: str) -> None:
        self.pictures.append((event_id, "lost"))


def lives(node_id: str, epoch: int = 9, *open_events: str) -> Places:
    """Camera gate-1 lives on that node, and nobody else is wanted."""
    return Places({"gate-1": CameraPlace(node_id, epoch, frozenset(open_events))}, complete=True)
