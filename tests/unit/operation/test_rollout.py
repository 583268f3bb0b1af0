import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from cluster.camera.status_watch import CameraFacts, judge, not_judged
from cluster.operation.interruption import Interruption
from cluster.operation.rollout import wait_until_running, wait_until_watching
from cluster.safety.errors import Interrupted, SiteUnhealthy
from cluster.safety.status import CameraStatus
from cluster.settings.cameras import CameraSettings
from cluster.storage.overrides import Override, OverrideField
from deployments.cameras.desired import Desired
from deployments.cameras.switches import Switches


class FakeRay:
    """Tells one of the given states after the other, the last one for ever."""

    def __init__(self, *states: dict[str, Any]) -> None:
        self._states = list(states)

    def applications(self) -> dict[str, Any]:
        return self._states.pop(0) if len(self._states) > 1 else self._states[0]


class FakeSite:
    def __init__(self, health: str, *rounds: list[dict[str, Any]]) -> None:
        self._health = health
        self._rounds: Iterator[list[dict[str, Any]]] = iter(rounds)
        self._last: list[dict[str, Any]] = []

    def health(self) -> dict[str, Any]:
        if not self._health:
            raise SiteUnhealthy("GET /health: refused")
        return {"status": self._health}

    def cameras(self) -> list[dict[str, Any]]:
        self._last = next(self._rounds, self._last)
        return self._last


def _camera(status: str) -> dict[str, Any]:
    return {"camera_id": "gate-1", "status": status}


def _quiet(_: str) -> None:
    return


def test_returns_once_every_application_runs() -> None:
    said: list[str] = []
    ray = FakeRay({}, {"a": {"status": "DEPLOYING"}}, {"a": {"status": "RUNNING"}, "b": {"status": "RUNNING"}})

    wait_until_running(ray, ["a", "b"], said.append, Interruption(), limit_s=60, poll_s=0)

    assert said == ["waiting for a (not_started), b (not_started)", "waiting for a (deploying), b (not_started)"]


def test_a_failed_deployment_is_told_in_one_line() -> None:
    ray = FakeRay(
        {
            "a": {
                "status": "DEPLOY_FAILED",
                "message": "Failed to update the deployments ['D'].",
                "deployments": {"D": {"status": "DEPLOY_FAILED", "message": "Traceback\n x\nValueError: no model"}},
            }
        }
    )

    with pytest.raises(SiteUnhealthy, match=r"^application a failed: ValueError: no model; see the Ray dashboard"):
        wait_until_running(ray, ["a"], _quiet, Interruption(), limit_s=60, poll_s=0)


def test_an_application_that_never_runs_is_told_at_the_deadline() -> None:
    ray = FakeRay({"a": {"status": "DEPLOYING", "message": "waits for 3 CPUs"}})

    with pytest.raises(SiteUnhealthy, match="a is DEPLOYING: waits for 3 CPUs after 0 s"):
        wait_until_running(ray, ["a"], _quiet, Interruption(), limit_s=0, poll_s=0)


def test_waits_until_the_cameras_watch() -> None:
    said: list[str] = []
    site = FakeSite("ok", [_camera("CONNECTING")], [_camera("DEGRADED")], [_camera("MONITORED")])

    cameras = wait_until_watching(site, said.append, Interruption(), limit_s=60, poll_s=0)

    assert cameras == [_camera("MONITORED")]
    assert said == ["waiting for gate-1 CONNECTING", "waiting for gate-1 DEGRADED"]


SETTINGS = CameraSettings(camera_id="gate-1", source="rtsp://cam/1", detect=False)
OVERRIDE = Override("gate-1", OverrideField.DETECT, False, "kim", "", None, datetime(2026, 11, 23, tzinfo=UTC))


def _switched_off() -> str:
    class Store:
        async def newest(self) -> list[Override]:
            return [OVERRIDE]

    switches = Switches(Store(), UTC)
    asyncio.run(switches.read())
    desired = Desired(SETTINGS.model_copy(update={"detect": True}), 1)
    return switches.over({"gate-1": desired}, OVERRIDE.set_at)["gate-1"].switched_off


@pytest.mark.parametrize(
    "reason",
    [
        judge(CameraFacts(1.0, 0.0, 1.0, 0.0, None), SETTINGS, CameraStatus.DEGRADED)[1],
        _switched_off(),
        not_judged({"helmet", "vest"}),
    ],
)
def test_nobody_waits_for_a_camera_that_is_degraded_on_purpose(reason: str) -> None:
    said: list[str] = []
    site = FakeSite("degraded", [{**_camera("DEGRADED"), "reason": reason}], [_camera("MONITORED")])

    wait_until_watching(site, said.append, Interruption(), limit_s=60, poll_s=0)

    assert said == []


def test_a_camera_that_stays_blind_is_told_and_does_not_hide_the_site() -> None:
    site = FakeSite("degraded", [_camera("UNMONITORED")])

    assert wait_until_watching(site, _quiet, Interruption(), limit_s=0, poll_s=0) == [_camera("UNMONITORED")]


@pytest.mark.parametrize(("health", "reason"), [("down", "down"), ("", "GET /health: refused")])
def test_a_site_that_is_down_at_the_deadline_is_unhealthy(health: str, reason: str) -> None:
    with pytest.raises(SiteUnhealthy, match=f"the site is not healthy after 0 s: {reason}"):
        wait_until_watching(FakeSite(health), _quiet, Interruption(), limit_s=0, poll_s=0)


def test_a_request_to_stop_ends_the_wait() -> None:
    interruption = Interruption()
    interruption.stopping.set()

    with pytest.raises(Interrupted):
        wait_until_running(FakeRay({}), ["a"], _quiet, interruption, limit_s=60, poll_s=0)
