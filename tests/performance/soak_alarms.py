"""Part `alarms` of `make soak`: a whole site, its faults, and what Slack and the telephone are told of them.

Conditions of rules are as shipped, and so are scrape and evaluation intervals. About ten minutes.
"""

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from counterparts.alarm_system import AlarmSystem, Pace, open_alarm_system
from counterparts.scene_server import NOBODY
from counterparts.served_site import CAMERA, FULL_FPS, ServedSite, open_served_site
from counterparts.simulated_site import AT_THE_PRESS
from counterparts.waiting import wait_for

SLOW_FPS = 6.0
SHIPPED = Pace(every_s=10.0, group_wait_s=5.0, group_interval_s=30.0)
WITHIN_S = {"ServiceDown": 120.0, "DatabaseWriteFailing": 180.0, "FrameDrop": 240.0, "DetectionErrorRateHigh": 480.0}
"""Longest wait for each: what its condition takes, scraping and evaluating (10 s each), gathering (5 s), patience."""

Say = Callable[[str], None]


def alarms(say: Say) -> list[dict[str, Any]]:
    """What was told of each fault: seconds until the alarm came and until it was resolved, and by which channel."""
    with open_served_site() as site, _alarm_system(site) as system:
        wait_for("the metrics are read", lambda: system.query('up{job="safe-yolo"} == 1'), 120, instead=system.targets)
        wait_for("nothing is wrong", lambda: not system.firing() & set(WITHIN_S), 300, instead=system.firing)
        return [
            _told_or_fault(system, say, "DatabaseWriteFailing", "DB 쓰기 실패", sms=True, fault=_database_away(site)),
            _told_or_fault(system, say, "FrameDrop", "프레임 드롭", sms=False, fault=_slow_camera(site)),
            _told_or_fault(
                system, say, "DetectionErrorRateHigh", "탐지 실패율 높음", sms=True, fault=_failing_detector(site)
            ),
            _told_or_fault(system, say, "ServiceDown", "서비스 다운: 응답 없음", sms=True, fault=_stopped(site)),
        ]


def _alarm_system(site: ServedSite) -> contextlib.AbstractContextManager[AlarmSystem]:
    folder = site.folder / "alarms"
    folder.mkdir()
    return open_alarm_system(folder, site.page, site.ray_targets, SHIPPED)


def _told_or_fault(system: AlarmSystem, say: Say, alert: str, text: str, **how: Any) -> dict[str, Any]:
    """One alarm that does not come, or does not end, is no reason not to try the others."""
    try:
        return _told(system, say, alert, text, **how)
    except (pytest.fail.Exception, AssertionError) as error:
        say(f"{alert}: {error}")
        return {"alert": alert, "fault": str(error), "as_planned": False}


def _told(
    system: AlarmSystem, say: Say, alert: str, text: str, *, sms: bool, fault: contextlib.AbstractContextManager[None]
) -> dict[str, Any]:
    # A fault may have had variants (on its way down a service answers 503 first); the last post names any of them.
    ended = f"[해제 RESOLVED] {text.partition(':')[0]}"
    before, began_s = len(_slack(system, ended)), time.monotonic()
    with fault:
        wait_for(f"Slack is told of {alert}", lambda: _slack(system, text), WITHIN_S[alert], instead=system.firing)
        if sms:
            wait_for(f"a person is told of {alert}", lambda: _sms(system, text), 60)
        told_s = time.monotonic() - began_s
    mended_s = time.monotonic()
    over = f"{alert} is resolved"
    wait_for(over, lambda: len(_slack(system, ended)) > before, 600, instead=lambda: system.posts("[해제"))
    resolved_s = time.monotonic() - mended_s
    by_sms = bool(_sms(system, text))
    say(f"{alert}: told after {told_s:.0f} s, resolved after {resolved_s:.0f} s{' (also by SMS)' if by_sms else ''}")
    return {"alert": alert, "told_s": told_s, "resolved_s": resolved_s, "sms": by_sms, "as_planned": by_sms is sms}


def _slack(system: AlarmSystem, text: str) -> list[str]:
    return system.posts(text)


def _sms(system: AlarmSystem, text: str) -> list[str]:
    return [message for _, message in system.sms.messages() if text in message]


@contextlib.contextmanager
def _database_away(site: ServedSite) -> Iterator[None]:
    """Nothing is written where nothing happens: somebody walks in and out."""
    stopping = threading.Event()

    def walk() -> None:
        while not stopping.wait(3.0):
            site.scene.show((AT_THE_PRESS,), CAMERA)
            stopping.wait(3.0)
            site.scene.show(NOBODY, CAMERA)

    walker = threading.Thread(target=walk, daemon=True)
    walker.start()
    site.database.stop()
    try:
        yield
    finally:
        site.database.start()
        stopping.set()
        walker.join()


@contextlib.contextmanager
def _slow_camera(site: ServedSite) -> Iterator[None]:
    site.scene.fps = SLOW_FPS
    try:
        yield
    finally:
        site.scene.fps = FULL_FPS


@contextlib.contextmanager
def _failing_detector(site: ServedSite) -> Iterator[None]:
    site.switches.set(answer="error", also_new=True)
    try:
        yield
    finally:
        site.switches.set()


@contextlib.contextmanager
def _stopped(site: ServedSite) -> Iterator[None]:
    site.command("down")
    try:
        yield
    finally:
        site.up()
