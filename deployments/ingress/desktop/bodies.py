"""What the desktop client sends."""

from typing import Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import ClientDisconnect, Request

from cluster.safety.geometry import Point
from deployments.ingress.problems import Problem


class _Sent(BaseModel):
    """Keys that nobody knows are passed over: other versions of the client may send more."""

    model_config = ConfigDict(extra="ignore", allow_inf_nan=False)


class SentPoint(_Sent):
    """Pixels of the picture."""

    x: float
    y: float


class SentCamera(_Sent):
    """Of a new camera, or what changes of one."""

    name: str | None = Field(None, max_length=100)
    source: str | None = Field(None, min_length=1, max_length=2048)
    source_type: Literal["file", "rtsp"] | None = None
    is_active: bool | None = None


class SentZone(_Sent):
    """Of a new zone, or what changes of one. `color` is ours: it follows the kind."""

    camera_id: int | None = None
    name: str | None = Field(None, max_length=100)
    points: list[SentPoint] | None = Field(None, min_length=3, max_length=200)
    color: str | None = Field(None, max_length=20)
    zone_type: Literal["warning", "danger"] | None = None
    is_active: bool | None = None


Sent = TypeVar("Sent", bound=_Sent)


async def read_body(request: Request, model: type[Sent]) -> Sent:
    """The body as a `model`.

    Raises:
        Problem: 400 it broke off, 422 it is none.
    """
    try:
        return model.model_validate_json(await request.body() or b"{}")
    except ClientDisconnect as error:
        raise Problem(400, "the body broke off") from error
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        key = ".".join(str(part) for part in fault["loc"]) or "body"
        raise Problem(422, f"{key}: {fault['msg']}") from error


def in_shares(points: list[SentPoint], size: tuple[int, int]) -> list[Point]:
    """Pixels as 0..1 of the picture.

    Raises:
        Problem: 409, nobody knows how large the picture is; 422 a point lies outside of it.
    """
    width, height = size
    if not width or not height:
        raise Problem(409, "the camera has given no picture yet, so that nobody knows where its pixels are")
    shares = [(point.x / width, point.y / height) for point in points]
    if any(not (-_EDGE <= x <= 1 + _EDGE and -_EDGE <= y <= 1 + _EDGE) for x, y in shares):
        raise Problem(422, f"points: outside of the picture, which has {width} x {height} pixels")
    return [(min(1.0, max(0.0, x)), min(1.0, max(0.0, y))) for x, y in shares]


_EDGE = 0.01
"""Who draws along the edge of the picture may miss it by so much."""
