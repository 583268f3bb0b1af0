"""Requests made out of the OpenAPI document, by callers of every role: no 5xx, every answer fits the document."""

import os
from collections import Counter

import httpx
import pytest
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

from cluster.storage.events import EventStore
from cluster.storage.messages import MessageStore
from deployments.ingress.openapi import operations as said_of

REQUESTS = int(os.environ.get("SAFE_YOLO_API_REQUESTS", "500"))
CALLERS = ("admin", "operator", "viewer", "other", "nobody")
CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
WITHOUT_END = ("/api/v1/cameras/{camera_id}/mjpeg",)
MODES = (GenerationMode.POSITIVE, GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


@pytest.fixture
def filled_site(signed_site, signed_engine, make):
    """With a database behind events and messages, since it is what refuses values that nobody expected."""
    signed_site.events, signed_site.messages = EventStore(signed_engine), MessageStore(signed_engine)
    signed_site.cameras.pictures["gate-1"] = make.picture()
    return signed_site


def _sent(client, case, headers) -> httpx.Response:
    request = case.as_transport_kwargs(base_url="http://localhost:8001")
    given_headers = {**request.pop("headers", {}), **headers}
    request.pop("cookies", None)  # none that would be anybody's
    body = request.pop("data", None)
    if body is not None:
        request["content" if isinstance(body, str | bytes) else "data"] = body
    return client.request(headers=given_headers, **{name: value for name, value in request.items() if value})


def test_whatever_is_asked_is_answered_as_the_document_says(filled_site, signed_client, tokens):
    document = signed_client.get("/api/v1/openapi.json").json()
    operations = [
        found.ok()
        for found in schemathesis.openapi.from_dict(document).get_all_operations()
        if found.ok().path not in WITHOUT_END
    ]
    # Of what takes nothing there are only as many different requests as there are callers.
    taking = sum(bool(said.get("parameters") or said.get("requestBody")) for _, _, said in said_of(document))
    answers: Counter[int] = Counter()

    for operation in operations:
        cases = st.one_of(*(operation.as_strategy(mode) for mode in MODES))

        @settings(
            max_examples=-(-REQUESTS // taking), deadline=None, derandomize=True, database=None,
            phases=(Phase.generate,), suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=cases, caller=st.sampled_from(CALLERS))
        def ask(case, caller):
            answer = _sent(signed_client, case, tokens.header(caller))
            answers[answer.status_code] += 1
            case.validate_response(answer, checks=CHECKS)

        ask()

    assert answers.total() >= REQUESTS
    assert {200, 400, 401, 403, 404} <= set(answers), answers
