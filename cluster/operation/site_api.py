"""What the running site says of itself, read over its own HTTP API like any other program would."""

from typing import Any

import httpx

from cluster.safety.errors import SiteUnhealthy

_MEND = "export SAFE_YOLO_TOKEN (an admin makes one on the page), or SECRET_KEY as the site has it"


class SiteApi:
    """The ingress at `page`, asked with the bearer `token`. Every call has a deadline.

    `SiteUnhealthy` says why there was no answer.
    """

    def __init__(self, page: str, token: str = "", *, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        # trust_env=False: a proxy of the company must not come between this process and the loopback.
        self._http = httpx.Client(base_url=page, timeout=5.0, trust_env=False, transport=transport, headers=headers)

    def health(self) -> dict[str, Any]:
        """`GET /health`: `status` is ok, degraded or down. 503 is an answer too."""
        return _mapping(self._get("/health", also=(httpx.codes.SERVICE_UNAVAILABLE,)))

    def cameras(self) -> list[dict[str, Any]]:
        """A report for each camera."""
        return _listed(self._get("/api/v1/cameras"), "cameras")

    def newest_events(self, limit: int = 50) -> list[dict[str, Any]]:
        """The last events, newest first."""
        return _listed(self._get("/api/v1/events", limit=limit), "events")

    def close(self) -> None:
        self._http.close()

    def _get(self, path: str, also: tuple[int, ...] = (), **query: Any) -> Any:
        try:
            answer = self._http.get(path, params=query)
            if answer.status_code == httpx.codes.UNAUTHORIZED:
                raise SiteUnhealthy(f"GET {path}: the site asks who this is", _MEND)
            if answer.is_error and answer.status_code not in also:
                raise SiteUnhealthy(f"GET {path}: the site answered {answer.status_code}")
            return answer.json()
        except (httpx.HTTPError, ValueError) as error:
            raise SiteUnhealthy(f"GET {path}: {error or type(error).__name__}") from error


def _mapping(answer: Any) -> dict[str, Any]:
    if not isinstance(answer, dict):
        raise SiteUnhealthy("the site answered something that is not its own")
    return answer


def _listed(answer: Any, key: str) -> list[dict[str, Any]]:
    items = answer.get(key, answer.get("items")) if isinstance(answer, dict) else answer
    if not isinstance(items, list):
        raise SiteUnhealthy("the site answered something that is not its own")
    return [item for item in items if isinstance(item, dict)]
