"""The table of roles: every route of the application stands in it, and what does not stand there is not there."""

import re

import pytest
from starlette.routing import Route, WebSocketRoute

from cluster.accounts.principal import Role
from deployments.ingress.problems import Problem
from deployments.ingress.route_roles import OPEN, ROLES, SOCKET, Door, RouteRoles


def _lines(app):
    """(method, path template) of everything that is served."""
    for route in app.routes:
        if isinstance(route, WebSocketRoute):
            yield SOCKET, route.path
        elif isinstance(route, Route):
            yield from ((method, route.path) for method in route.methods - {"HEAD"})
        else:
            yield "GET", f"{route.path}/{{path:path}}"


def test_every_route_and_socket_of_the_application_stands_in_the_table(site):
    roles, lines = RouteRoles(), sorted(_lines(site.app()))
    assert len(lines) > 30

    for method, template in lines:
        path = re.sub(r"\{[^}]*\}", "gate-1", template)
        needed = roles.find(method, path).needed
        assert needed == ROLES.get(f"{method} {template}", OPEN), f"{method} {template}"


@pytest.mark.parametrize(
    ("method", "path", "door"),
    [
        ("GET", "/", Door(OPEN)),
        ("HEAD", "/health/live", Door(OPEN)),
        ("GET", "/static/deep/app.js", Door(OPEN)),
        ("GET", "/api/v1/cameras", Door(Role.VIEWER)),
        ("GET", "/api/v1/cameras/gate-1", Door(Role.VIEWER, "gate-1")),
        ("GET", "/api/v1/cameras/test", Door(Role.VIEWER, "test")),
        ("POST", "/api/v1/cameras/test", Door(Role.ADMIN)),
        ("PATCH", "/api/v1/cameras/gate-1", Door(Role.ADMIN, "gate-1")),
        ("WS", "/api/v1/cameras/gate-1/live", Door(Role.VIEWER, "gate-1")),
        ("POST", "/api/v1/cameras/gate-1/zones/dry-run", Door(Role.ADMIN, "gate-1")),
        ("GET", "/api/v1/events/export", Door(Role.VIEWER)),
        ("POST", "/api/v1/events/acknowledge", Door(Role.OPERATOR)),
    ],
)
def test_a_request_finds_its_line(method, path, door):
    assert RouteRoles().find(method, path) == door


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/api/v1/secret", 404),
        ("GET", "/api/v1/cameras/", 404),
        ("GET", "//api/v1/cameras", 404),
        ("GET", "/api/v1/cameras/gate-1/../../users", 404),
        ("GET", "/api/v1/cameras/gate-1/live", 404),
        ("WS", "/api/v1/cameras", 404),
        ("WS", "/health", 404),
        ("PUT", "/api/v1/cameras", 405),
        ("OPTIONS", "/api/v1/cameras", 405),
        ("WS ", "/api/v1/cameras/gate-1/live", 404),
    ],
)
def test_what_has_no_line_is_not_there(method, path, status):
    with pytest.raises(Problem) as refused:
        RouteRoles().find(method, path)

    assert refused.value.status == status


def test_a_wrong_method_is_told_the_right_ones():
    with pytest.raises(Problem) as refused:
        RouteRoles().find("PUT", "/api/v1/cameras")

    assert refused.value.members["allow"] == "GET, POST"
