"""A camera that fails in every way cameras fail: said at once, survived, the same process afterwards.

How long it took is printed (pytest -rP); only generous limits end a broken test.
"""

import os
import signal
import time
from collections.abc import Callable
from typing import Any

import pytest

OUTAGE_S = 30.0
SETTLED_S = 8.0
"""Longer than it takes to turn UNMONITORED."""


@pytest.fixture(autouse=True)
def _watched_before_and_after(site: Any) -> Any:
    site.wait_for_status("MONITORED")
    yield
    site.wait_for_status("MONITORED")


def test_a_stopped_server_is_unmonitored_with_its_event_and_comes_back_in_the_same_process(site: Any) -> None:
    before = site.report()
    stopped_s = time.monotonic()
    site.camera.stop()
    site.proxy.cut()
    try:
        blind = site.wait_for_status("UNMONITORED")
        unmonitored_after_s = time.monotonic() - stopped_s
        event = _open_outage(site)
        no_frame = site.get("/api/v1/cameras/gate-1/frame.jpg")
        site.wait_for("the outage", lambda: time.monotonic() - stopped_s > OUTAGE_S)
    finally:
        site.camera.start()
    started_s = time.monotonic()
    after = site.wait_for_status("MONITORED")
    print(f"UNMONITORED after {unmonitored_after_s:.1f} s, back after {time.monotonic() - started_s:.1f} s")

    assert blind["reason"]
    assert (event["severity"], event["subject"]) == ("CRITICAL", "picture")
    assert no_frame.status_code == 503
    assert (after["pid"], after["epoch"]) == (before["pid"], before["epoch"])
    assert _closed(site, event)


def test_a_server_that_stalls_without_closing_is_survived(site: Any) -> None:
    pid = site.report()["pid"]
    site.camera.freeze()
    try:
        site.wait_for_status("UNMONITORED")
        event = _open_outage(site)
    finally:
        site.camera.thaw()

    assert site.wait_for_status("MONITORED")["pid"] == pid
    assert _closed(site, event)


@pytest.mark.parametrize(
    ("what", "break_it"),
    [
        ("reset", lambda site: site.proxy.cut()),
        ("garbage", lambda site: site.proxy.spoil(200_000)),
        ("another size", lambda site: site.camera.size(800, 448)),
        ("the old size", lambda site: site.camera.size(640, 360)),
    ],
)
def test_broken_streams_are_survived_by_the_same_process(site: Any, what: str, break_it: Callable[[Any], None]) -> None:
    before = site.report()

    break_it(site)
    broken_s = time.monotonic()

    def frames_go_on() -> dict[str, Any] | None:
        """Looked at well after the break: frames from before it must not count."""
        now, since_s = site.report(), time.monotonic() - broken_s
        looked_at = now["inference_age_s"] is not None and now["inference_age_s"] < 2
        reconnected = what != "reset" or now["reconnects"] > before["reconnects"]
        return now if now["status"] == "MONITORED" and since_s > SETTLED_S and looked_at and reconnected else None

    after = site.wait_for(f"frames after {what}", frames_go_on)
    assert (after["pid"], after["epoch"]) == (before["pid"], before["epoch"])


def test_a_hung_camera_process_is_said_by_the_supervisor_and_replaced(site: Any) -> None:
    before = site.report()
    os.kill(before["pid"], signal.SIGSTOP)
    stopped_s = time.monotonic()
    blind = site.wait_for_status("UNMONITORED")
    event = _open_outage(site)
    after = site.wait_for("a new process that watches", lambda: _watched_by_another(site, before))
    print(f"a hung process was replaced and watches again after {time.monotonic() - stopped_s:.1f} s")

    assert "does not answer" in blind["reason"]
    assert event["subject"] == "process"
    assert after["pid"] != before["pid"]
    assert _closed(site, event)


def test_a_killed_camera_process_comes_back_under_a_new_lease_and_loses_nothing(site: Any) -> None:
    before = site.report()
    site.wait_for("somebody in the zone", lambda: site.events(event_type="DANGER_ZONE_INTRUSION", state="open"))
    os.kill(before["pid"], signal.SIGKILL)

    after = site.wait_for("a new process that watches", lambda: _watched_by_another(site, before))

    assert after["pid"] != before["pid"]
    # What the dead process had told is taken up by the next, and ended: nothing of the old lease stays open.
    old = {"event_type": "DANGER_ZONE_INTRUSION", "state": "open"}
    site.wait_for(
        "the end of the old episodes",
        lambda: not [event for event in site.events(**old) if event["epoch"] == before["epoch"]] or None,
    )


def _watched_by_another(site: Any, before: dict[str, Any]) -> dict[str, Any] | None:
    """The report of the process after the one of `before`, once it watches."""
    now: dict[str, Any] = site.report()
    return now if now["status"] == "MONITORED" and now["epoch"] > before["epoch"] else None


def _open_outage(site: Any) -> dict[str, Any]:
    event: dict[str, Any] = site.wait_for(
        "the event of the outage",
        lambda: next(iter(site.events(event_type="CAMERA_UNMONITORED", state="open")), None),
    )
    return event


def _closed(site: Any, event: dict[str, Any]) -> bool:
    path = f"/api/v1/events/{event['event_id']}"
    return bool(site.wait_for("the end of the outage", lambda: site.get(path).json()["state"] == "closed"))
