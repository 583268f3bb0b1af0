"""Reads the small JSON objects that people's words come in."""

import asyncio
import json
from collections.abc import Collection, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

from pydantic import BaseModel, ValidationError
from starlette.requests import ClientDisconnect, Request

from deployments.ingress.limits import Limits
from deployments.ingress.problems import Problem

Body = TypeVar("Body", bound=BaseModel)

_HIGHEST = 2**31 - 1
"""Of an integer in the database."""


async def read_texts(request: Request, longest: Mapping[str, int], limits: Limits) -> dict[str, str]:
    """The texts under the keys of `longest` (the most characters of each), "" for those that are not given.

    Only `application/json` is taken: a page of another site cannot send that without asking us first, which is
    refused. Control characters become spaces.

    Raises:
        Problem: 403 a page of another site, 415 another type, 413 too much, 408 too slow, 400 anything else.
    """
    return _texts(await _read(request, longest, limits), longest)


async def read_texts_and_number(
    request: Request, longest: Mapping[str, int], number: str, limits: Limits
) -> tuple[dict[str, str], int | None]:
    """As `read_texts`, and the whole number from 1 under the key `number`, None if it is not given."""
    given = await _read(request, (*longest, number), limits)
    return _texts(given, longest), _number(number, given.get(number))


async def read_body(request: Request, model: type[Body], limits: Limits, most_bytes: int = 0) -> Body:
    """The object as `model`, whose values are taken as they are: "5" is no number. `most_bytes`: where it may be longer
    than others.

    Raises:
        Problem: as `read_texts`.
    """
    given = await _read(request, model.model_fields, limits, most_bytes)
    try:
        return model.model_validate(given, strict=True)
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        field = ".".join(map(str, fault["loc"]))
        raise Problem(400, f"{field[:80]}: {fault['msg']}", field=field[:80], reason=fault["msg"]) from error


def one_line(text: str) -> str:
    """`text` on one line, without control characters."""
    return " ".join("".join(one if one.isprintable() else " " for one in text).split())


async def _read(request: Request, known: Collection[str], limits: Limits, most_bytes: int = 0) -> dict[str, Any]:
    if _is_cross_site(request):
        raise Problem(403, "pages of other sites may not do this")
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/json":
        raise Problem(415, f"content-type {kind[:80]!r} is not taken, send application/json")
    given = _object(await _bounded_body(request, limits, most_bytes or limits.json_body_bytes))
    if unknown := sorted(set(given) - set(known)):
        raise Problem(400, f"unknown key {unknown[0][:40]!r}, known are {', '.join(known) or 'none'}")
    return given


def _texts(given: Mapping[str, Any], longest: Mapping[str, int]) -> dict[str, str]:
    return {key: _text(key, given.get(key, ""), most) for key, most in longest.items()}


def _number(key: str, value: Any) -> int | None:
    if value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _HIGHEST:
        raise Problem(400, f"{key}: is not a whole number from 1", field=key)
    return value


def _is_cross_site(request: Request) -> bool:
    """Programs send no Origin and are no pages; what is no address at all comes from no browser."""
    origin = request.headers.get("origin")
    try:
        return origin is not None and urlsplit(origin).netloc.lower() != request.headers.get("host", "").lower()
    except ValueError:
        return True


async def _bounded_body(request: Request, limits: Limits, most_bytes: int) -> bytes:
    body = bytearray()
    try:
        async with asyncio.timeout(limits.call_deadline_s):
            async for chunk in request.stream():
                body += chunk
                if len(body) > most_bytes:
                    raise Problem(413, f"a body has at most {most_bytes} bytes here")
    except TimeoutError as error:
        raise Problem(408, f"the body did not come within {limits.call_deadline_s:g} s") from error
    except ClientDisconnect as error:
        raise Problem(400, "the body broke off") from error
    return bytes(body)


def _object(body: bytes) -> dict[str, Any]:
    try:
        content = json.loads(body) if body.strip() else {}
    except (ValueError, RecursionError) as error:
        raise Problem(400, "the body is not JSON") from error
    if not isinstance(content, dict):
        raise Problem(400, "the body is no JSON object")
    if not _is_storable(content):
        raise Problem(400, "the body has a NUL or half a character in a text")
    return content


def _is_storable(value: Any) -> bool:
    """Whether PostgreSQL takes every text in it; of what it refuses one could not tell that it is not away."""
    if isinstance(value, str):
        return "\x00" not in value and not any("\ud800" <= one <= "\udfff" for one in value)
    if isinstance(value, dict):
        return all(_is_storable(key) and _is_storable(one) for key, one in value.items())
    return all(map(_is_storable, value)) if isinstance(value, list) else True


def _text(key: str, value: Any, most: int) -> str:
    if value is None:
        return ""
    if not isinstance(value, str) or len(value) > most:
        raise Problem(400, f"{key}: is not a text of at most {most} characters", field=key)
    return one_line(value)
