"""Sockets that are open while somebody changes who may watch: they end within seconds, and an outage ends none."""

from dataclasses import replace
from typing import Any

import pytest
from counterparts.signed_in import PASSWORD
from counterparts.viewer_sockets import EVENTS, LIVE, client_of, closed_by, frame_of
from counterparts.waiting import wait_for

from cluster.safety.errors import DatabaseUnavailable
from deployments.ingress.credentials import COOKIE
from deployments.ingress.lifetimes import RENEW

API = "/api/v1"


@pytest.fixture
def watching(signed_site: Any, signed_engine: Any, make: Any) -> Any:
    """A client of a site that looks at its open sockets all the time."""
    signed_site.cameras.pictures["gate-1"] = make.picture()
    limits = replace(make.QUICK, prove_every_s=0.05)
    with client_of(signed_site, limits, close_engine=signed_engine.dispose) as client:
        yield client


def made_token(client: Any, admin: dict[str, str]) -> tuple[str, dict[str, str]]:
    body = {"name": "wall", "role": "viewer", "cameras": None, "expires_in_days": 1}
    made = client.post(f"{API}/tokens", json=body, headers=admin).json()
    return made["token_id"], {"Authorization": f"Bearer {made['token']}"}


def signed_in(client: Any, name: str) -> dict[str, str]:
    """The headers of a session of his; the client itself forgets it."""
    answer = client.post(f"{API}/session", json={"name": name, "password": PASSWORD})
    headers = {"Cookie": f"{COOKIE}={client.cookies[COOKIE]}", "X-CSRF-Token": answer.json()["csrf"]}
    client.cookies.clear()
    return headers


@pytest.mark.parametrize("path", [LIVE, EVENTS])
def test_a_revoked_token_ends_the_sockets_that_it_opened(watching: Any, tokens: Any, path: str) -> None:
    admin = tokens.header("admin")
    token_id, wall = made_token(watching, admin)
    with watching.websocket_connect(path, headers=wall) as socket:
        assert watching.delete(f"{API}/tokens/{token_id}", headers=admin).status_code == 204
        code, reason = closed_by(socket)

    assert (code, "revoked" in reason) == (4401, True)


@pytest.mark.parametrize("by", ["cookie", "ticket"])
@pytest.mark.parametrize("how", ["signed out", "disabled", "new password"])
def test_a_session_that_has_ended_ends_its_sockets_however_they_were_opened(
    watching: Any, tokens: Any, by: str, how: str
) -> None:
    session = signed_in(watching, "operator")
    path, headers = LIVE, {"Cookie": session["Cookie"]}
    if by == "ticket":
        ticket = watching.post(f"{API}/tickets", headers=session).json()["ticket"]
        path, headers = f"{LIVE}&ticket={ticket}", {}
    with watching.websocket_connect(path, headers=headers) as socket:
        frame_of(socket)
        admin, user = tokens.header("admin"), f"{API}/users/operator"
        ended = {
            "signed out": lambda: watching.delete(f"{API}/session", headers=session),
            "disabled": lambda: watching.patch(user, json={"disabled": True}, headers=admin),
            "new password": lambda: watching.patch(user, json={"password": f"{PASSWORD}!!!!!!!!"}, headers=admin),
        }[how]()
        code, _ = closed_by(socket)

    assert (ended.status_code < 300, code) == (True, 4401)


@pytest.mark.parametrize(
    ("path", "cameras", "closed"),
    [(LIVE, ["gate-2"], 4004), (LIVE, ["gate-1"], 1012), (EVENTS, ["gate-2"], 1012)],
)
def test_who_is_shown_other_cameras_than_before_comes_in_anew(
    watching: Any, tokens: Any, path: str, cameras: list[str], closed: int
) -> None:
    session = signed_in(watching, "viewer")
    with watching.websocket_connect(path, headers={"Cookie": session["Cookie"]}) as socket:
        changed = watching.patch(f"{API}/users/viewer", json={"cameras": cameras}, headers=tokens.header("admin"))
        code, reason = closed_by(socket)

    assert (changed.status_code, code, bool(reason)) == (200, closed, True)
    assert closed != 1012 or reason == RENEW, "the page comes back at once"


def test_another_role_that_may_watch_too_ends_nothing(watching: Any, tokens: Any, signed_site: Any) -> None:
    session = signed_in(watching, "operator")
    with watching.websocket_connect(LIVE, headers={"Cookie": session["Cookie"]}) as socket:
        frame_of(socket)
        watching.patch(f"{API}/users/operator", json={"role": "viewer"}, headers=tokens.header("admin"))
        proofs = count_proofs(signed_site)
        wait_for("some looks", lambda: len(proofs) > 3, every_s=0.02)
        signed_site.cameras.pictures["gate-1"] = replace(signed_site.cameras.pictures["gate-1"], sequence=2)

        assert frame_of(socket)[0]["sequence"] == 2


def test_an_outage_of_the_database_cuts_nobody_off(watching: Any, tokens: Any, signed_site: Any) -> None:
    proofs = count_proofs(signed_site, away=True)
    with watching.websocket_connect(LIVE, headers=tokens.header("viewer")) as socket:
        frame_of(socket)
        wait_for("several looks in vain", lambda: len(proofs) > 3, every_s=0.02)
        signed_site.cameras.pictures["gate-1"] = replace(signed_site.cameras.pictures["gate-1"], sequence=2)

        assert frame_of(socket)[0]["sequence"] == 2


def test_a_wall_of_sockets_costs_the_database_one_question(watching: Any, tokens: Any, signed_site: Any) -> None:
    asked: list[str] = []
    get = signed_site.accounts.tokens.get

    async def counted(token_id: str) -> Any:
        asked.append(token_id)
        return await get(token_id)

    signed_site.accounts.tokens.get = counted
    proofs = count_proofs(signed_site)
    headers = tokens.header("viewer")
    with watching.websocket_connect(LIVE, headers=headers), watching.websocket_connect(EVENTS, headers=headers):
        wait_for("many looks", lambda: len(proofs) > 10, every_s=0.02)

    assert len(asked) == 1


def count_proofs(site: Any, *, away: bool = False) -> list[Any]:
    """Grows with each look at an open socket; `away`: none of them has an answer."""
    holder, proofs = site.accounts.holder, []

    async def counted(credential: Any) -> Any:
        proofs.append(credential)
        if away:
            raise DatabaseUnavailable("connection refused")
        return await holder(credential)

    site.accounts.holder = counted
    return proofs
