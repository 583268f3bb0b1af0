"""Ray's dashboard over HTTP: what `serve deploy` and `serve status` use, without importing ray."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from cluster.operation.ray_token import read_token
from cluster.operation.root_line import root_line
from cluster.safety.errors import SiteUnhealthy

_APPLICATIONS = "/api/serve/applications/"


class Dashboard:
    """One Ray's dashboard at `url`. Every call has a deadline and raises `SiteUnhealthy` where it fails."""

    def __init__(self, url: str, *, transport: httpx.BaseTransport | None = None) -> None:
        # trust_env=False: a proxy of the company must not come between this process and the loopback.
        self._http = httpx.Client(
            base_url=url, timeout=10.0, trust_env=False, transport=transport, headers=_authorization()
        )

    def answers(self) -> bool:
        """Whether it is up, with its Serve part."""
        try:
            return self._http.get(_APPLICATIONS, timeout=5.0).status_code == httpx.codes.OK
        except httpx.HTTPError:
            return False

    def deploy(self, config: dict[str, Any]) -> None:
        """Roll `config` out, as `serve deploy` does. Returns once Serve has accepted it."""
        with _told("deploy"):
            _accepted(self._http.put(_APPLICATIONS, json=config, timeout=120.0), "Ray refused the deployment")

    def shut_serve_down(self, limit_s: float) -> None:
        """Stop all applications and Serve itself; each deployment gets its own graceful shutdown."""
        with _told("stop the applications"):
            _accepted(self._http.delete(_APPLICATIONS, timeout=limit_s), "Ray did not stop the applications")

    def applications(self) -> dict[str, Any]:
        """Name of each application onto its details (status, message, deployments)."""
        with _told("read the applications"):
            answer = _accepted(self._http.get(_APPLICATIONS), "Ray did not tell the applications")
            return dict(answer.json().get("applications", {}))

    def nodes(self) -> list[dict[str, Any]]:
        """Summaries of the cluster's nodes."""
        with _told("read the nodes"):
            answer = _accepted(self._http.get("/nodes", params={"view": "summary"}), "Ray did not tell the nodes")
            return list(answer.json().get("data", {}).get("summary", []))

    def close(self) -> None:
        self._http.close()


def _authorization() -> dict[str, str]:
    token = read_token()
    return {"Authorization": f"Bearer {token}"} if token else {}


def _accepted(answer: httpx.Response, what: str) -> httpx.Response:
    if answer.is_error:
        raise SiteUnhealthy(f"{what}: {root_line(answer.text) or answer.status_code}")
    return answer


@contextmanager
def _told(doing: str) -> Iterator[None]:
    try:
        yield
    except (httpx.HTTPError, ValueError) as error:
        raise SiteUnhealthy(f"cannot {doing}: Ray's dashboard: {error or type(error).__name__}") from error
