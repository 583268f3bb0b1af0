"""What serve_config.yaml declares: the last configuration that could be taken, and what is wrong with a newer one."""

from typing import Any

import structlog

from cluster.safety.errors import ConfigError
from cluster.settings.cameras import CameraSettings, CamerasSettings
from cluster.settings.load import parse
from cluster.settings.log_levels import LogSettings
from cluster.telemetry.logs import take_logging
from deployments.cameras.desired import Desired, declared

_FILE = "serve_config.yaml"
_log = structlog.get_logger()


class Declaration:
    """`is_taken`: until a first one was, a camera that runs may well be one that should."""

    def __init__(self) -> None:
        self.cameras: dict[str, Desired] = {}
        self.logging = LogSettings()
        self.actor_cpus = CamerasSettings().actor_cpus
        self.is_taken = False
        self._fault = self._logging_fault = ""

    def take(self, user_config: dict[str, Any]) -> None:
        """Takes a new configuration, or refuses it and says so; never raises."""
        logging, rest, self._logging_fault = take_logging(user_config, _FILE)
        self.logging = logging or self.logging
        try:
            settings = parse(CamerasSettings, rest, where=_FILE, prefix="user_config")
        except ConfigError as error:
            self._fault = str(error)
            _log.error("cameras_config_refused", reason=str(error))
        else:
            self._fault, self.is_taken = "", True
            self.cameras = {camera.camera_id: declared(camera) for camera in settings.cameras}
            self.actor_cpus = settings.actor_cpus
            _log.info("cameras_config_taken", cameras=len(self.cameras))

    def faults(self) -> list[str]:
        """One line each."""
        return [fault for fault in (self._fault, self._logging_fault) if fault]

    def camera(self, camera_id: str) -> tuple[CameraSettings, int] | None:
        """Settings and revision of a camera that is declared; None: it is not. RuntimeError while that is not known:
        nobody must change then what may be declared."""
        if not self.is_taken:
            raise RuntimeError("no configuration was taken yet")
        one = self.cameras.get(camera_id)
        return None if one is None else (one.settings, one.revision)
