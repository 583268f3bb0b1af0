"""Cameras over the API onto a real database, and a real source tried by a real process."""

from collections.abc import AsyncIterator
from pathlib import Path

import cv2
import httpx
import numpy as np
import pytest
from counterparts.changed_cameras import FakeSetupDirectory
from fastapi import FastAPI
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine

from cluster.accounts.audit import LoggedAudit
from cluster.settings.cameras import CameraSettings
from cluster.settings.site import ApiCameraSettings
from cluster.storage.cameras import CameraStore
from cluster.storage.messages import MessageStore
from cluster.storage.overrides import OverrideStore
from cluster.storage.sealing import Seal
from deployments.ingress.audited import Audited
from deployments.ingress.camera_editing import CameraEditing
from deployments.ingress.camera_settings_routes import CameraSettingsRoutes
from deployments.ingress.camera_setup import CameraSetup
from deployments.ingress.limits import Limits
from deployments.ingress.override_routes import OverrideRoutes
from deployments.ingress.problems import EXCEPTION_HANDLERS
from deployments.ingress.sign_in import SignIn
from deployments.ingress.source_trial import SourceTrial
from deployments.ingress.zone_routes import ZoneRoutes

pytestmark = pytest.mark.anyio
SEAL = Seal(b"k" * 32)
LEFT = [[0.0, 0.0], [0.5, 0.0], [0.5, 1.0]]
PUMP = {"camera_id": "pump-1", "source": "rtsp://me:Geheim1@10.0.0.9/1"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With a clip of one second."""
    (tmp_path / "videos").mkdir()
    writer = cv2.VideoWriter(str(tmp_path / "videos" / "clip.mp4"), cv2.VideoWriter.fourcc(*"mp4v"), 10, (64, 48))
    for level in range(10):
        writer.write(np.full((48, 64, 3), 20 * level, np.uint8))
    writer.release()
    return tmp_path / "videos"


@pytest.fixture
async def api(engine: AsyncEngine, folder: Path) -> AsyncIterator[httpx.AsyncClient]:
    sources, directory, audit = ApiCameraSettings(folder=str(folder)), FakeSetupDirectory(), Audited(LoggedAudit(), 5.0)
    words, quiet = OverrideStore(engine), MessageStore(engine)
    setup = CameraSetup(CameraStore(engine, SEAL), words, quiet, directory, SourceTrial(sources), sources)
    editing = CameraEditing(setup, Limits())
    routers = [
        CameraSettingsRoutes(editing, setup.trial, audit).router(),
        ZoneRoutes(editing, directory, audit).router(),
        OverrideRoutes(setup, editing, audit, Limits()).router(),
    ]
    app = FastAPI(exception_handlers=EXCEPTION_HANDLERS)
    for router in routers:
        app.include_router(router)
    async with httpx.AsyncClient(
        transport=httpx.ASGITransport(SignIn(app, None)), base_url="http://localhost"
    ) as client:
        yield client


async def test_a_camera_and_its_zones_go_into_the_database_and_out_of_it(
    api: httpx.AsyncClient, engine: AsyncEngine
) -> None:
    made = await api.post("/api/v1/cameras", json=PUMP)
    drawn = await api.post(
        "/api/v1/cameras/pump-1/zones", json={"polygon": LEFT}, headers={"If-Match": made.headers["etag"]}
    )
    late = await api.patch("/api/v1/cameras/pump-1", json={"name": "x"}, headers={"If-Match": made.headers["etag"]})
    named = await api.patch(
        "/api/v1/cameras/pump-1",
        json={"name": "Pump", "source": made.json()["camera"]["source"]},
        headers={"If-Match": drawn.headers["etag"]},
    )

    assert [one.status_code for one in (made, drawn, late, named)] == [201, 201, 412, 200]
    stored = await CameraStore(engine, SEAL).get("pump-1")
    assert stored is not None
    assert (stored.revision, stored.settings.name, stored.settings.source) == (3, "Pump", PUMP["source"])
    assert [zone.zone_id for zone in stored.settings.zones] == ["zone-1"]
    async with engine.connect() as connection:
        row = (await connection.execute(text("SELECT settings FROM cameras"))).scalar_one()
    assert "Geheim1" not in str(row)

    gone = await api.delete("/api/v1/cameras/pump-1", headers={"If-Match": '"3"'})
    again = await api.post("/api/v1/cameras", json=PUMP)
    assert (gone.status_code, again.status_code, again.headers["etag"]) == (204, 201, '"5"')


async def test_words_of_operators_go_into_the_database_and_out_of_it(api: httpx.AsyncClient) -> None:
    said = await api.put("/api/v1/cameras/gate-1/overrides/detect", json={"value": False, "reason": "정비"})
    shown = await api.get("/api/v1/cameras/gate-1/overrides")
    taken_back = await api.delete("/api/v1/cameras/gate-1/overrides/detect")

    assert (said.status_code, taken_back.status_code) == (200, 204)
    assert shown.json()["effective"]["detect"]["reason"] == "정비"
    assert (await api.get("/api/v1/cameras/gate-1/overrides")).json()["effective"] == {}


async def test_a_source_is_opened_by_a_process_that_says_what_comes(folder: Path) -> None:
    trial = SourceTrial(ApiCameraSettings(folder=str(folder)))

    found = await trial(CameraSettings(camera_id="test", source=str(folder / "clip.mp4")))
    nothing = await trial(CameraSettings(camera_id="test", source=str(folder / "missing.mp4")))

    assert (found["ok"], found["width"], found["height"], found["fps"]) == (True, 64, 48, 10.0)
    assert (nothing["ok"], nothing["code"]) == (False, "not_found")
