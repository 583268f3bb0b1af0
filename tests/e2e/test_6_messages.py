"""Channels that fail and a Notifier that is killed: people are told all the same, and once.

CHANNELS_AWAY_S=60 is the long form: so long each fault lasts at least.
"""

import os
import threading
import time
from datetime import UTC, datetime
from typing import Any

import pytest
from counterparts.message_receiver import CLOSES, DOWN, HANGS, SAYS_429, SAYS_500
from counterparts.ray_nodes import wait_for
from counterparts.simulated_site import AT_THE_PRESS, walk

pytestmark = pytest.mark.timeout(300)
AWAY_S = float(os.environ.get("CHANNELS_AWAY_S", "0"))
ACCEPTED = {"room": "accepted", "phone": "accepted"}


def test_people_are_told_once_whatever_happens_to_the_notifier(simulated: Any) -> None:
    """It is killed when Slack has the message, and did not answer. SNS, which recognises no repeats, has answered."""
    event_id = _tried(simulated, CLOSES, "/api/chat.postMessage", times=1)
    wait_for("the phone is told", lambda: simulated.messages(event_id)["phone"][0] == "accepted")
    (pid,) = simulated.replicas("cameras#Notifier")

    simulated.kill(pid)
    simulated.told_to.mend()

    _told_once(simulated, event_id)


@pytest.mark.parametrize("fault", [DOWN, SAYS_500, SAYS_429, HANGS])
def test_people_are_told_once_when_the_channels_are_back(simulated: Any, fault: str) -> None:
    began_s = time.monotonic()
    event_id = _tried(simulated, fault)
    threading.Event().wait(max(0.0, began_s + AWAY_S - time.monotonic()))

    simulated.told_to.mend()

    _told_once(simulated, event_id)


def _tried(site: Any, fault: str, path: str = "", times: int = 2) -> str:
    """An intrusion of which the room could not be told so far; `times` attempts were begun."""
    site.empty()
    site.told_to.forget()
    site.told_to.retry_after_s = 1.0
    since = datetime.now(UTC)
    site.told_to.fail(fault, path)
    walk(site, AT_THE_PRESS, cameras=["gate-1"])

    def look() -> str | None:
        intrusions = [one for one in site.told(since, "gate-1") if one.event_type == "DANGER_ZONE_INTRUSION"]
        tried = (one for one in intrusions if site.messages(one.event_id).get("room", ("", 0))[1] >= times)
        return next((one.event_id for one in tried), None)

    return wait_for("the room was tried", look)


def _told_once(site: Any, event_id: str) -> None:
    def states() -> dict[str, str]:
        return {channel: state for channel, (state, _) in site.messages(event_id).items()}

    wait_for("everybody is told", lambda: states() == ACCEPTED, 120.0, instead=states)
    posts = [one for one in site.told_to.shown() if one["metadata"]["event_payload"]["event_id"] == event_id]
    assert len(posts) == 1
    assert [thread for thread, _, _ in site.told_to.room.files] == [posts[0]["ts"]], "with its picture, once"
    assert len(site.told_to.taken("/sns/")) == 1
