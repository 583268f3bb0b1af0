"""The web page: files that are read once at the start and answered from memory."""

import hashlib
from functools import partial
from importlib import resources

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

_FILES = {
    "/": ("index.html", "text/html"),
    "/static/app.js": ("app.js", "text/javascript"),
    "/static/words.js": ("words.js", "text/javascript"),
    "/static/live.js": ("live.js", "text/javascript"),
    "/static/wall.js": ("wall.js", "text/javascript"),
    "/static/acknowledge.js": ("acknowledge.js", "text/javascript"),
    "/static/viewer.js": ("viewer.js", "text/javascript"),
    "/static/events.js": ("events.js", "text/javascript"),
    "/static/style.css": ("style.css", "text/css"),
    "/favicon.ico": ("icon.svg", "image/svg+xml"),
}


def page_routes() -> list[Route]:
    """Routes of the page; reads the files, so call it once at the start and not on the event loop."""
    folder = resources.files("deployments.ingress") / "static"
    return [
        Route(path, partial(_file, content=(folder / name).read_bytes(), kind=kind))
        for path, (name, kind) in _FILES.items()
    ]


async def _file(request: Request, content: bytes, kind: str) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
