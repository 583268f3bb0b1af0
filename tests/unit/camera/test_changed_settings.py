"""A running camera whose settings change: what goes on, what begins anew, and what its former courier still hears."""

import errno
import os
import threading
from pathlib import Path
from typing import Any

import pytest
from counterparts.left_outboxes import SETTINGS, LeasingRecorder
from counterparts.waiting import PATIENCE_S, wait_for

from cluster.camera.camera import Camera, CameraPorts
from cluster.camera.courier import Courier
from cluster.camera.keeper import CameraKeeper
from cluster.camera.live_settings import needs_restart
from cluster.camera.outbox import Outbox
from cluster.camera.outbox_files import OutboxFiles
from cluster.safety.errors import DatabaseUnavailable, OutboxFull
from cluster.settings.cameras import Assignment, CameraSettings
from cluster.settings.site import SiteSettings

MASK = ((0.0, 0.0), (0.1, 0.0), (0.1, 0.1))


def assignment(**changes: Any) -> Assignment:
    values = {"camera_id": "gate-1", "source": "rtsp://camera/1", **changes}
    return Assignment(camera=CameraSettings.model_validate(values), revision=1, epoch=7)


@pytest.mark.parametrize(
    ("changes", "goes_on"),
    [
        ({"name": "North gate"}, True),
        ({"detect": False}, True),
        ({"node": "node-b"}, True),
        ({"enabled": False}, True),
        ({"source": "rtsp://camera/2"}, False),
        ({"privacy_masks": (MASK,)}, False),
        ({"read_timeout_s": 9}, False),
    ],
)
def test_only_what_concerns_the_capture_begins_it_anew(tmp_path: Path, changes: dict[str, Any], goes_on: bool) -> None:
    ports = CameraPorts(lambda image, deadline_s: None, LeasingRecorder(), lambda: None, lambda: None)  # type: ignore[arg-type,return-value]
    camera = Camera(assignment(), SiteSettings(name="test", data_dir=tmp_path), ports)
    try:
        assert camera.apply(assignment(**changes)) is goes_on
    finally:
        camera.stop(1.0)


def test_a_camera_that_is_declared_from_now_on_or_no_more_is_opened_anew() -> None:
    """Its source is trusted, or is not any more."""
    declared = assignment()
    by_api = declared.model_copy(update={"managed": "api"})

    assert not needs_restart(declared, declared)
    assert needs_restart(declared, by_api)
    assert needs_restart(by_api, declared)


@pytest.mark.parametrize("stopped", [True, False])
def test_a_lease_that_goes_to_this_process_itself_is_not_lost(tmp_path: Path, make_event: Any, stopped: bool) -> None:
    """The former courier's last call may reach the Recorder only after the next lease was taken."""
    called, goes_on, lost = threading.Event(), threading.Event(), threading.Event()

    def slow_network() -> None:
        called.set()
        assert goes_on.wait(PATIENCE_S)

    outbox = Outbox(tmp_path / "gate-1", SETTINGS, "gate-1")
    outbox.accept([make_event(1)], None, [])
    recorder = LeasingRecorder(fails=slow_network)
    courier = Courier(outbox, recorder, camera_id="gate-1", epoch=3, retry_max_s=1.0, on_lease_lost=lost.set)
    sending = threading.Thread(target=courier.run)
    sending.start()
    assert called.wait(PATIENCE_S)
    if stopped:
        courier.stop()
    recorder.leases["gate-1"] = 4
    goes_on.set()
    sending.join(PATIENCE_S)

    assert not sending.is_alive()
    assert lost.is_set() is not stopped
    outbox.close()


def disk_is_full(*_: Any) -> None:
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


def test_a_disk_that_refuses_costs_no_alarm_when_the_source_changes(
    tmp_path: Path, make_event: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The Recorder is away as well: the event is in this process only."""
    away = threading.Event()
    away.set()
    recorder = LeasingRecorder(fails=lambda: DatabaseUnavailable("away") if away.is_set() else None)
    ports = CameraPorts(lambda image, deadline_s: None, recorder, lambda: None, lambda: None)  # type: ignore[arg-type,return-value]
    site = SiteSettings(name="test", data_dir=tmp_path, outbox=SETTINGS)
    made: list[Camera] = []

    def make(given: Assignment, site: SiteSettings) -> Camera:
        made.append(Camera(given, site, ports))
        return made[-1]

    leases = iter((7, 8))
    keeper = CameraKeeper("gate-1", lambda: (assignment().model_copy(update={"epoch": next(leases)}), site), make)
    keeper.ask_and_begin()
    try:
        monkeypatch.setattr(OutboxFiles, "write", disk_is_full)
        with pytest.raises(OutboxFull):
            made[0]._outbox.accept([make_event(1)], None, [])
        changed = assignment(source="rtsp://camera/2")

        keeper.apply(changed)
        assert (len(made), recorder.rows) == (1, {})

        away.clear()
        wait_for("the event to be told", lambda: "event-1" in recorder.rows and not made[0].unwritten(), every_s=0.05)
        keeper.apply(changed)
        assert len(made) == 2
    finally:
        keeper.stop(5.0)
