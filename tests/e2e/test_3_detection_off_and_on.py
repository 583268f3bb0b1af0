"""An operator switches detection off and on again: the picture goes on, and everybody can read who did it."""

from typing import Any

import pytest

CAMERA = "gate-1"


def switch(site: Any, *words: str) -> None:
    done = site.command("detection", *words)
    assert done.returncode == 0, done.stdout + done.stderr


def degraded_events(site: Any) -> list[dict[str, Any]]:
    return [event for event in site.events() if event["event_type"] == "CAMERA_DEGRADED"]


@pytest.mark.timeout(600)
def test_detection_is_switched_off_and_on_while_the_picture_goes_on(site: Any) -> None:
    before = site.wait_for_status("MONITORED")
    known = {event["event_id"] for event in degraded_events(site)}

    switch(site, "off", "--camera", CAMERA, "--for", "30m", "--reason", "점검")
    try:
        off = site.wait_for_status("DEGRADED")
        assert off["reason"].startswith("detection is switched off by ")
        assert ": 점검, until " in off["reason"]
        assert site.wait_for("frames go on", lambda: _sees(site))
        (event,) = site.wait_for("told", lambda: [e for e in degraded_events(site) if e["event_id"] not in known])
        assert event["state"] == "open"
        assert "점검" in event["detail"]["status_reason"]
    finally:
        switch(site, "on", "--camera", CAMERA)

    after = site.wait_for_status("MONITORED")
    assert (after["pid"], after["epoch"]) == (before["pid"], before["epoch"]), "the same process, the same lease"
    assert site.wait_for("closed", lambda: _state(site, event["event_id"]) == "closed")
    assert len([one for one in degraded_events(site) if one["event_id"] not in known]) == 1


def _sees(site: Any) -> bool:
    report = site.report()
    return report["frame_age_s"] is not None and report["frame_age_s"] < 2 and report["capture_fps"] > 1


def _state(site: Any, event_id: str) -> str:
    return next(str(event["state"]) for event in degraded_events(site) if event["event_id"] == event_id)
