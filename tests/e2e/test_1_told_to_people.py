"""A person walks into the danger zone of the demo clip: people are told, once, and the next one if nobody comes."""

import base64
from datetime import datetime
from typing import Any

import httpx
import pytest

STATES = {"room": "accepted", "shift": "accepted", "manager": "accepted"}


@pytest.fixture(scope="module")
def unacknowledged(site: Any) -> dict[str, Any]:
    """The first intrusion of which the manager was told. From the frame to who is told at once is printed."""

    def look() -> dict[str, Any] | None:
        found = reversed(site.events(event_type="DANGER_ZONE_INTRUSION"))
        once = (event for event in found if event["occurrence"] == 1)
        return next((event for event in once if _states(site, event["event_id"]) == STATES), None)

    event = site.wait_for("an intrusion of which everybody was told", look)
    for one in site.get(f"/api/v1/events/{event['event_id']}").json()["notifications"]:
        if one["accepted_at"] and one["step"] == 0 and one["kind"] != "closed":
            took = datetime.fromisoformat(one["accepted_at"]) - datetime.fromisoformat(event["opened_at"])
            print(f"frame to {one['channel_id']}: {took.total_seconds():.2f} s")
    return event


def test_the_room_is_told_once_with_the_picture(site: Any, unacknowledged: dict[str, Any]) -> None:
    event_id = unacknowledged["event_id"]
    (post,) = [one for one in site.told.shown() if one["metadata"]["event_payload"]["event_id"] == event_id]
    (jpeg,) = [content for thread, _, content in site.told.room.files if thread == post["ts"]]

    assert "위험 구역 침입" in post["text"]
    assert f"/?event={event_id}" in str(post["attachments"])
    assert jpeg == site.get(f"/api/v1/events/{event_id}/snapshot.jpg").content


def test_the_shift_gets_one_sms_with_a_link_that_acknowledges(site: Any, unacknowledged: dict[str, Any]) -> None:
    link = _link_in(site, unacknowledged["event_id"])

    answer = httpx.get(link, timeout=15, trust_env=False)

    assert answer.status_code == 200
    assert site.get(f"/api/v1/events/{unacknowledged['event_id']}").json()["acknowledged_by"] is None, "only looked at"


def test_when_somebody_acknowledges_nobody_else_is_told(site: Any) -> None:
    known = {event["event_id"] for event in site.events(event_type="DANGER_ZONE_INTRUSION")}

    def look() -> str | None:
        found = (event["event_id"] for event in site.events(event_type="DANGER_ZONE_INTRUSION"))
        new = (event_id for event_id in found if event_id not in known)
        return next((event_id for event_id in new if _first_step_is_gone(site, event_id)), None)

    event_id = site.wait_for("another intrusion", look)
    path = f"{site.page}/api/v1/events/{event_id}/acknowledge"
    httpx.post(path, json={"by": "kim"}, timeout=15, trust_env=False).raise_for_status()

    told = {"room": "accepted", "shift": "accepted", "manager": "cancelled"}
    site.wait_for("room and shift are told", lambda: _states(site, event_id) == told)
    assert [post for post in site.told.taken("/manager") if event_id in post.content.decode()] == []


def _first_step_is_gone(site: Any, event_id: str) -> bool:
    """What nobody has handed over yet would be cancelled too."""
    states = _states(site, event_id)
    gone = {"sent", "accepted"}
    return states.get("manager") == "waiting" and {states.get("room"), states.get("shift")} <= gone


def _states(site: Any, event_id: str) -> dict[str, str]:
    """Of the messages that told of the beginning."""
    told = site.get(f"/api/v1/events/{event_id}").json()["notifications"]
    return {one["channel_id"]: one["state"] for one in told if one["kind"] != "closed"}


def _link_in(site: Any, event_id: str) -> str:
    """The link in the one SMS of this event; which event a link is of stands in it, signed."""
    texts = [text for _, text in site.sms_log()]
    links = [line for text in texts for line in text.split("\n") if "/api/v1/acknowledge/" in line]
    of_event = [link for link in links if event_id in base64.urlsafe_b64decode(_padded(link)).decode()]
    assert len(of_event) == 1
    return of_event[0]


def _padded(link: str) -> str:
    body = link.rpartition("/")[2].partition(".")[0]
    return body + "=" * (-len(body) % 4)
