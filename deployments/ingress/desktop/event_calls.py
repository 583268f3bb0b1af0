"""`/api/events` of the desktop client."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from cluster.storage.whole_numbers import NumberKind
from deployments.ingress.desktop.camera_calls import camera_named
from deployments.ingress.desktop.documents import event_of
from deployments.ingress.desktop.gate import Caller
from deployments.ingress.desktop.numbers import Numbers, zone_name
from deployments.ingress.documents import instant
from deployments.ingress.problems import Problem

_PAGE = 200
_MOST_SKIPPED = 20_000
_MOST_ACKNOWLEDGED = 10_000
_DEFAULT_LIMIT, _MOST = 100, 1000
_NOBODY_ELSE = "desktop client"

Events = Sequence[Mapping[str, Any]]


class EventCalls:
    """Lists go newest first. `skip` is walked over page by page, because our own API has cursors."""

    async def all(self, caller: Caller, request: Request) -> Any:
        query = request.query_params
        wanted = {name: query.get(name) or None for name in ("event_type", "severity")}
        wanted["acknowledged"] = query["acknowledged"].lower() if query.get("acknowledged") else None
        if query.get("camera_id"):
            wanted["camera_id"] = await camera_named(caller, _number(request, "camera_id", 0, 2**31 - 1))
        skip = _number(request, "skip", 0, _MOST_SKIPPED)
        events = await _walk(caller, wanted, skip, _number(request, "limit", _DEFAULT_LIMIT, _MOST))
        return await numbered(caller.numbers, events)

    async def unacknowledged(self, caller: Caller, request: Request) -> Any:
        return await numbered(caller.numbers, await _walk(caller, {"acknowledged": "false"}, 0, _MOST))

    async def recent(self, caller: Caller, request: Request) -> Any:
        return await numbered(caller.numbers, await _walk(caller, {}, 0, _number(request, "count", 20, _MOST)))

    async def statistics(self, caller: Caller, request: Request) -> Any:
        """Counts by type and severity."""
        buckets = (await caller.api.get("/events/statistics", by="type")).document["buckets"]
        waiting = await _walk(caller, {"acknowledged": "false"}, 0, _MOST)
        counts: dict[str, Any] = {"total": 0, "unacknowledged": len(waiting), "by_type": {}, "by_severity": {}}
        for bucket in buckets:
            counts["total"] += bucket["count"]
            for kind, key in (("by_type", bucket["type"]), ("by_severity", bucket["severity"])):
                counts[kind][key] = counts[kind].get(key, 0) + bucket["count"]
        return counts

    async def acknowledge(self, caller: Caller, request: Request) -> Any:
        number = int(request.path_params["id"])
        event = await acknowledged(caller, number)
        return (await numbered(caller.numbers, [event]))[0]

    async def acknowledge_all(self, caller: Caller, request: Request) -> Any:
        """Those that had opened when it was asked: what opens meanwhile nobody has seen."""
        wanted = {"acknowledged": "false", "opened_before": instant(datetime.now(UTC))}
        events = await _walk(caller, wanted, 0, _MOST_ACKNOWLEDGED)
        done = 0
        for start in range(0, len(events), _PAGE):
            page = events[start : start + _PAGE]
            seen = {event["event_id"]: event["occurrence"] for event in page}
            body = {"event_ids": list(seen), "remark": "", "occurrences": seen}
            outcomes = (await caller.api.ask("POST", "/events/acknowledge", body=body)).document["outcomes"]
            done += sum(outcome == "first" for outcome in outcomes.values())
        return {"acknowledged": done}

    async def snapshot(self, caller: Caller, request: Request) -> Any:
        """The picture that `snapshot_path` names, as it is drawn; the audit knows who looked."""
        event_id = await caller.numbers.name(NumberKind.EVENT, int(request.path_params["id"]))
        picture = await caller.api.picture(f"/events/{event_id}/snapshot.jpg")
        return Response(picture, media_type="image/jpeg", headers={"Cache-Control": "private, no-store"})


async def acknowledged(caller: Caller, number: int) -> Mapping[str, Any]:
    """Acknowledges by the name of the token; what the event is now.

    Raises:
        Problem: 403 for a viewer, 404.
    """
    event_id = await caller.numbers.name(NumberKind.EVENT, number)
    body = {"by": caller.principal.name or _NOBODY_ELSE}
    answer = await caller.api.ask("POST", f"/events/{event_id}/acknowledge", body=body)
    event: Mapping[str, Any] = answer.document["event"]
    return event


async def numbered(numbers: Numbers, events: Events) -> list[dict[str, Any]]:
    """The events as this client reads them. Numbers are given in the order in which they opened."""
    oldest_first = [event["event_id"] for event in reversed(events)]
    by_id = await numbers.of(NumberKind.EVENT, oldest_first)
    cameras = await numbers.of(NumberKind.CAMERA, sorted({event["camera_id"] for event in events}))
    places = {_place(event) for event in events if event["zone_id"]}
    zones = await numbers.of(NumberKind.ZONE, sorted(places))
    return [
        event_of(by_id[event["event_id"]], cameras[event["camera_id"]], zones.get(_place(event)), event)
        for event in events
    ]


async def _walk(caller: Caller, wanted: Mapping[str, Any], skip: int, limit: int) -> list[Mapping[str, Any]]:
    found: list[Mapping[str, Any]] = []
    cursor: str | None = None
    while len(found) < skip + limit:
        page = min(_PAGE, skip + limit - len(found))
        document = (await caller.api.get("/events", **wanted, cursor=cursor, limit=page)).document
        found.extend(document["events"])
        cursor = document["next_cursor"]
        if cursor is None:
            break
    return found[skip:]


def _place(event: Mapping[str, Any]) -> str:
    return zone_name(event["camera_id"], event["zone_id"])


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name, "")
    if not text:
        return default
    if not text.isdecimal() or len(text) > 10 or int(text) > most:
        raise Problem(422, f"{name}: is not a whole number within 0..{most}")
    return int(text)
