"""`/api/v1/overrides` and `/api/v1/cameras/{camera_id}/overrides`: what operators switch off for a while."""

from collections.abc import Awaitable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, TypeVar

from fastapi import APIRouter, Request, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, StrictBool

from cluster.safety.errors import DatabaseUnavailable
from cluster.storage.overrides import ALL_CAMERAS, Override, OverrideField, effective
from deployments.deadlines import bounded
from deployments.ingress.access import entry, principal_of
from deployments.ingress.audited import Audited
from deployments.ingress.camera_answers import OverrideAnswer, OverridesAnswer, override_answer
from deployments.ingress.camera_editing import CameraEditing
from deployments.ingress.camera_settings_routes import CameraId
from deployments.ingress.camera_setup import CameraSetup
from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem

Answer = TypeVar("Answer")
_LONGEST = timedelta(days=30)


class OverrideBody(BaseModel):
    """`until` null: until somebody takes it back; a quiet must have an end."""

    model_config = ConfigDict(extra="forbid")
    value: StrictBool
    until: AwareDatetime | None = None
    reason: Annotated[str, Field(max_length=200)] = ""


class OverrideRoutes:
    """Words are only added; the newest one about a field holds. The supervisor hears of each at once."""

    def __init__(self, setup: CameraSetup, editing: CameraEditing, audit: Audited, limits: Limits) -> None:
        self._words, self._quiet, self._editing = setup.words, setup.quiet, editing
        self._audit, self._limits = audit, limits

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/api/v1", tags=["overrides"])
        add, one = router.add_api_route, "/cameras/{camera_id}/overrides"
        add("/overrides", self.all_words, methods=["GET"], response_model=OverridesAnswer)
        add("/overrides/{field}", self.put_all, methods=["PUT"], response_model=OverrideAnswer)
        add("/overrides/{field}", self.clear_all, methods=["DELETE"], status_code=204)
        add(one, self.words, methods=["GET"], response_model=OverridesAnswer)
        add(one + "/{field}", self.put, methods=["PUT"], response_model=OverrideAnswer)
        add(one + "/{field}", self.clear, methods=["DELETE"], status_code=204)
        return router

    async def all_words(self, request: Request, response: Response) -> OverridesAnswer:
        """What holds now about any camera that you may see, and about all (`*`)."""
        response.headers["Cache-Control"] = "no-store"
        principal, now = principal_of(request), datetime.now(UTC)
        newest = await self._answered(self._words.newest())
        seen = [one for one in newest if one.camera_id == ALL_CAMERAS or principal.sees(one.camera_id)]
        return _answer(seen, ALL_CAMERAS, now)

    async def words(self, response: Response, camera_id: CameraId) -> OverridesAnswer:
        """What holds now about the camera, said of it or of all; of the two, the one that switches off counts."""
        response.headers["Cache-Control"] = "no-store"
        await self._editing.read(camera_id)
        newest = await self._answered(self._words.newest())
        return _answer(
            [one for one in newest if one.camera_id in (camera_id, ALL_CAMERAS)], camera_id, datetime.now(UTC)
        )

    async def put(
        self, request: Request, response: Response, camera_id: CameraId, field: OverrideField, body: OverrideBody
    ) -> OverrideAnswer:
        """Holds from now on, for declared cameras too."""
        await self._editing.read(camera_id)
        return await self._say(request, response, _word(request, camera_id, field, body))

    async def put_all(
        self, request: Request, response: Response, field: OverrideField, body: OverrideBody
    ) -> OverrideAnswer:
        """As for one camera, for all, those to come too."""
        _sees_all(request)
        return await self._say(request, response, _word(request, ALL_CAMERAS, field, body))

    async def clear(self, request: Request, camera_id: CameraId, field: OverrideField) -> Response:
        """Takes back what was said of this camera; what was said of all still holds."""
        await self._editing.read(camera_id)
        return await self._clear(request, camera_id, field)

    async def clear_all(self, request: Request, field: OverrideField) -> Response:
        """Takes back what was said of all; what was said of single cameras still holds."""
        _sees_all(request)
        return await self._clear(request, ALL_CAMERAS, field)

    async def _clear(self, request: Request, camera_id: str, field: OverrideField) -> Response:
        word = Override(camera_id, field, None, principal_of(request).name)
        await self._keep(word)
        await self._audit.done(entry(request, "override.clear", f"{camera_id}/{field.value}"))
        return Response(status_code=204, headers={"Cache-Control": "no-store"})

    async def _say(self, request: Request, response: Response, word: Override) -> OverrideAnswer:
        await self._keep(word)
        until = f" until {word.until.isoformat()}" if word.until else ""
        detail = f"{'on' if word.value else 'off'}{until} {word.reason}".strip()
        await self._audit.done(entry(request, "override.set", f"{word.camera_id}/{word.field.value}", detail))
        response.headers["Cache-Control"] = "no-store"
        return override_answer(word)

    async def _keep(self, word: Override) -> None:
        await self._answered(self._words.put(word))
        if word.field is OverrideField.MUTED:
            await self._answered(self._quiet.keep_quiet_until_its_end(word.set_at))
        await self._editing.nudge()

    async def _answered(self, asking: Awaitable[Answer]) -> Answer:
        try:
            return await bounded(asking, self._limits.call_deadline_s)
        except TimeoutError as error:
            raise DatabaseUnavailable(f"no answer within {self._limits.call_deadline_s:g} s") from error


def _word(request: Request, camera_id: str, field: OverrideField, body: OverrideBody) -> Override:
    now = datetime.now(UTC)
    if body.until is not None and not now < body.until <= now + _LONGEST:
        raise Problem(400, "until: is not a moment of the next 30 days", field="until")
    if field is OverrideField.MUTED and body.value and body.until is None:
        raise Problem(400, "until: a quiet has an end", field="until")
    until = None if body.until is None else body.until.astimezone(UTC)
    reason = " ".join("".join(one if one.isprintable() else " " for one in body.reason).split())
    return Override(camera_id, field, body.value, principal_of(request).name, reason, until, now)


def _sees_all(request: Request) -> None:
    principal = principal_of(request)
    if principal.cameras is not None:
        raise Problem(403, f"{principal.name} sees some cameras only, and may not switch all of them")


def _answer(newest: Sequence[Override], camera_id: str, now: datetime) -> OverridesAnswer:
    holding = effective(newest, camera_id, now)
    return OverridesAnswer(
        overrides=[override_answer(one) for one in newest if one.holds(now)],
        effective={field: override_answer(one) for field, one in holding.items()},
    )
