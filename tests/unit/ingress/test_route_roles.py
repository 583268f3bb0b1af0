"""The table of roles: every route of the application stands in it, and what does not stand there is not there."""

import re
from dataclasses import replace

import pytest
from starlette.routing import Route, WebSocketRoute

from cluster.accounts.principal import Role
from cluster.settings.desktop_client import DesktopClientSettings
from deployments.ingress.application import create_app
from deployments.ingress.limits import Limits
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


@pytest.fixture
def whole(site):
    """The application with everything that a site may switch on."""
    desktop = DesktopClientSettings(enabled=True)
    services = replace(site.services, numbers=object(), desktop=desktop)
    return create_app(services, limits=Limits())


def _covers(line, served):
    """Whether the line of the table says who may use what is `served`, which is below it where it ends in any path."""
    method, _, path = served.partition(" ")
    above, _, rest = line.partition("{path:path}")
    return line == served or (rest == "" and above != line and f"{method} {path}".startswith(above))


def test_every_route_and_socket_has_a_line_and_finds_it(whole):
    roles, lines = RouteRoles(), sorted(_lines(whole))
    assert len(lines) > 100

    for method, template in lines:
        served = f"{method} {template}"
        [said] = [line for line in ROLES if _covers(line, served)]
        path = re.sub(r"\{[^}]*\}", "7", template)
        door = roles.find(method, path)
        assert door == Door(ROLES[said], "7" if "{camera_id}" in template else ""), served


def test_every_line_has_a_route_or_socket(whole):
    served = [f"{method} {template}" for method, template in _lines(whole)]

    assert [line for line in ROLES if not any(_covers(line, one) for one in served)] == []


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
