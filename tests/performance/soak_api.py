"""Part `api` of `make soak`: strange requests and sockets at a real replica over the network, by callers of all roles.

    SOAK_ONLY=api SAFE_YOLO_API_REQUESTS=5000 SAFE_YOLO_API_SOCKETS=10000 python tests/performance/soak.py

Nothing of it may be answered with 5xx or otherwise than the OpenAPI document says, be an exception in a log, or stay:
memory, descriptors and threads are read when a fifth has gone by, and at the end.
"""

import asyncio
import contextlib
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import psutil
from counterparts.asked_api import CALLERS, Asked, ask_everything
from counterparts.served_site import CAMERA, PASSWORD, ServedSite, open_served_site
from counterparts.waiting import wait_for
from counterparts.wrong_sockets import NO_ANSWER, WrongClient
from performance.soak_growth import MEBIBYTE

MOST_GROWN_MB = 24.0
"""Of one process between the fifth and the end: a leak of 2 kB at each of 12,000 visits would be that."""
_WARM_PART = 5
_SETTLE_S = 5.0
_SEED = 20261123
_ON_THE_WAY = ("Ingress", "ProxyActor", "haproxy")
_READINGS = ("rss_mb", "descriptors", "threads")
_SPARE = 8
"""Descriptors or threads that a process may have more: pools fill, and probes come."""
_FAULTS = ("error", "critical")
_SAID_BY_PAGES = "client_"
"""So begin the events of lines that `POST /client-logs` writes: what stands in them is what was sent."""

Say = Callable[[str], None]


def api(say: Say) -> dict[str, Any]:
    """What was asked, what came of it, what the processes held; `fault` is "" if all was as it should be."""
    requests = int(os.environ.get("SAFE_YOLO_API_REQUESTS", "5000"))
    sockets = int(os.environ.get("SAFE_YOLO_API_SOCKETS", "10000"))
    with (
        open_served_site(sign_in=True) as site,
        httpx.Client(base_url=site.page, timeout=60, trust_env=False) as client,
    ):
        callers = _callers(client)
        _wait_until_watched(client, callers["admin"])
        visits = _Visits(client, callers)
        visits.take_place(requests // _WARM_PART, sockets // _WARM_PART, say)
        before = _held(site)
        visits.take_place(requests, sockets, say)
        threading.Event().wait(_SETTLE_S)  # sockets that were cut off end by themselves
        after = _held(site)
        _wait_until_watched(client, callers["admin"])
        logged = _tracebacks(site)  # Ray's logs go with it
        site.command("down")
        logged += _logged_faults(site)
        told = {**visits.told(), "held": _compared(before, after), "logged": logged[:20]}
    return {**told, "fault": _fault(told)}


class _Visits:
    """All that came to the replica."""

    def __init__(self, client: httpx.Client, callers: Mapping[str, dict[str, str]]) -> None:
        self._client, self._callers, self._dice = client, callers, random.Random(_SEED)  # noqa: S311 - no secret
        self._asked, self._came = Asked(), Counter[str]()

    def take_place(self, requests: int, sockets: int, say: Say) -> None:
        began_s = time.monotonic()
        asked = ask_everything(self._client, self._callers, requests=requests)
        say(f"{asked.answers.total()} requests in {time.monotonic() - began_s:.0f} s: {dict(asked.answers)}")
        self._asked.add(asked)
        began_s = time.monotonic()
        url = self._client.base_url
        wrong = WrongClient(url.host, url.port or 80, CAMERA, self._callers["viewer"], self._dice)
        asyncio.run(wrong.come(sockets))
        say(f"{sockets} sockets in {time.monotonic() - began_s:.0f} s: {dict(wrong.count)}")
        self._came += wrong.count

    def told(self) -> dict[str, Any]:
        asked = self._asked
        answers, came = dict(sorted(asked.answers.items())), dict(sorted(self._came.items()))
        return {"answers": answers, "refused_before": asked.refused_before, "unfit": asked.unfit, "sockets": came}


def _callers(client: httpx.Client) -> dict[str, dict[str, str]]:
    """The header of each caller: tokens that the first admin has made."""
    opened = client.post("/api/v1/session", json={"name": "boss", "password": PASSWORD}).raise_for_status()
    csrf = {"X-CSRF-Token": opened.json()["csrf"]}
    headers: dict[str, dict[str, str]] = {"nobody": {}}
    for name in set(CALLERS) - set(headers):
        role, cameras = ("viewer", ["other-1"]) if name == "other" else (name, None)
        body = {"name": name, "role": role, "cameras": cameras, "expires_in_days": 1}
        made = client.post("/api/v1/tokens", json=body, headers=csrf).raise_for_status()
        headers[name] = {"Authorization": f"Bearer {made.json()['token']}"}
    return headers


def _wait_until_watched(client: httpx.Client, header: dict[str, str]) -> None:
    """Operators among the callers may have said that nobody shall look."""

    def watched() -> bool:
        answer = client.get(f"/api/v1/cameras/{CAMERA}", headers=header)
        return answer.status_code == httpx.codes.OK and answer.json()["status"] == "MONITORED"

    for word in ("enabled", "detect", "muted"):
        client.delete(f"/api/v1/overrides/{word}", headers=header)
    wait_for("the camera is watched", watched, 120)


def _held(site: ServedSite) -> dict[str, dict[str, float]]:
    """MiB, descriptors and threads of each process on the way in, by its name and number."""
    found: dict[str, dict[str, float]] = {}
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            name = " ".join(process.cmdline()[:1])
            if any(ours in name for ours in _ON_THE_WAY) and str(site.run_dir) in _environment(process):
                found[f"{name.rpartition('/')[2][:40]} {process.pid}"] = {
                    "rss_mb": round(process.memory_info().rss / MEBIBYTE, 1),
                    "descriptors": process.num_fds(),
                    "threads": process.num_threads(),
                }
    return found


def _environment(process: psutil.Process) -> str:
    return " ".join(process.environ().values()) + process.cwd()


def _compared(before: Mapping[str, Any], after: Mapping[str, Any]) -> dict[str, Any]:
    """[before, after] of each reading; a process that came or went has none on one side."""
    nothing: dict[str, float] = {}
    return {
        name: {key: [before.get(name, nothing).get(key), after.get(name, nothing).get(key)] for key in _READINGS}
        for name in sorted({*before, *after})
    }


def _tracebacks(site: ServedSite) -> list[str]:
    """Files in which Ray's and Serve's processes, and those of ours before they log, have written one."""
    files = (file for file in (site.run_dir / "ray" / "session_latest" / "logs").rglob("*") if file.is_file())
    found = sorted(file.name for file in files if b"Traceback (most recent call last)" in file.read_bytes())
    return [f"a traceback in {name}" for name in found]


def _logged_faults(site: ServedSite) -> list[str]:
    """Exceptions and errors in what our processes have written."""
    faults: set[str] = set()
    for file in (site.folder / "logs").rglob("*.jsonl"):
        # Not splitlines: what was sent has separators of lines in it that are no end of one here.
        for line in filter(None, file.read_text(errors="replace").split("\n")):
            said = json.loads(line)
            # The cameras have faults of their own where all this leaves the machine no time.
            if (
                said.get("process") == "ingress"
                and said.get("level") in _FAULTS
                and not str(said["event"]).startswith(_SAID_BY_PAGES)
            ):
                faults.add(f"{said['event']} {str(said.get('exception', ''))[-2000:]}")
    return sorted(faults)


def _fault(told: Mapping[str, Any]) -> str:
    """In one line, "" if there is none."""
    grown = [name for name, held in told["held"].items() if _has_grown(**held)]
    wrong = {
        "5xx": [status for status in told["answers"] if status >= httpx.codes.INTERNAL_SERVER_ERROR],
        "otherwise than documented": [line[:200] for line in told["unfit"]],
        "sockets without an answer": [name for name in told["sockets"] if name == NO_ANSWER],
        "logged": told["logged"],
        "grew, or did not live": grown if told["held"] else ["nothing was measured"],
    }
    return "; ".join(f"{what}: {found}" for what, found in wrong.items() if found)


def _has_grown(rss_mb: list[Any], descriptors: list[Any], threads: list[Any]) -> bool:
    if None in (*rss_mb, *descriptors, *threads):
        return True
    more = rss_mb[1] - rss_mb[0] > MOST_GROWN_MB
    return more or descriptors[1] - descriptors[0] > _SPARE or threads[1] - threads[0] > _SPARE
