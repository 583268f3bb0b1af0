"""The routes that change cameras, zones and what operators say over them."""

from starlette.routing import BaseRoute

from deployments.ingress.audited import Audited
from deployments.ingress.camera_editing import CameraEditing
from deployments.ingress.camera_settings_routes import CameraSettingsRoutes
from deployments.ingress.limits import Limits
from deployments.ingress.override_routes import OverrideRoutes
from deployments.ingress.services import Services
from deployments.ingress.zone_routes import ZoneRoutes


def setup_routes(services: Services, audit: Audited, limits: Limits) -> list[BaseRoute]:
    """None of them where there is nothing to change cameras with."""
    if (setup := services.setup) is None:
        return []
    editing = CameraEditing(setup, limits)
    return [
        *CameraSettingsRoutes(editing, setup.trial, audit).router().routes,
        *ZoneRoutes(editing, setup.directory, audit).router().routes,
        *OverrideRoutes(setup, editing, audit, limits).router().routes,
    ]
