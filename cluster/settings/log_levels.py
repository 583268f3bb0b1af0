"""Which log lines are written: changed while everything runs, for one camera too."""

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from cluster.settings.base import Settings

_CAMERA_ID = r"^[a-z0-9][a-z0-9-]{0,31}$"


def _upper(level: Any) -> Any:
    return level.upper() if isinstance(level, str) else level


LogLevel = Annotated[Literal["DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL"], BeforeValidator(_upper)]


class LogSettings(Settings):
    """`logging` under `user_config` of a deployment; that of the CameraSupervisor holds for the cameras as well."""

    level: LogLevel | None = None
    """None: what the node's SAFE_YOLO_LOG_LEVEL says, or INFO."""
    cameras: dict[Annotated[str, StringConstraints(pattern=_CAMERA_ID)], LogLevel] = Field({}, max_length=1000)
    """Cameras with a level of their own, for every line about them."""
    frame_every_s: float = Field(10.0, ge=0, le=3600)
    """A camera's `frame_processed` comes at most so often, besides those with a change in who is in danger."""


def without_logging(user_config: Any) -> tuple[Any, Any]:
    """What stands under `logging`, and the rest. Apart, so that a misspelt level costs neither cameras nor model."""
    if not isinstance(user_config, dict):
        return {}, user_config
    return user_config.get("logging") or {}, {key: value for key, value in user_config.items() if key != "logging"}
