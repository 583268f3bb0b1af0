"""`/api/v1/cameras`: who there is, pictures on demand, MJPEG, and the live socket."""

from collections.abc import Sequence
from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.websockets import WebSocket

from cluster.safety.pictures import PictureProfile
from cluster.safety.status import CameraReport
from deployments.ingress.access import principal_of
from deployments.ingress.answers import CameraPage, CameraReportAnswer
from deployments.ingress.blindness import is_blind
from deployments.ingress.documented import BYTES, Documented, documented
from deployments.ingress.documents import camera_document, instant
from deployments.ingress.live import Live
from deployments.ingress.live_view import LiveView
from deployments.ingress.mjpeg import MjpegResponse
from deployments.ingress.problems import Problem
from deployments.ingress.queries import between, camera_id, checked_path_id, profile, rate, read_query
from deployments.ingress.services import CameraDirectory, Unreachable
from deployments.ingress.sockets import UNKNOWN_CAMERA, CloseSocket, hold
from deployments.ingress.welcome import Options, welcome

_NO_STORE = {"Cache-Control": "no-store"}
_ONE_PICTURE_FPS = 10.0
_SOCKET_FPS = 10.0
_MOST_OF_A_PAGE = 500
_PAGE = {"limit": between(1, _MOST_OF_A_PAGE), "cursor": camera_id}
_LIST = Documented("cameras", "Cameras", CameraPage, query=("cameras_limit", "cameras_cursor"), refusals=(400, 503))
_ONE = Documented("cameras", "One camera", CameraReportAnswer, refusals=(400, 404, 503))
_FRAME = Documented(
    "cameras", "The newest frame", media={"image/jpeg": BYTES}, query=("profile",), refusals=(400, 404, 503)
)
_MJPEG = Documented(
    "cameras", "Frames, one after the other", media={"multipart/x-mixed-replace": BYTES}, query=("profile",),
    refusals=(400, 404, 503),
)  # fmt: skip
_LIVE_OPTIONS = {"profile": profile, "fps": rate}


class CameraRoutes:
    """Reports come from the supervisor, pictures from the camera's own actor through the pullers."""

    def __init__(self, cameras: CameraDirectory, live: Live) -> None:
        self._cameras, self._live = cameras, live

    def routes(self) -> list[BaseRoute]:
        return [
            documented("/api/v1/cameras", self.cameras, _LIST),
            documented("/api/v1/cameras/{camera_id}", self.camera, _ONE),
            documented("/api/v1/cameras/{camera_id}/frame.jpg", self.frame, _FRAME),
            documented("/api/v1/cameras/{camera_id}/mjpeg", self.mjpeg, _MJPEG),
            WebSocketRoute("/api/v1/cameras/{camera_id}/live", self.live),
        ]

    async def cameras(self, request: Request) -> Response:
        """Those that may be seen, in the order of the configuration; with `limit` or `cursor` a page of them, by id."""
        query = read_query(request, _PAGE)
        principal = principal_of(request)
        reports = [report for report in await self._cameras.reports() if principal.sees(report.camera_id)]
        shown, following = (_page(reports, **query)) if query else (reports, None)
        document = {"cameras": [camera_document(report) for report in shown], "next_cursor": following}
        return JSONResponse(document, headers=_NO_STORE)

    async def camera(self, request: Request) -> Response:
        """What it is worth at this moment; its settings are another document."""
        read_query(request, {})
        report = await self._cameras.report(checked_path_id(request, "camera_id", camera_id, "camera"))
        if report is None:
            raise _unknown(request)
        return JSONResponse(camera_document(report), headers=_NO_STORE)

    async def frame(self, request: Request) -> Response:
        """The newest frame, or 503 with the status and why: never an old frame."""
        wanted = read_query(request, {"profile": profile}).get("profile", PictureProfile.FULL)
        name = await self._known(request)
        async with self._live.pullers.watch(name, wanted, _ONE_PICTURE_FPS) as puller:
            shown = await puller.newer_than(0, self._live.limits.first_picture_s)
        if shown is None:
            raise Problem(503, f"camera {name}: no picture within {self._live.limits.first_picture_s:g} s")
        picture = shown.picture
        if is_blind(picture):
            status = picture.status.value
            raise Problem(503, f"camera {name} is {status}: {picture.reason}", status_of=status, reason=picture.reason)
        headers = {"X-Frame-Time": instant(picture.captured_at) or "", "X-Frame-Sequence": str(picture.sequence)}
        return Response(picture.jpeg, media_type="image/jpeg", headers=_NO_STORE | headers)

    async def mjpeg(self, request: Request) -> Response:
        """A blind camera is a card that says so. Ends after five minutes; ask again."""
        wanted = read_query(request, {"profile": profile}).get("profile", PictureProfile.WALL)
        name = await self._known(request)
        return MjpegResponse(name, wanted, self._live)

    async def live(self, websocket: WebSocket) -> None:
        """A binary message a frame, see `documents.frame_message`; `{"ack": sequence}` comes back for each."""
        await welcome(websocket, self._live, _LIVE_OPTIONS, partial(self._show, websocket))

    async def _show(self, websocket: WebSocket, options: Options) -> None:
        name = str(websocket.path_params["camera_id"])
        if not await self._may_exist(name):
            raise CloseSocket(UNKNOWN_CAMERA, f"there is no camera {name[:60]!r}")
        live = self._live
        fps, wanted = options.get("fps", _SOCKET_FPS), options.get("profile", PictureProfile.WALL)
        async with live.pullers.watch(name, wanted, fps) as puller:
            view = LiveView(websocket, puller, fps, live.limits, live.metrics)
            await hold(websocket, live.stopping, live.limits, view.send(), view.receive())

    async def _known(self, request: Request) -> str:
        name = checked_path_id(request, "camera_id", camera_id, "camera")
        if not await self._may_exist(name):
            raise _unknown(request)
        return name

    async def _may_exist(self, name: str) -> bool:
        """Without the supervisor nobody knows; the video goes on then, and the camera's actor decides."""
        try:
            camera_id(name)
            report: CameraReport | None = await self._cameras.report(name)
        except ValueError:
            return False
        except Unreachable:
            return True
        return report is not None


def _page(
    reports: Sequence[CameraReport], limit: int = _MOST_OF_A_PAGE, cursor: str = ""
) -> tuple[list[CameraReport], str | None]:
    """Those behind the camera `cursor`, and the cursor of the next page; None: this is the last."""
    behind = sorted((one for one in reports if one.camera_id > cursor), key=lambda one: one.camera_id)
    return behind[:limit], behind[limit - 1].camera_id if len(behind) > limit else None


def _unknown(request: Request) -> Problem:
    return Problem(404, f"there is no camera {str(request.path_params['camera_id'])[:80]!r}")
