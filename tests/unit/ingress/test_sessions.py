"""Signing in and out, changes by a session, users, tokens, tickets and the audit, as a page and a program meet them."""

import asyncio

import pytest
from counterparts.secrets_used import secret
from counterparts.signed_in import PASSWORD
from starlette.testclient import TestClient

from cluster.safety.errors import DatabaseUnavailable
from deployments.ingress.credentials import COOKIE

API = "/api/v1"
NEW = secret("new password")


def sign_in(client, name="viewer", password=PASSWORD):
    """The answer; the client has the cookie from now on, and the header that changes carry."""
    answer = client.post(f"{API}/session", json={"name": name, "password": password})
    if answer.status_code == 200:
        client.headers["X-CSRF-Token"] = answer.json()["csrf"]
    return answer


def actions(site):
    return [(entry.who, entry.action, entry.subject) for entry in site.audit.entries]


def test_who_signs_in_is_known_until_he_signs_out(signed_client, signed_site):
    assert signed_client.get(f"{API}/session").json()["signed_in"] is False
    signed = sign_in(signed_client).json()
    state = signed_client.get(f"{API}/session").json()

    assert (signed["name"], signed["role"], signed["cameras"]) == ("viewer", "viewer", None)
    assert signed["expires_at"].endswith("Z")
    assert state == {
        "signed_in": True, "sign_in": "on", "name": "viewer", "role": "viewer", "cameras": None,
        "csrf": signed["csrf"],
    }  # fmt: skip
    assert signed_client.get(f"{API}/cameras").status_code == 200

    assert signed_client.delete(f"{API}/session").status_code == 204
    assert signed_client.get(f"{API}/cameras").status_code == 401
    assert actions(signed_site) == [("viewer", "sign_in", ""), ("viewer", "sign_out", "")]


def test_the_cookie_is_out_of_reach_for_scripts_and_other_sites(signed_client):
    cookie = sign_in(signed_client).headers["set-cookie"]

    assert cookie.startswith(f"{COOKIE}=sys_")
    assert "HttpOnly" in cookie
    assert "SameSite=strict" in cookie
    assert "Path=/" in cookie
    assert "strict-transport-security" not in signed_client.get("/health/live").headers
    assert "Secure" not in cookie, "a site on plain http would never get it back"


def test_the_cookie_of_a_page_on_https_is_for_https_only(signed_site, signed_engine):
    app = signed_site.app(close_engine=signed_engine.dispose)
    with TestClient(app, base_url="https://localhost:8001") as client:
        signed = sign_in(client)
    assert "Secure" in signed.headers["set-cookie"]
    assert signed.headers["strict-transport-security"] == "max-age=31536000"


def test_a_cookie_that_was_signed_out_is_worth_nothing_any_more(signed_client):
    sign_in(signed_client)
    kept = signed_client.cookies[COOKIE]
    signed_client.delete(f"{API}/session")
    signed_client.cookies.set(COOKIE, kept)

    assert signed_client.get(f"{API}/cameras").status_code == 401


@pytest.mark.parametrize(("name", "password"), [("viewer", "wrong password"), ("nobody", PASSWORD), (PASSWORD, "x")])
def test_a_wrong_sign_in_says_nothing_about_what_was_wrong(signed_client, signed_site, name, password):
    answer = sign_in(signed_client, name, password)

    assert (answer.status_code, answer.json()["detail"]) == (401, "the name or the password is wrong")
    assert COOKIE not in signed_client.cookies
    known = "viewer" if name == "viewer" else "unknown"
    assert actions(signed_site) == [(known, "sign_in.refused", "")], "a password in the wrong field is not kept"


def test_after_several_wrong_ones_even_the_right_one_waits(signed_client):
    answers = [sign_in(signed_client, password=f"wrong {number}").status_code for number in range(5)]
    slowed = sign_in(signed_client)

    assert answers == [401] * 5
    assert slowed.status_code == 429
    assert int(slowed.headers["retry-after"]) >= 1
    assert sign_in(signed_client, "operator").status_code == 200, "others are not kept out"


@pytest.mark.parametrize(
    "body",
    [{}, {"name": "viewer"}, {"password": PASSWORD}, {"name": 7, "password": PASSWORD}, [PASSWORD], PASSWORD,
     {"name": "viewer", "password": PASSWORD, "role": "admin"}, {"name": "viewer", "password": [PASSWORD]}],
)  # fmt: skip
def test_a_body_that_cannot_be_read_is_refused_without_its_password(signed_client, body):
    answer = signed_client.post(f"{API}/session", json=body)

    assert (answer.status_code, answer.headers["content-type"]) == (400, "application/problem+json")
    assert PASSWORD not in answer.text


def test_a_page_of_another_site_signs_nobody_in(signed_client):
    body = {"name": "viewer", "password": PASSWORD}
    answer = signed_client.post(f"{API}/session", json=body, headers={"Origin": "http://evil.example"})

    assert answer.status_code == 403


@pytest.mark.parametrize("header", [{}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": "0" * 64}, {"X-CSRF-Token": "é"}])
def test_a_change_by_a_session_without_its_header_is_refused(signed_client, header):
    sign_in(signed_client)
    del signed_client.headers["X-CSRF-Token"]
    sent = {name.encode(): value.encode("latin-1") for name, value in header.items()}

    assert signed_client.post(f"{API}/tickets", headers=sent).status_code == 403
    assert signed_client.get(f"{API}/cameras").status_code == 200


def test_the_header_of_another_session_is_not_taken(signed_client):
    others = sign_in(signed_client, "operator").json()["csrf"]
    sign_in(signed_client, "viewer")

    assert signed_client.post(f"{API}/tickets", headers={"X-CSRF-Token": others}).status_code == 403
    assert signed_client.post(f"{API}/tickets").status_code == 201


def test_a_program_with_a_token_needs_no_header(signed_client, tokens):
    assert signed_client.post(f"{API}/tickets", headers=tokens.header("viewer")).status_code == 201
    state = signed_client.get(f"{API}/session", headers=tokens.header("operator")).json()
    assert (state["signed_in"], state["name"], state["csrf"]) == (True, "operator", None)


def test_a_new_password_ends_all_sessions_but_the_one_it_was_given_in(signed_site, signed_client):
    elsewhere = sign_in(signed_client).cookies[COOKIE]
    sign_in(signed_client)
    changed = signed_client.put(f"{API}/session/password", json={"old": PASSWORD, "new": NEW})

    assert changed.status_code == 200
    assert signed_client.get(f"{API}/cameras").status_code == 200
    signed_client.cookies.clear()
    signed_client.cookies.set(COOKIE, elsewhere)
    assert signed_client.get(f"{API}/cameras").status_code == 401
    assert sign_in(signed_client).status_code == 401
    assert sign_in(signed_client, password=NEW).status_code == 200
    assert ("viewer", "password.change", "viewer") in actions(signed_site)


@pytest.mark.parametrize(
    ("old", "new", "status"), [("wrong password", NEW, 403), (PASSWORD, "short", 400), (PASSWORD, "x" * 300, 400)]
)
def test_a_password_is_changed_only_by_who_knows_it_and_to_one_that_may_be(signed_client, old, new, status):
    sign_in(signed_client)

    answer = signed_client.put(f"{API}/session/password", json={"old": old, "new": new})

    assert answer.status_code == status
    assert "x" * 300 not in answer.text
    assert signed_client.get(f"{API}/cameras").status_code == 200


def test_an_admin_makes_changes_and_removes_users(signed_client, signed_site):
    sign_in(signed_client, "admin")
    body = {"name": "Kim@Site.kr", "password": NEW, "role": "operator", "cameras": ["gate-2", "gate-1"]}
    made = signed_client.post(f"{API}/users", json=body)
    again = signed_client.post(f"{API}/users", json=body)
    changed = signed_client.patch(f"{API}/users/kim@site.kr", json={"role": "viewer", "cameras": None})
    names = [user["name"] for user in signed_client.get(f"{API}/users").json()["users"]]

    assert (made.status_code, made.json()["cameras"]) == (201, ["gate-1", "gate-2"])
    assert (again.status_code, changed.status_code) == (409, 200)
    assert (changed.json()["role"], changed.json()["cameras"]) == ("viewer", None)
    assert names == ["admin", "kim@site.kr", "operator", "other", "viewer"]
    assert signed_client.delete(f"{API}/users/kim@site.kr").status_code == 204
    assert signed_client.get(f"{API}/users/kim@site.kr").status_code == 404
    assert [action for _, action, _ in actions(signed_site)][1:] == ["user.create", "user.change", "user.delete"]
    assert NEW not in made.text + changed.text + str(signed_site.audit.entries)


def test_users_are_paged_by_name(signed_client, tokens):
    signed_client.headers.update(tokens.header("admin"))
    first = signed_client.get(f"{API}/users?limit=3").json()
    second = signed_client.get(f"{API}/users?limit=3&cursor={first['next_cursor']}").json()

    assert [user["name"] for user in first["users"] + second["users"]] == ["admin", "operator", "other", "viewer"]
    assert second["next_cursor"] is None


def test_who_is_disabled_is_out_at_once(signed_client, tokens):
    sign_in(signed_client, "operator")
    disabled = signed_client.patch(f"{API}/users/operator", json={"disabled": True}, headers=tokens.header("admin"))

    assert disabled.json()["disabled"] is True
    assert signed_client.get(f"{API}/cameras").status_code == 401
    assert sign_in(signed_client, "operator").status_code == 401


def test_another_role_holds_in_the_session_that_is_open(signed_client, tokens):
    sign_in(signed_client, "operator")
    assert signed_client.get(f"{API}/audit").status_code == 403
    signed_client.patch(f"{API}/users/operator", json={"role": "admin"}, headers=tokens.header("admin"))

    assert signed_client.get(f"{API}/audit").status_code == 200


@pytest.mark.parametrize(
    ("method", "body"), [("PATCH", {"role": "viewer"}), ("PATCH", {"disabled": True}), ("DELETE", None)]
)
def test_the_last_admin_cannot_be_removed(signed_client, tokens, method, body):
    answer = signed_client.request(method, f"{API}/users/admin", json=body, headers=tokens.header("admin"))

    assert answer.status_code == 409
    assert sign_in(signed_client, "admin").status_code == 200


@pytest.mark.parametrize(
    ("change", "status"),
    [({}, 400), ({"name": "x"}, 400), ({"role": "root"}, 400), ({"cameras": ["Not An Id"]}, 400),
     ({"password": "short"}, 400), ({"role": "admin", "cameras": ["gate-1"]}, 400)],
)  # fmt: skip
def test_a_user_is_not_made_what_no_user_may_be(signed_client, tokens, change, status):
    answer = signed_client.patch(f"{API}/users/viewer", json=change, headers=tokens.header("admin"))

    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    user = signed_client.get(f"{API}/users/viewer", headers=tokens.header("admin")).json()
    assert (user["role"], user["cameras"], user["disabled"]) == ("viewer", None, False)


def test_a_token_is_shown_once_works_and_is_revoked(signed_client, tokens, signed_site):
    admin = tokens.header("admin")
    body = {"name": "wall 2", "role": "viewer", "cameras": ["gate-1"], "expires_in_days": 30}
    made = signed_client.post(f"{API}/tokens", json=body, headers=admin).json()
    carried = {"Authorization": f"Bearer {made['token']}"}
    assert signed_client.get(f"{API}/cameras/gate-1", headers=carried).status_code == 200

    assert made["token"] not in signed_client.get(f"{API}/tokens", headers=admin).text
    assert signed_client.delete(f"{API}/tokens/{made['token_id']}", headers=admin).status_code == 204
    assert signed_client.get(f"{API}/cameras/gate-1", headers=carried).status_code == 401
    listed = signed_client.get(f"{API}/tokens", headers=admin).json()["tokens"]
    assert next(one for one in listed if one["token_id"] == made["token_id"])["revoked_at"]
    assert signed_client.delete(f"{API}/tokens/none", headers=admin).status_code == 404
    assert made["token"] not in str(signed_site.audit.entries)


def test_the_database_that_is_away_lets_nobody_new_in_and_sends_nobody_away(signed_client, signed_site, monkeypatch):
    async def away(*_: object) -> None:
        raise DatabaseUnavailable("connection refused")

    sign_in(signed_client)
    signed_client.get(f"{API}/cameras")
    accounts = signed_site.accounts
    monkeypatch.setattr(accounts._sessions, "find", away)
    monkeypatch.setattr(accounts._recent_sessions, "_clock", lambda: asyncio.get_running_loop().time() + 60)

    assert signed_client.get(f"{API}/cameras").status_code == 200
    signed_client.cookies.set(COOKIE, "sys_" + "x" * 43)
    answer = signed_client.get(f"{API}/cameras")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "2")


def test_where_sign_in_is_off_everybody_is_told_so_and_nothing_is_made(client, site):
    state = client.get(f"{API}/session").json()

    assert (state["signed_in"], state["sign_in"], state["role"]) == (False, "off", "admin")
    assert sign_in(client).status_code == 409
    assert client.get(f"{API}/users").status_code == 409
    assert client.post(f"{API}/tickets").status_code == 409
    assert client.get(f"{API}/audit").json() == {"entries": [], "next_cursor": None}
