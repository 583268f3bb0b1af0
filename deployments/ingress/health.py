"""What the whole is worth at this moment: `ok`, `degraded` or `down`, with the parts that say so."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, TypeVar

from cluster.safety.errors import SafeYoloError
from cluster.safety.messages import MessageState
from cluster.safety.redaction import redact
from cluster.safety.status import CameraReport, CameraStatus, DetectorReport
from cluster.storage.message_counts import MessageCounts
from deployments.deadlines import bounded
from deployments.ingress.limits import Limits
from deployments.ingress.remembered import Remembered
from deployments.ingress.services import Services
from deployments.ingress.watchfulness import CameraVerdict, Watchfulness

Answer = TypeVar("Answer")


class HealthStatus(StrEnum):
    """ok: all is as it should be. degraded: cameras are watched and events kept although a part is away.
    down: nobody watches, or events are lost."""

    OK = "ok"
    DEGRADED = "degraded"
    DOWN = "down"

    @property
    def rank(self) -> int:
        return list(HealthStatus).index(self)


@dataclass(frozen=True, slots=True)
class Part:
    """One part and, where it is not ok, why."""

    status: HealthStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Health:
    """One look at everything. Ages are seconds, None: no camera was looked at yet."""

    status: HealthStatus
    parts: dict[str, Part]
    cameras: dict[str, int] = field(default_factory=dict)
    inference_age_max_s: float | None = None
    inference_age_min_s: float | None = None

    def document(self, release: str) -> dict[str, Any]:
        return {
            "status": self.status.value,
            "release": release,
            "parts": {name: {"status": part.status.value, "reason": part.reason} for name, part in self.parts.items()},
            "cameras": self.cameras,
            "inference_age_s": {"max": self.inference_age_max_s, "min": self.inference_age_min_s},
        }

    def without_reasons(self, release: str) -> dict[str, Any]:
        """For whom a load balancer and a probe are: reasons name cameras, addresses and files."""
        parts = {name: {"status": part.status.value, "reason": ""} for name, part in self.parts.items()}
        return {**self.document(release), "parts": parts}


class HealthBoard:
    """Asks all parts at once, each with a deadline, and remembers the answer for a moment.

    Probes come often and from many sides: the memory keeps them away from the database.
    """

    def __init__(self, services: Services, limits: Limits, clock: Callable[[], float] = time.monotonic) -> None:
        self._services, self._limits = services, limits
        self._watchfulness = Watchfulness(limits.connecting_grace_s, limits.critical_loss_s, clock)
        self._remembered = Remembered(self._look, limits.health_cache_s, clock)

    async def look(self) -> Health:
        """The state of everything, at most `health_cache_s` old."""
        try:
            return await bounded(self._remembered.get(), self._limits.health_deadline_s)
        except TimeoutError:
            late = Part(HealthStatus.DOWN, f"no answer within {self._limits.health_deadline_s:g} s")
            return Health(HealthStatus.DOWN, {"ingress": late})

    async def supervisor_answers(self) -> Part:
        """Whether the process that knows the cameras can be reached."""
        _, part = await self._ask(self._services.cameras.reports(), HealthStatus.DOWN)
        return part

    async def _look(self) -> Health:
        (reports, cameras), told, (detector, model), (_, database), (_, snapshots), messages = await asyncio.gather(
            self._ask(self._services.cameras.reports(), HealthStatus.DOWN),
            self._ask(self._services.cameras.faults(), HealthStatus.DEGRADED),
            self._ask(self._services.detector.report(), HealthStatus.DEGRADED),
            self._ask(self._services.events.ping(), HealthStatus.DEGRADED),
            self._ask(self._services.snapshots.ping(), HealthStatus.DEGRADED),
            self._ask(self._services.messages.counts(datetime.now(UTC)), HealthStatus.DEGRADED),
        )
        parts = {
            "supervisor": cameras,
            "detector": model if detector is None else _of_detector(detector),
            "database": database,
            "snapshots": snapshots,
            "notifications": self._of_notifications(*messages),
        }
        if reports is None:
            return _health(parts, ())
        parts["configuration"] = _of_configuration(*told)
        parts["cameras"] = _of_cameras(self._watchfulness.judge(reports))
        parts["outboxes"] = _of_outboxes(self._watchfulness.lost_critical(reports), reports)
        return _health(parts, reports)

    def _of_notifications(self, counts: MessageCounts | None, answered: Part) -> Part:
        """A site of which nobody hears is not well, unless somebody said that it is meant so."""
        settings, faults = self._services.notifications, []
        if not settings.tells_critical and not settings.nobody_is_told:
            faults.append("nobody is told of CRITICAL events: no rule of site.yaml names a channel for them")
        if counts is None:
            faults.append(answered.reason)
        else:
            if dead := counts.by_state.get(MessageState.FAILED, 0):
                faults.append(f"{dead} message{'s' if dead > 1 else ''} of the last 24 h reached nobody")
            if counts.late_s > self._limits.message_late_s:
                faults.append(f"a message is due for {counts.late_s:.0f} s, and nobody sends it")
        if faults:
            return Part(HealthStatus.DEGRADED, "; ".join(faults))
        quiet = "nobody is told of any event, as notifications.nobody_is_told of site.yaml says"
        return Part(HealthStatus.OK, "" if settings.tells_critical else quiet)

    async def _ask(self, asking: Awaitable[Answer], otherwise: HealthStatus) -> tuple[Answer | None, Part]:
        try:
            answer = await bounded(asking, self._limits.part_deadline_s)
        except TimeoutError:
            return None, Part(otherwise, f"no answer within {self._limits.part_deadline_s:g} s")
        except SafeYoloError as error:
            return None, Part(otherwise, redact(str(error)))
        return answer, Part(HealthStatus.OK)


def _of_detector(report: DetectorReport) -> Part:
    if not report.ready:
        return Part(HealthStatus.DEGRADED, report.error or "no model is in service")
    if report.fallback:
        return Part(HealthStatus.DEGRADED, f"model {report.model} serves instead of the configured one: {report.error}")
    # A replica that is ready and has a last fault still answers: the fault is told, not counted.
    return Part(HealthStatus.OK, report.error)


def _of_configuration(faults: list[str] | None, answered: Part) -> Part:
    """A configuration that was refused leaves the former one in force: watched, but not as somebody meant it."""
    if not faults:
        return answered
    return Part(HealthStatus.DEGRADED, redact("; ".join(faults)))


def _of_cameras(verdict: CameraVerdict) -> Part:
    if not verdict.watched:
        return Part(HealthStatus.DOWN, verdict.reason or "no camera is enabled")
    return Part(HealthStatus.DEGRADED if verdict.reason else HealthStatus.OK, verdict.reason)


def _of_outboxes(lost_critical: Sequence[str], reports: Sequence[CameraReport]) -> Part:
    if lost_critical:
        return Part(HealthStatus.DOWN, f"CRITICAL events were given up by {', '.join(lost_critical)}")
    if dropped := [report.camera_id for report in reports if report.outbox_dropped]:
        return Part(HealthStatus.DEGRADED, f"events were given up for want of room by {', '.join(dropped)}")
    return Part(HealthStatus.OK)


def _health(parts: dict[str, Part], reports: Sequence[CameraReport]) -> Health:
    counts = {status.value: sum(report.status is status for report in reports) for status in CameraStatus}
    enabled = [report for report in reports if report.status is not CameraStatus.DISABLED]
    ages = [report.inference_age_s for report in enabled if report.inference_age_s is not None]
    return Health(
        status=max((part.status for part in parts.values()), key=lambda status: status.rank),
        parts=parts,
        cameras=counts,
        inference_age_max_s=max(ages, default=None),
        inference_age_min_s=min(ages, default=None),
    )
