"""Requests made out of an OpenAPI document, by callers of every role, each answer held against that document."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from deployments.ingress.openapi import operations as said_of

CALLERS = ("admin", "operator", "viewer", "other", "nobody")
_CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
_WITHOUT_END = ("/api/v1/cameras/{camera_id}/mjpeg",)
_MODES = (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE)
_OURS = "cross-origin-resource-policy"
"""Stands in each answer of the application."""


@dataclass
class Asked:
    """What came of it. `answers`: by status. `unfit`: a line for each operation with an answer that is not in the
    document, or a 5xx. `refused_before`: what the server in front of the application found to be no HTTP."""

    answers: Counter[int] = field(default_factory=Counter)
    unfit: list[str] = field(default_factory=list)
    refused_before: int = 0

    def add(self, more: "Asked") -> None:
        self.answers += more.answers
        self.unfit += more.unfit
        self.refused_before += more.refused_before


def ask_everything(
    client: httpx.Client,
    headers: Mapping[str, Mapping[str, str]],
    *,
    requests: int,
    document: dict[str, Any] | None = None,
) -> Asked:
    """At least `requests` requests, always the same ones. `headers`: what each of `CALLERS` sends."""
    document = document or client.get("/api/v1/openapi.json").json()
    found = (one.ok() for one in schemathesis.openapi.from_dict(document).get_all_operations())
    # Of what takes nothing there are only as many different requests as there are callers.
    taking = sum(bool(said.get("parameters") or said.get("requestBody")) for _, _, said in said_of(document))
    asked = Asked()
    for operation in found:
        if operation.path not in _WITHOUT_END:
            _ask(client, headers, operation, -(-requests // taking), asked)
    return asked


def _ask(
    client: httpx.Client, headers: Mapping[str, Mapping[str, str]], operation: Any, count: int, asked: Asked
) -> None:
    cases = st.one_of(*(operation.as_strategy(mode) for mode in _MODES))

    @settings(
        max_examples=count, deadline=None, derandomize=True, database=None,
        phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(case=cases, caller=st.sampled_from(CALLERS))
    def ask(case: Any, caller: str) -> None:
        try:
            answer = _sent(client, case, headers[caller])
        except httpx.LocalProtocolError:  # the client itself finds that this is no HTTP
            asked.refused_before += 1
            return
        asked.answers[answer.status_code] += 1
        if _OURS not in answer.headers and answer.status_code in (400, 413, 414, 431):
            asked.refused_before += 1
            return
        case.validate_response(answer, checks=_CHECKS)

    try:
        ask()
    # Each check fails with a class of its own; whatever it is, the other operations are still asked.
    except Exception as error:  # noqa: BLE001
        asked.unfit.append(f"{operation.method.upper()} {operation.path}: {error}")


def _sent(client: httpx.Client, case: Any, headers: Mapping[str, str]) -> httpx.Response:
    request = case.as_transport_kwargs(base_url=str(client.base_url).rstrip("/"))
    given_headers = {**request.pop("headers", {}), **headers}
    request.pop("cookies", None)  # none that would be anybody's
    client.cookies.clear()
    body = request.pop("data", None)
    if body is not None:
        request["content" if isinstance(body, str | bytes) else "data"] = body
    given_values = {name: value for name, value in request.items() if value}
    return client.request(headers=given_headers, **given_values)
