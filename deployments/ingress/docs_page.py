"""`/api/v1/docs`: a page to try the API, from the files of the installed package, so that no other host is asked."""

import hashlib
import importlib.util
from functools import partial
from pathlib import Path
from typing import Final

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

DOCS: Final = "/api/v1/docs"
_FILES: Final = {"swagger-ui-bundle.js": "text/javascript", "swagger-ui.css": "text/css"}
_PAGE: Final = f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>SAFE-YOLO API</title>
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<link rel="stylesheet" href="{DOCS}/swagger-ui.css">
</head>
<body>
<main id="api"></main>
<script src="{DOCS}/swagger-ui-bundle.js"></script>
<script src="{DOCS}/start.js"></script>
</body>
</html>
"""
_START: Final = """\
// The session's cookie goes with every request; what changes something needs its word against cross-site requests too.
let csrf = "";

async function session() {
  const answer = await fetch("/api/v1/session", { credentials: "same-origin" });
  if (answer.ok) csrf = (await answer.json()).csrf || "";
}

SwaggerUIBundle({
  url: "/api/v1/openapi.json",
  dom_id: "#api",
  deepLinking: true,
  validatorUrl: null,
  requestInterceptor: async (request) => {
    if (request.loadSpec || ["GET", "HEAD"].includes(request.method)) return request;
    await session();
    if (csrf) request.headers["X-CSRF-Token"] = csrf;
    return request;
  },
});
"""


def docs_routes() -> list[BaseRoute]:
    """Reads the files, so call it once at the start and not on the event loop."""
    folder = _swagger_folder()
    return [
        _route(DOCS, _PAGE.encode(), "text/html"),
        _route(f"{DOCS}/start.js", _START.encode(), "text/javascript"),
        *(_route(f"{DOCS}/{name}", (folder / name).read_bytes(), kind) for name, kind in _FILES.items()),
    ]


def _swagger_folder() -> Path:
    """Found without importing the package, whose module wants more than its files."""
    spec = importlib.util.find_spec("swagger_ui_bundle")
    if spec is None or spec.origin is None:
        raise RuntimeError("the package swagger-ui-bundle is not installed; run `make setup`")
    return max((Path(spec.origin).parent / "vendor").glob("swagger-ui-*"))


def _route(path: str, content: bytes, kind: str) -> Route:
    return Route(path, partial(_file, content=content, kind=kind))


async def _file(request: Request, content: bytes, kind: str) -> Response:
    tag = f'"{hashlib.sha256(content).hexdigest()[:16]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, media_type=kind, headers=headers)
