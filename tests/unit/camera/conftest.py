"""Values that tests of one camera share."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from counterparts.events import NOON, safety_event
from counterparts.left_outboxes import HERE, SETTINGS, LeasingRecorder
from counterparts.scripted_camera import Script, WatchedLoop, camera
from counterparts.waiting import PATIENCE_S

from cluster.camera.outbox import Outbox
from cluster.camera.outbox_drain import OutboxDrain
from cluster.camera.snapshot import SnapshotJpegs
from cluster.safety.events import EpisodeState, SafetyEvent, SeenObject, Severity
from cluster.safety.frames import Frame
from cluster.safety.left_open import from_event
from cluster.settings.cameras import CameraSettings
from cluster.settings.site import OutboxSettings


@pytest.fixture
def make_event() -> Callable[..., SafetyEvent]:
    """Event number `n` of camera gate-1, opened n seconds after noon by frame n."""

    def make(n: int = 1, severity: Severity = Severity.CRITICAL, revision: int = 1, **other: Any) -> SafetyEvent:
        values: dict[str, Any] = {
            "revision": revision,
            "severity": severity,
            "state": EpisodeState.OPEN if revision == 1 else EpisodeState.CLOSED,
            "subject": f"person:{n}",
            "epoch": 3,
            "updated_at": NOON + timedelta(seconds=n + revision),
            "objects": (SeenObject("person", 0.5, (0.1, 0.2, 0.3, 0.9), n),),
        }
        return safety_event(n, **{**values, **other})

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


@pytest.fixture
def recorder() -> LeasingRecorder:
    """Owner of gate-1 is whoever has epoch 9."""
    return LeasingRecorder(leases={"gate-1": 9})


@pytest.fixture
def drain(tmp_path: Path, recorder: LeasingRecorder) -> OutboxDrain:
    return OutboxDrain(tmp_path, HERE, SETTINGS, recorder, jitter=lambda: 0.0)


@pytest.fixture
def leave(tmp_path: Path, make_event: Any) -> Callable[..., Path]:
    """leave(1, 2): an outbox of a camera that ended with these events open and not sent (`sent`: sent)."""

    def make(*numbers: int, camera_id: str = "gate-1", sent: bool = False, snapshot: Any = None) -> Path:
        folder = tmp_path / camera_id
        outbox = Outbox(folder, SETTINGS, camera_id)
        opened = [make_event(n, camera_id=camera_id) for n in numbers]
        for count, event in enumerate(opened, 1):
            outbox.accept([event], snapshot, [from_event(one).to_dict() for one in opened[:count]])
        for item in outbox.pending(100) if sent else []:
            outbox.done(item)
        outbox.close()
        return folder

    return make


@pytest.fixture
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hanging is noticed in an instant, and pauses hardly last; what follows from them is what counts here."""
    monkeypatch.setattr("cluster.camera.backoff.FIRST_PAUSE_S", 0.001)
    monkeypatch.setattr("cluster.camera.capture.OPEN_SLACK_S", -0.8)
    monkeypatch.setattr("cluster.camera.capture.READ_SLACK_S", -0.8)
    monkeypatch.setattr("cluster.camera.capture._READER_END_S", 0.1)


@pytest.fixture
def watch(short_deadlines: None) -> Iterator[Callable[..., WatchedLoop]]:
    """Starts capture loops on scripts, and stops them at the end."""
    watched: list[WatchedLoop] = []

    def start(script: Script, settings: CameraSettings | None = None, **options: object) -> WatchedLoop:
        watched.append(WatchedLoop(script, settings or camera(), **options))
        return watched[-1]

    yield start
    for each in watched:
        each.script.over.set()
        assert each.loop.stop(PATIENCE_S)
        each.thread.join(PATIENCE_S)
