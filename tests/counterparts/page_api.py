"""Answers of the API that the ingress' fakes do not have, from memory; everything else goes on to the application."""

import json
import re
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

API = "/api/v1"
PRESS = {
    "zone_id": "press", "name": "프레스 / Press", "kind": "danger",
    "polygon": [[0.3, 0.3], [0.7, 0.3], [0.7, 1.0], [0.3, 1.0]],
    "objects": ["person"], "anchor": "bottom_center", "enter_debounce_s": 0.4,
    "exit_debounce_s": 1.0, "gap_grace_s": 2.0,
    "cooldown_s": 5.0, "escalate_after_s": 20.0, "dwell_s": None, "entrances": False, "require": ["helmet"],
    "must_contain": [], "missing_after_s": 3.0,
}  # fmt: skip

SETTINGS = {
    "camera_id": "gate-1", "name": "1번 출입구 / Gate 1", "source": "rtsp://***@10.0.0.21/stream1", "transport": "tcp",
    "loop": False, "enabled": True, "detect": True, "detect_fps": 5.0, "motion_gate": True, "node": "",
    "max_frame_age_s": 2.0, "detector_deadline_s": 2.0, "degraded_after_s": 5.0, "open_timeout_s": 8.0,
    "read_timeout_s": 5.0, "unmonitored_after_s": 5.0, "fallen": True,
}  # fmt: skip


class CannedApi:
    """One camera's zones, masks and overrides, and what the system, accounts and statistics would say.

    `asked`: (method, path without its prefix, body) of every change that came.
    """

    def __init__(self, app):
        self._app = app
        self.zones, self.masks, self.revision = [dict(PRESS)], [], 7
        self.overrides: list[dict] = []
        self.asked: list[tuple[str, str, dict]] = []
        self.logged: list[dict] = []
        self._routes = [(re.compile(f"{method} {path}"), answer) for (method, path), answer in self._table().items()]

    def _table(self):
        camera = "/cameras/gate-1"
        return {
            ("GET", f"{camera}/zones"): lambda _: self._tagged(
                {"zones": self.zones, "managed": "api", "declared_in": "serve_config.yaml", "revision": self.revision}
            ),
            ("POST", f"{camera}/zones/dry-run"): self._dry_run,
            ("POST", f"{camera}/zones"): lambda body: self._put([*self.zones, body]),
            ("PUT", f"{camera}/zones/.*"): self._replace,
            ("DELETE", f"{camera}/zones/.*"): lambda _: self._put([]),
            ("GET", f"{camera}/settings"): lambda _: self._tagged(
                {
                    "camera": SETTINGS | {"zones": self.zones, "privacy_masks": self.masks},
                    "managed": "api",
                    "declared_in": None,
                    "revision": self.revision,
                }
            ),
            ("PATCH", camera): self._mask,
            ("GET", f"{camera}/overrides"): lambda _: {
                "overrides": self.overrides,
                "effective": {one["field"]: one for one in self.overrides},
            },
            ("PUT", f"{camera}/overrides/detect"): self._override,
            ("DELETE", f"{camera}/overrides/detect"): lambda _: self._override(None),
            ("GET", "/events/statistics"): lambda _: STATISTICS,
            ("POST", "/events/acknowledge"): lambda body: {"outcomes": dict.fromkeys(body["event_ids"], "first")},
            ("GET", "/system"): lambda _: SYSTEM,
            ("GET", "/system/alarms"): lambda _: ALARMS,
            ("GET", "/models"): lambda _: MODELS,
            ("POST", "/models/fall-s/verify"): lambda _: {"ok": True, "sha256": "ab" * 32, "reason": ""},
            ("GET", "/users"): lambda _: {"users": USERS, "next_cursor": None},
            ("GET", "/tokens"): lambda _: {"tokens": TOKENS, "next_cursor": None},
            ("POST", "/tokens"): lambda body: {**TOKENS[0], "name": body["name"], "token": "shown.only.once"},
            ("GET", "/audit"): lambda _: {"entries": AUDIT, "next_cursor": None},
            ("POST", "/client-logs"): lambda body: self.logged.extend(body["entries"]),
        }

    async def __call__(self, scope, receive, send):
        answer = self._route(scope)
        if answer is None:
            return await self._app(scope, receive, send)
        request = Request(scope, receive)
        text = await request.body()
        body = json.loads(text) if text else {}
        if scope["method"] != "GET":
            self.asked.append((scope["method"], scope["path"].removeprefix(API), body))
        stale = request.headers.get("if-match") not in (None, f'"{self.revision}"')
        given = JSONResponse({"detail": "another revision"}, 412) if stale else answer(body)
        response = given if isinstance(given, Response) else _json(given)
        return await response(scope, receive, send)

    def _route(self, scope):
        if scope["type"] != "http" or not scope["path"].startswith(API):
            return None
        line = f"{scope['method']} {scope['path'].removeprefix(API)}"
        return next((answer for pattern, answer in self._routes if pattern.fullmatch(line)), None)

    def _tagged(self, content):
        return JSONResponse(content, headers={"ETag": f'"{self.revision}"'})

    def _put(self, zones):
        self.zones, self.revision = zones, self.revision + 1
        return {}

    def _replace(self, zone):
        return self._put([zone if one["zone_id"] == zone["zone_id"] else one for one in self.zones])

    def _mask(self, body):
        self.masks, self.revision = body["privacy_masks"], self.revision + 1
        return {}

    def _override(self, body):
        self.overrides = [{"camera_id": "gate-1", "field": "detect", "set_by": "kim", **body}] if body else []
        return {}

    def _dry_run(self, body):
        event = {"event_type": "DANGER_ZONE_INTRUSION", "severity": "CRITICAL", "opened_at": _ago(4), "closed_at": None}
        return {"events": [event], "counts": {"DANGER_ZONE_INTRUSION": 1}, "watched_s": 600}


def _json(content):
    return Response(status_code=204) if content is None else JSONResponse(content)


def _ago(minutes):
    return (datetime.now(UTC) - timedelta(minutes=minutes)).isoformat(timespec="seconds").replace("+00:00", "Z")


STATISTICS = {
    "by": "hour", "time_zone": "Asia/Seoul",
    "buckets": [
        {"key": f"2026-11-22T{hour:02}:00:00Z", "type": "PERSON_FALLEN", "severity": severity, "count": hour % 5 + 1}
        for hour in (0, 1, 2, 5, 6, 9) for severity in ("INFO", "WARNING", "CRITICAL")
    ],
}  # fmt: skip
SYSTEM = {
    "release": "0.5.0", "versions": {"python": "3.11.9", "ray": "2.60.0"},
    "nodes": [{"node_id": "a1b2c3d4e5f6", "address": "10.0.0.5", "hostname": "site-1", "alive": True, "head": True,
               "cpus": 16.0, "gpus": 1.0, "memory_bytes": 2**37}],
    "gpus": [{"node": "a1b2c3d4e5f6", "gpu": "NVIDIA H200", "utilization_percent": 37.0, "memory_used_bytes": 2.0**31,
              "memory_total_bytes": 2.0**37, "temperature_celsius": 41.0}],
    "figures": {"outbox_events": 0.0, "detector_queue": 2.0}, "faults": [], "replicas": [],
    "deployments": [{"name": "Detector", "application": "detector", "status": "HEALTHY", "message": "",
                     "replicas": {"RUNNING": 2}},
                    {"name": "Ingress", "application": "ingress", "status": "HEALTHY", "message": "",
                     "replicas": {"RUNNING": 1}}],
    "cameras": {"MONITORED": 2}, "health": "degraded",
}  # fmt: skip
ALARMS = {
    "configured": True, "reason": "",
    "alarms": [{"name": "CameraUnmonitored", "severity": "critical", "summary_ko": "카메라 press-2가 감시되지 않습니다",
                "summary_en": "Camera press-2 is not monitored", "since": _ago(3)}],
}  # fmt: skip
MODELS = {
    "models": [{"name": "fall-s", "sha256": "ab" * 32, "classes": {"person": "person", "fallen": "fallen_person"},
                "licence": "AGPL-3.0", "configured": True}],
    "replicas": [{"pid": 4711, "node": "head", "model": "fall-s", "digest": "ab" * 32, "runtime": "openvino",
                  "device": "CPU", "ready": True, "fallback": False, "error": ""}],
}  # fmt: skip
USERS = [
    {
        "name": "kim",
        "role": "admin",
        "cameras": None,
        "disabled": False,
        "created_at": _ago(9000),
        "updated_at": _ago(9000),
    },
    {
        "name": "lee",
        "role": "viewer",
        "cameras": ["gate-1"],
        "disabled": True,
        "created_at": _ago(800),
        "updated_at": _ago(80),
    },
]
TOKENS = [
    {"token_id": "t-1", "name": "scada", "role": "viewer", "cameras": None, "created_by": "kim",
     "created_at": _ago(800),
     "expires_at": _ago(-90000), "revoked_at": None},
]  # fmt: skip
AUDIT = [
    {
        "at": _ago(minutes),
        "who": "kim",
        "action": action,
        "subject": "gate-1",
        "detail": "",
        "address": "10.0.0.7",
        "request_id": "r",
    }
    for minutes, action in ((3, "zone.change"), (9, "snapshot.view"), (30, "sign_in"))
]
