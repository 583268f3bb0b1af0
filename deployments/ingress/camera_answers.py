"""What the API answers about cameras' settings, zones, overrides and trials, as the OpenAPI document shows it."""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel

from cluster.safety.dry_run import DryRun
from cluster.safety.events import Severity
from cluster.safety.zones import Zone
from cluster.settings.source_secrets import shown
from cluster.storage.overrides import Override, OverrideField
from deployments.ingress.camera_editing import KnownCamera

Managed = Literal["api", "config"]


class SettingsAnswer(BaseModel):
    """All settings of a camera; `***` in `source` stands for what is stored, and sent back keeps it. `declared_in`: the
    file that has to be changed instead, null for cameras of the API."""

    camera: dict[str, Any]
    managed: Managed
    declared_in: str | None
    revision: int


class ZonesAnswer(BaseModel):
    """The zones of a camera; `revision` is that of the camera."""

    zones: list[Zone]
    managed: Managed
    declared_in: str | None
    revision: int


class ZoneAnswer(BaseModel):
    """A zone as it is now; `revision` is that of its camera."""

    zone: Zone
    revision: int


class TrialAnswer(BaseModel):
    """What came out of a source, or why nothing did (`code`: the class of the reason) and what to do. `picture`: the
    first frame, a JPEG of at most 640 pixels in base64, with the privacy masks that were sent."""

    ok: bool
    width: int | None
    height: int | None
    fps: float | None
    codec: str | None
    picture: str | None = None
    code: str
    reason: str
    mend: str


class DryEventAnswer(BaseModel):
    """An event that a zone would have told; `closed_at` null: it would still be open."""

    event_type: str
    severity: Severity
    opened_at: datetime
    closed_at: datetime | None


class DryRunAnswer(BaseModel):
    """The newest events that a zone would have told, how many of each type, and over how many watched seconds."""

    events: list[DryEventAnswer]
    counts: dict[str, int]
    watched_s: float


class OverrideAnswer(BaseModel):
    """One word about a camera, or about all (`*`); `until` null: it has no end."""

    camera_id: str
    field: OverrideField
    value: bool | None
    until: datetime | None
    reason: str
    set_by: str
    set_at: datetime


class OverridesAnswer(BaseModel):
    """The words that hold now, and which of them counts for each field of the camera that was asked for."""

    overrides: list[OverrideAnswer]
    effective: dict[OverrideField, OverrideAnswer]


def settings_answer(known: KnownCamera) -> SettingsAnswer:
    """Without any password."""
    camera = {**known.settings.model_dump(mode="json"), "source": shown(known.settings.source)}
    return SettingsAnswer(camera=camera, **_of(known))


def zones_answer(known: KnownCamera) -> ZonesAnswer:
    return ZonesAnswer(zones=list(known.settings.zones), **_of(known))


def dry_run_answer(told: DryRun) -> DryRunAnswer:
    events = [
        DryEventAnswer(
            event_type=one.event_type, severity=one.severity, opened_at=one.opened_at, closed_at=one.closed_at
        )
        for one in told.events
    ]
    return DryRunAnswer(events=events, counts=dict(told.counts), watched_s=told.watched_s)


def override_answer(word: Override) -> OverrideAnswer:
    return OverrideAnswer(
        camera_id=word.camera_id,
        field=word.field,
        value=word.value,
        until=word.until,
        reason=word.reason,
        set_by=word.set_by,
        set_at=word.set_at,
    )


def _of(known: KnownCamera) -> dict[str, Any]:
    return {"managed": known.managed, "declared_in": known.declared_in, "revision": known.revision}
