"""What was done stands and leaves a trace, also where the audit's table does not take it."""

import asyncio
from datetime import UTC, datetime
from typing import Any

import pytest
from counterparts.signed_in import PASSWORD
from starlette.testclient import TestClient
from structlog.testing import capture_logs

from cluster.accounts.audit import AuditEntry
from deployments.ingress.audited import Audited
from deployments.ingress.route_roles import ROLES, SOCKET

API = "/api/v1"
CAMERA, OVERRIDE = f"{API}/cameras/dock-1", f"{API}/cameras/dock-1/overrides"
NEW = f"{PASSWORD}!!!!!!!!"
ZONE = {"kind": "warning", "objects": ["person"], "polygon": [[0.1, 0.1], [0.5, 0.1], [0.5, 0.5]]}
CHANGES: dict[str, tuple[str, Any, str]] = {
    f"POST {API}/cameras": (f"{API}/cameras", {"camera_id": "pump-1", "source": "rtsp://10.0.0.9/1"}, "camera.create"),
    f"PATCH {API}/cameras/{{camera_id}}": (CAMERA, {"name": "Rampe"}, "camera.change"),
    f"DELETE {API}/cameras/{{camera_id}}": (CAMERA, None, "camera.delete"),
    f"POST {API}/cameras/{{camera_id}}/zones": (f"{CAMERA}/zones", ZONE, "zone.create"),
    f"PUT {API}/cameras/{{camera_id}}/zones/{{zone_id}}": (f"{CAMERA}/zones/press", ZONE, "zone.change"),
    f"DELETE {API}/cameras/{{camera_id}}/zones/{{zone_id}}": (f"{CAMERA}/zones/press", None, "zone.delete"),
    f"PUT {API}/cameras/{{camera_id}}/overrides/{{field}}": (f"{OVERRIDE}/detect", {"value": False}, "override.set"),
    f"DELETE {API}/cameras/{{camera_id}}/overrides/{{field}}": (f"{OVERRIDE}/detect", None, "override.clear"),
    f"PUT {API}/overrides/{{field}}": (f"{API}/overrides/detect", {"value": False}, "override.set"),
    f"DELETE {API}/overrides/{{field}}": (f"{API}/overrides/detect", None, "override.clear"),
    f"POST {API}/events/acknowledge": (f"{API}/events/acknowledge", {"event_ids": ["{event}"]}, "event.acknowledge"),
    f"POST {API}/events/{{event_id}}/acknowledge": (f"{API}/events/{{event}}/acknowledge", {}, "event.acknowledge"),
    f"POST {API}/acknowledge/{{token}}": ("{link}", {}, "event.acknowledge"),
    f"POST {API}/session": (f"{API}/session", {"name": "viewer", "password": PASSWORD}, "sign_in"),
    f"DELETE {API}/session": (f"{API}/session", None, "sign_out"),
    f"PUT {API}/session/password": (f"{API}/session/password", {"old": PASSWORD, "new": NEW}, "password.change"),
    f"POST {API}/users": (f"{API}/users", {"name": "kim", "password": NEW, "role": "viewer"}, "user.create"),
    f"PATCH {API}/users/{{name}}": (f"{API}/users/viewer", {"role": "operator"}, "user.change"),
    f"DELETE {API}/users/{{name}}": (f"{API}/users/viewer", None, "user.delete"),
    f"POST {API}/tokens": (
        f"{API}/tokens", {"name": "wall", "role": "viewer", "expires_in_days": 1}, "token.create"
    ),
    f"DELETE {API}/tokens/{{token_id}}": (f"{API}/tokens/{{token}}", None, "token.revoke"),
}  # fmt: skip
ELSEWHERE = {f"POST {API}/cameras/test", f"POST {API}/models/reload"}
"""Noted before they are done: without a note they do nothing, and say so."""
NOTHING_KEPT = {
    f"POST {API}/tickets", f"POST {API}/client-logs", f"POST {API}/models/{{name}}/verify",
    f"POST {API}/cameras/{{camera_id}}/zones/dry-run",
}  # fmt: skip


@pytest.fixture
def admin(signed_client: TestClient, signed_site: Any) -> TestClient:
    """Signed in by a session, at a site whose audit is away from then on."""
    said = signed_client.post(f"{API}/session", json={"name": "admin", "password": PASSWORD}).json()
    signed_client.headers["X-CSRF-Token"] = said["csrf"]
    signed_site.audit.away = True
    return signed_client


def test_every_route_that_changes_something_is_in_this_table() -> None:
    changing = {line for line in ROLES if not line.startswith(("GET ", f"{SOCKET} ")) and "/legacy/" not in line}

    assert changing == set(CHANGES) | ELSEWHERE | NOTHING_KEPT


@pytest.mark.parametrize("line", CHANGES)
def test_what_was_done_is_answered_and_logged_where_the_audit_does_not_take_it(
    admin: TestClient, signed_site: Any, line: str
) -> None:
    event = signed_site.events.add(1).event.event_id
    link = signed_site.links.link(event, "room", 1, datetime.now(UTC)).removeprefix("http://localhost:8001")
    [token, *_] = admin.get(f"{API}/tokens").json()["tokens"]
    path, body, action = CHANGES[line]
    filled = {"event": event, "link": link, "token": token["token_id"]}
    sent = {**body, "event_ids": [event]} if body and "event_ids" in body else body
    headers = {"If-Match": '"7"', "X-Request-ID": "order-66"}
    with capture_logs() as logs:
        answer = admin.request(line.partition(" ")[0], path.format(**filled), json=sent, headers=headers)

    assert answer.status_code < 300, answer.text
    [lost] = [one for one in logs if one["event"] == "audit_lost"]
    assert (lost["log_level"], lost["action"], lost["request_id"]) == ("critical", action, "order-66")
    assert all(lost[name] for name in ("who", "address", "at"))
    assert PASSWORD not in str(logs)


@pytest.mark.parametrize("line", sorted(ELSEWHERE))
def test_what_is_noted_first_is_not_done_without_a_note(admin: TestClient, signed_site: Any, line: str) -> None:
    answer = admin.post(line.partition(" ")[2], json={"source": "rtsp://10.0.0.9/1"})

    assert answer.status_code == 503
    assert (signed_site.changed.trial.tried, signed_site.detector.reloads) == ([], 0)


def test_who_hangs_up_between_the_change_and_its_note_leaves_a_trace() -> None:
    class Hanging:
        async def record(self, entry: AuditEntry, /) -> None:
            await asyncio.sleep(3600)

    async def given_up() -> None:
        noting = asyncio.create_task(Audited(Hanging(), 60.0).done(AuditEntry("kim", "camera.delete", "dock-1")))
        await asyncio.sleep(0)
        noting.cancel()
        await asyncio.wait({noting})
        assert noting.cancelled()

    with capture_logs() as logs:
        asyncio.run(given_up())

    assert [(one["event"], one["who"], one["subject"]) for one in logs] == [("audit_lost", "kim", "dock-1")]
