"""Rolls the site out on a Ray that runs, and waits until it watches."""

import time
from collections.abc import Callable
from typing import Any, Protocol

from cluster.operation.interruption import Interruption
from cluster.operation.root_line import root_line
from cluster.safety.errors import SiteUnhealthy
from cluster.safety.status import ON_PURPOSE, CameraStatus

DEPLOY_LIMIT_S = 300.0
SETTLE_LIMIT_S = 120.0
"""How long cameras may take to their first answer of the detector, which on a CPU exports its model first."""
_POLL_S = 1.0
_HEALTHY = ("ok", "degraded")


class Applications(Protocol):
    def applications(self) -> dict[str, Any]: ...


class Site(Protocol):
    def health(self) -> dict[str, Any]: ...

    def cameras(self) -> list[dict[str, Any]]: ...


Say = Callable[[str], None]


def wait_until_running(
    ray: Applications,
    names: list[str],
    say: Say,
    interruption: Interruption,
    *,
    limit_s: float = DEPLOY_LIMIT_S,
    poll_s: float = _POLL_S,
) -> None:
    """Return once every application of `names` runs.

    Raises:
        SiteUnhealthy: one failed, or is not there in time; with the line that says why.
    """
    deadline = time.monotonic() + limit_s
    while True:
        found = ray.applications()
        waiting = [name for name in names if _status(found, name) != "RUNNING"]
        if not waiting:
            return
        _raise_if_failed(found)
        late = time.monotonic() > deadline
        if late:
            raise SiteUnhealthy(f"{waiting[0]} is {_told(found, waiting[0])} after {limit_s:g} s", _DASHBOARD)
        say(f"waiting for {', '.join(f'{name} ({_status(found, name).lower()})' for name in waiting)}")
        interruption.pause(poll_s)


def wait_until_watching(
    site: Site, say: Say, interruption: Interruption, *, limit_s: float = SETTLE_LIMIT_S, poll_s: float = _POLL_S
) -> list[dict[str, Any]]:
    """Return the reports of the cameras once all of them watch; after `limit_s` as they are, if the site is healthy.

    Raises:
        SiteUnhealthy: it does not answer, or says that it is down.
    """
    deadline = time.monotonic() + limit_s
    while True:
        state, cameras = _look(site)
        late = time.monotonic() > deadline
        if state in _HEALTHY and (late or all(_settled(camera) for camera in cameras)):
            return cameras
        if late:
            raise SiteUnhealthy(f"the site is not healthy after {limit_s:g} s: {state}", _DASHBOARD)
        say(_waiting_line(state, cameras))
        interruption.pause(poll_s)


_DASHBOARD = "see the Ray dashboard and `safe-yolo status`"


def _look(site: Site) -> tuple[str, list[dict[str, Any]]]:
    """Status of the site, or why there is none, and its cameras as far as they are told."""
    try:
        return str(site.health().get("status", "says nothing")), site.cameras()
    except SiteUnhealthy as error:
        return str(error), []


def _settled(camera: dict[str, Any]) -> bool:
    """Whether waiting brings nothing more: it watches, or it is as somebody wanted it."""
    on_purpose = str(camera.get("reason") or "").startswith(ON_PURPOSE)
    return camera.get("status") in (CameraStatus.MONITORED, CameraStatus.DISABLED) or on_purpose


def _waiting_line(state: str, cameras: list[dict[str, Any]]) -> str:
    pending = [f"{camera.get('camera_id')} {camera.get('status')}" for camera in cameras if not _settled(camera)]
    return f"waiting for {', '.join(pending)}" if pending else f"waiting for the page ({state})"


def _status(found: dict[str, Any], name: str) -> str:
    return str(found.get(name, {}).get("status", "NOT_STARTED"))


def _told(found: dict[str, Any], name: str) -> str:
    application = found.get(name, {})
    reason = root_line(_message(application))
    return f"{_status(found, name)}: {reason}" if reason else _status(found, name)


def _message(application: dict[str, Any]) -> str:
    """The application's own message, and those of its deployments that are not well: the reason is in the latter."""
    deployments = application.get("deployments", {}).values()
    unwell = [str(d.get("message", "")) for d in deployments if d.get("status") != "HEALTHY"]
    return "\n".join([str(application.get("message", "")), *unwell])


def _raise_if_failed(found: dict[str, Any]) -> None:
    for name, application in found.items():
        if application.get("status") == "DEPLOY_FAILED":
            raise SiteUnhealthy(f"application {name} failed: {root_line(_message(application))}", _DASHBOARD)
