"""How the source of a camera is opened, by who made the camera."""

from collections.abc import Callable
from functools import partial

from cluster.camera.source_policy import check_source
from cluster.camera.sources import FrameSource, open_source
from cluster.settings.cameras import Assignment, CameraSettings, managed_of
from cluster.settings.site import ApiCameraSettings, SiteSettings

Opener = Callable[[CameraSettings], FrameSource]


def opener(assignment: Assignment, site: SiteSettings) -> Opener:
    """Of a declared camera as the operator of the machine wrote it; of one that came over the network only what such a
    camera may have, and nothing of this process's environment."""
    return partial(open_checked, site.api_cameras) if managed_of(assignment) == "api" else open_source


def open_checked(allowed: ApiCameraSettings, camera: CameraSettings) -> FrameSource:
    """As `open_source`. Checked again at each opening: a name may mean another address by now, and this may be another
    machine than the one that took the camera's settings. Where its server sends to another address, that one is not
    asked: it was not checked.

    Raises:
        ConfigError: the source is not allowed.
    """
    check_source(camera, allowed, must_resolve=True)
    return open_source(camera, environment={}, redirects=False)
