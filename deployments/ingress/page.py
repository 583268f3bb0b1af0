"""The web page: files that are read once at the start and answered from memory."""

import hashlib
import re
from collections.abc import Callable
from functools import partial
from html import escape
from importlib import resources
from pathlib import PurePath

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_KINDS = {".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml"}
_ICON = "icon.svg"
_PAGE = "index.html"
_ZONE = b'data-time-zone=""'
"""Where the page is told in which zone the site's times are shown."""
_FIRST_MODULE = "app.js"
_PRELOADS = b"<!-- modules -->"
"""Where the page is told which modules it will need: else the browser finds them level by level of their imports."""
_IMPORT = re.compile(r"""^import (?:[^"]+ from )?"\./([\w.]+)";$""", re.MULTILINE)


def page_routes(time_zone: str = "") -> list[Route]:
    """Routes of the page; reads the files, so call it once at the start and not on the event loop.

    `time_zone`: of the site, an IANA name; "": each reader's own.
    """
    folder = resources.files("deployments.ingress") / "static"
    page = (folder / _PAGE).read_bytes().replace(_ZONE, f'data-time-zone="{escape(time_zone)}"'.encode())
    page = page.replace(_PRELOADS, _preloads(lambda name: (folder / name).read_text("utf-8")).encode())
    files = [(file.name, _KINDS.get(PurePath(file.name).suffix)) for file in folder.iterdir()]
    return [
        _route("/", page, "text/html"),
        _route("/favicon.ico", (folder / _ICON).read_bytes(), _KINDS[".svg"]),
        *(_route(f"/static/{name}", (folder / name).read_bytes(), kind) for name, kind in sorted(files) if kind),
    ]


def _preloads(text_of: Callable[[str], str]) -> str:
    """Links to every module that the page begins with."""
    found = [_FIRST_MODULE]
    for name in found:  # which grows
        found += [other for other in _IMPORT.findall(text_of(name)) if other not in found]
    return "\n".join(f'<link rel="modulepreload" href="/static/{name}">' for name in found)


def _route(path: str, content: bytes, kind: str) -> Route:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    return Route(path, partial(_file, content=content, kind=kind, tag=tag))


async def _file(request: Request, content: bytes, kind: str, tag: str) -> Response:
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
