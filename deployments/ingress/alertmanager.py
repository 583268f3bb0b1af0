"""The alarms of the system that fire now, as Alertmanager has them."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import httpx

from cluster.safety.redaction import redact
from deployments.deadlines import bounded
from deployments.ingress.remembered import Remembered
from deployments.ingress.services import Unreachable
from deployments.ingress.system_services import Alarm

_ANSWER_S = 2.0
_KEEP_S = 5.0
_MOST_BYTES = 2 * 1024 * 1024
_MOST_ALARMS = 500
_LONGEST = 500


class Alertmanager:
    """`AlarmReader` over HTTP; what it said is remembered for 5 s. Belongs to one event loop."""

    def __init__(self, url: str, transport: httpx.AsyncBaseTransport | None = None) -> None:
        self._url, self._transport = f"{url.rstrip('/')}/api/v2/alerts", transport
        self._remembered = Remembered(self._ask, _KEEP_S)

    async def firing(self) -> list[Alarm]:
        """Those that nothing silences, the worst first.

        Raises:
            Unreachable: no answer within 2 s, or one that is none.
        """
        return await self._remembered.get()

    async def _ask(self) -> list[Alarm]:
        query = {"active": "true", "silenced": "false", "inhibited": "false"}
        try:
            async with httpx.AsyncClient(timeout=_ANSWER_S, transport=self._transport, trust_env=False) as client:
                answer = await bounded(client.get(self._url, params=query), _ANSWER_S)
            answer.raise_for_status()
            if len(answer.content) > _MOST_BYTES:
                raise Unreachable("Alertmanager", f"answers with more than {_MOST_BYTES} bytes")
            found = [_alarm(each) for each in answer.json()[:_MOST_ALARMS]]
        except (httpx.HTTPError, TimeoutError) as error:
            raise Unreachable("Alertmanager", str(error) or type(error).__name__) from error
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise Unreachable("Alertmanager", f"its answer is none: {type(error).__name__}") from error
        return sorted(found, key=lambda one: (_rank(one.severity), one.name, str(one.since)))


def _alarm(said: Mapping[str, Any]) -> Alarm:
    labels = {str(name): _line(value) for name, value in said["labels"].items()}
    summary = _line(said.get("annotations", {}).get("summary", ""))
    korean, _, english = summary.partition(" / ")
    return Alarm(
        name=labels.get("alertname", ""),
        severity=labels.get("severity", ""),
        summary_ko=korean + _place(korean, english),
        summary_en=english or korean,
        since=_moment(said.get("startsAt", "")),
        labels={name: value for name, value in labels.items() if name not in ("alertname", "severity")},
    )


def _place(korean: str, english: str) -> str:
    """What our rules say at the end, once for both languages: `프레임 드롭 / Frames dropped: gate-1`."""
    _, colon, place = english.partition(": ")
    return colon + place if ": " not in korean else ""


def _line(value: Any) -> str:
    return redact(" ".join(str(value).split()))[:_LONGEST]


def _moment(text: str) -> datetime | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def _rank(severity: str) -> int:
    known = ("critical", "warning", "info")
    return known.index(severity) if severity in known else len(known)
