"""Asks our own API, in this process and with the client's own token: so whatever the API checks is checked here too."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import httpx
from starlette.requests import HTTPConnection

from deployments.deadlines import bounded
from deployments.ingress.problems import Problem

_API = "/api/v1"
_DEADLINE_S = 30.0
"""Beyond the deadlines of the routes themselves."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API said; `document` is None for an empty body."""

    document: Any
    etag: str


class OwnApi:
    """The API as the owner of `token` may use it, on behalf of the request or socket `connection`."""

    def __init__(self, connection: HTTPConnection, token: str) -> None:
        self._connection, self._token = connection, token

    async def get(self, path: str, **query: Any) -> Answer:
        return await self.ask("GET", path, query={key: value for key, value in query.items() if value is not None})

    async def ask(
        self, method: str, path: str, *, query: Mapping[str, Any] | None = None, body: Any = None, etag: str = ""
    ) -> Answer:
        """What the API answers to a call of `path` below /api/v1.

        Raises:
            Problem: what it refused with.
        """
        answer = await self._answer(method, path, query, body, {"If-Match": etag} if etag else {})
        return Answer(_document(answer), answer.headers.get("etag", ""))

    async def health(self) -> Any:
        """What `/health` says; "down" is an answer too."""
        async with self._client() as client:
            return _document(await bounded(client.get("/health"), _DEADLINE_S))

    async def picture(self, path: str) -> bytes:
        """The JPEG at `path`.

        Raises:
            Problem: there is none.
        """
        return (await self._answer("GET", path, None, None, {})).content

    async def _answer(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Any, headers: Mapping[str, str]
    ) -> httpx.Response:
        async with self._client() as client:
            asking = client.request(method, f"{_API}{path}", params=query or None, json=body, headers=headers)
            answer = await bounded(asking, _DEADLINE_S)
        if answer.status_code >= 400:
            document = _document(answer)
            detail = document.get("detail") if isinstance(document, dict) else None
            raise Problem(answer.status_code, str(detail or "refused"))
        return answer

    def _client(self) -> httpx.AsyncClient:
        connection = self._connection
        client = connection.client
        transport = httpx.ASGITransport(
            app=connection.scope["app"],
            raise_app_exceptions=False,
            client=(client.host, client.port) if client else ("", 0),
        )
        headers = {
            "Authorization": f"Bearer {self._token}",
            "Host": connection.headers.get("host", ""),
            "X-Request-ID": str(connection.scope.get("state", {}).get("request_id", "")),
        }
        return httpx.AsyncClient(transport=transport, base_url="http://ingress", headers=headers)


def _document(answer: httpx.Response) -> Any:
    return answer.json() if answer.content and "json" in answer.headers.get("content-type", "") else None
