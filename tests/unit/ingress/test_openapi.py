"""The OpenAPI document: every route, who may use it, and that it is one which the page can show."""

import re

import pytest
from starlette.routing import Route

from deployments.ingress.documented import DocumentedRoute
from deployments.ingress.openapi import operations
from deployments.ingress.openapi_older import as_3_0
from deployments.ingress.route_roles import ROLES

PAGES = ("/", "/favicon.ico", "/static", "/api/v1/docs", "/legacy")


@pytest.fixture
def document(client):
    return client.get("/api/v1/openapi.json").json()


def _is_page(path: str) -> bool:
    return path == "/" or path.startswith(PAGES[1:])


def test_every_route_that_is_no_page_is_in_the_document(site, document):
    served = {
        f"{method} {route.path}"
        for route in site.app().routes
        if isinstance(route, Route) and not _is_page(route.path)
        for method in route.methods - {"HEAD"}
    }

    said = {f"{method.upper()} {path}" for path, method, _ in operations(document)}

    assert served - said == set()
    assert said <= set(ROLES)


def test_every_operation_says_who_may_and_how_it_refuses(document):
    for path, method, operation in operations(document):
        role = ROLES[f"{method.upper()} {path}"]
        assert operation["x-role"] == (role.value if role else "anybody"), path
        assert operation["security"] == ([{"cookie": []}, {"bearer": []}] if role else []), path
        assert "application/problem+json" in operation["responses"]["default"]["content"], path
        assert "422" not in operation["responses"], path
        assert {one["name"] for one in operation.get("parameters", ()) if one["in"] == "path"} == set(
            re.findall(r"{(\w+)", path)
        ), path


def test_operations_have_names_of_their_own_and_say_what_they_do(site, document):
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(set(names)) == len(names)
    for route in site.app().routes:
        if isinstance(route, DocumentedRoute):
            assert route.summary, route.path


def test_every_reference_leads_somewhere(client, document):
    text = client.get("/api/v1/openapi.json").text
    assert document["openapi"] == "3.0.3"
    for name in set(re.findall(r'"#/components/schemas/([^"]+)"', text)):
        assert name in document["components"]["schemas"], name
    for newer in ('"type": "null"', '"const"', '"prefixItems"', '"$defs"'):
        assert newer not in text


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": "string", "nullable": True}),
        (
            {"anyOf": [{"$ref": "#/a"}, {"type": "null"}], "title": "A"},
            {"allOf": [{"$ref": "#/a"}], "title": "A", "nullable": True},
        ),
        (
            {"anyOf": [{"type": "string"}, {"type": "integer"}, {"type": "null"}]},
            {"anyOf": [{"type": "string"}, {"type": "integer"}], "nullable": True},
        ),
        ({"const": "user"}, {"enum": ["user"]}),
        ({"exclusiveMinimum": 0}, {"minimum": 0, "exclusiveMinimum": True}),
        ({"prefixItems": [{"type": "number"}] * 2, "maxItems": 2}, {"items": {"type": "number"}, "maxItems": 2}),
        ({"prefixItems": [{"type": "number"}, {"type": "string"}]},
         {"items": {"anyOf": [{"type": "number"}, {"type": "string"}]}}),
        ({"properties": {"const": {"const": 1}, "examples": {"type": "string"}}},
         {"properties": {"const": {"enum": [1]}, "examples": {"type": "string"}}}),
        ({"type": "object", "examples": [1], "propertyNames": {"pattern": "a"}}, {"type": "object"}),
    ],
)  # fmt: skip
def test_what_the_newer_openapi_says_is_said_the_older_way(newer, older):
    assert as_3_0(newer) == older


def test_the_page_to_try_the_api_asks_no_other_host(client):
    page = client.get("/api/v1/docs")

    assert page.status_code == 200
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "http" not in policy
    assert "unsafe" not in policy
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert address.startswith("/"), address
        assert client.get(address).status_code == 200, address
    assert page.headers["x-frame-options"] == "DENY"


def test_what_get_answers_head_does_too(client):
    for path in ("/health/live", "/api/v1/events", "/api/v1/openapi.json"):
        assert client.head(path).status_code == 200
