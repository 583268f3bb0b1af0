"""Who is answered what at the door: what `docs/api_access.md` shows, and what the tests ask route by route.

PYTHONPATH=.:tests python -m counterparts.access_table > docs/api_access.md
"""

from collections.abc import Iterator

from cluster.accounts.principal import Role
from deployments.ingress.route_roles import OPEN, ROLES, SOCKET

CALLERS = ("nobody", "expired", "revoked", "foreign", "viewer", "operator", "admin", "other")
"""Names of `counterparts.signed_in.Tokens`; `other` is a viewer who is shown another camera than that in the path."""
UNKNOWN = CALLERS[:4]
LET_IN = 200
SOCKET_CODES = {LET_IN: 1000, 401: 4401, 403: 4403, 404: 4004}
"""What a socket is closed with where HTTP has this status; 1000: whenever its client goes."""
HTTP_LINES = [line for line in ROLES if not line.startswith(SOCKET)]
SOCKET_LINES = [line for line in ROLES if line.startswith(SOCKET)]

_RANK = {"other": Role.VIEWER, "viewer": Role.VIEWER, "operator": Role.OPERATOR, "admin": Role.ADMIN}
_HEADS = ("no token", "expired", "revoked", "foreign", "viewer", "operator", "admin", "viewer of another camera")
_TEXT = """\
# Who may use which route and socket

Made by the tests, out of the table that the ingress enforces (`deployments/ingress/route_roles.py`):
`PYTHONPATH=.:tests .venv/bin/python -m counterparts.access_table > docs/api_access.md`.
`tests/unit/ingress/test_sign_in.py` asks each line as each of these callers, and fails where an answer, or this page,
is another.

- **in**: let in. What the route itself then answers (a list without the cameras that are not shown, 404 for what there
  is not, 409 for a declared camera) stands in `/api/v1/openapi.json`.
- **foreign**: a token that was signed with another `SECRET_KEY`. A cookie is worth what its user's role is; for a
  change it needs `X-CSRF-Token` besides, and without it the answer is 403.
- A socket's numbers are the codes that it is closed with. Those of 4401 and 4004 are accepted first, because a page
  cannot read why a handshake failed; 4403 is refused in the handshake.
- Lines where everybody is let in know themselves whom they trust: `/legacy` and `/acknowledge` by what stands in the
  path, `POST /session` by the password. `/metrics` can be closed by `sign_in: { metrics: token }`.
- What does not stand here is not there: 404, whoever asks.

"""


def expected(caller: str, line: str) -> int:
    """The status of the door, `LET_IN` for whoever may go on to the route."""
    needed = ROLES[line]
    if needed is OPEN:
        return LET_IN
    if caller in UNKNOWN:
        return 401
    if not _RANK[caller].covers(needed):
        return 403
    return 404 if caller == "other" and "{camera_id}" in line else LET_IN


def page() -> str:
    """The whole of `docs/api_access.md`."""
    heads = ["route", *_HEADS]
    lines = [heads, ["---"] * len(heads), *_rows()]
    return _TEXT + "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def _rows() -> Iterator[list[str]]:
    for line in ROLES:
        yield [f"`{line}`", *(_said(expected(caller, line), line) for caller in CALLERS)]


def _said(status: int, line: str) -> str:
    if status == LET_IN:
        return "in"
    return str(SOCKET_CODES[status] if line in SOCKET_LINES else status)


if __name__ == "__main__":
    print(page(), end="")
