"""Cameras and their zones: `user_config` of the CameraSupervisor."""

import re
from enum import StrEnum
from typing import Any, Literal, Self

from pydantic import Field, ValidationInfo, field_validator, model_validator

from cluster.safety.geometry import Polygon, polygon_fault
from cluster.safety.redaction import has_literal_secret, redact
from cluster.safety.zones import Zone, ZoneKind
from cluster.settings.base import Settings
from cluster.settings.log_levels import LogSettings

CAMERA_ID = r"^[a-z0-9][a-z0-9-]{0,31}$"

LOOKS_BEFORE_DEGRADED = 2
"""So many looks must fit into `degraded_after_s`."""
STORED = "stored"
"""Key of a validation context: the settings were accepted once. A camera that swings is better than none."""

_USB = re.compile(r"^(usb:\d+|/dev/video\d+)$")


class SourceKind(StrEnum):
    """How a source is opened; follows from its address."""

    RTSP = "rtsp"
    HTTP = "http"
    FILE = "file"
    USB = "usb"

    @classmethod
    def of(cls, address: str) -> "SourceKind":
        """The kind of `address`.

        Raises:
            ValueError: the scheme is none that can be opened.
        """
        scheme, separator, _ = address.partition("://")
        if not separator:
            return cls.USB if _USB.match(address) else cls.FILE
        kinds = {"rtsp": cls.RTSP, "rtsps": cls.RTSP, "http": cls.HTTP, "https": cls.HTTP, "file": cls.FILE}
        if scheme.lower() not in kinds:
            raise ValueError(f"scheme {scheme!r} cannot be opened, use rtsp, rtsps, http, https, a file or usb:N")
        return kinds[scheme.lower()]


class PictureHealthSettings(Settings):
    """When a picture that still comes shows nothing."""

    frozen_after_s: float = Field(10.0, ge=1, le=600)
    """The same pixels for so long are a frozen picture; sensor noise alone prevents it."""
    covered_after_s: float = Field(5.0, ge=0.5, le=600)
    """A dark or uniform picture for so long is a covered lens."""
    recover_after_s: float = Field(2.0, ge=0, le=60)
    """A good picture must last so long before the camera is believed again."""
    dark_below: float = Field(12.0, ge=0, le=255)
    """Mean brightness (0..255) under which a picture is black."""
    flat_below: float = Field(4.0, ge=0, le=128)
    """Standard deviation of brightness under which a picture shows nothing."""


class CameraSettings(Settings):
    """One camera."""

    camera_id: str = Field(pattern=CAMERA_ID)
    name: str = Field("", max_length=100)
    source: str = Field(min_length=1, max_length=2048)
    """rtsp://, http:// (MJPEG or HLS), a file, or usb:N. Passwords as `${NAME}`, expanded where it is opened."""
    transport: Literal["tcp", "udp"] = "tcp"
    loop: bool = False
    """Files only: begin again at the end."""
    enabled: bool = True
    detect: bool = True
    """False: frames stream, nothing is detected, and the status says DEGRADED."""
    detect_fps: float = Field(5.0, gt=0, le=60)
    """At most so many frames a second go to the detector."""
    motion_gate: bool = True
    """While nothing moves only one frame a second goes to the detector."""
    node: str = Field("", pattern=r"^[A-Za-z0-9._-]{0,63}$")
    """The node (its Ray label `safe-yolo/node`) that this camera must run on; a USB camera hangs on one."""
    max_frame_age_s: float = Field(2.0, gt=0, le=60)
    """A frame older than this is dropped instead of being looked at."""
    detector_deadline_s: float = Field(2.0, gt=0, le=60)
    """A call to the detector that takes longer counts as failed."""
    degraded_after_s: float = Field(5.0, gt=0, le=600)
    """No answer from the detector for so long is DEGRADED."""
    open_timeout_s: float = Field(8.0, ge=1, le=120)
    read_timeout_s: float = Field(5.0, ge=1, le=120)
    unmonitored_after_s: float = Field(5.0, ge=1, le=120)
    """No new frame for so long is UNMONITORED."""
    max_backoff_s: float = Field(5.0, ge=1, le=600)
    """Longest pause between two attempts to connect (a refused password waits longer)."""
    unauthorized_backoff_s: float = Field(60.0, ge=10, le=3600)
    """Pause after a refused password: many cameras lock the account after a few failures."""
    fallen: bool = True
    """Tell PERSON_FALLEN, if the model knows the class."""
    picture_health: PictureHealthSettings = PictureHealthSettings()
    zones: tuple[Zone, ...] = Field((), max_length=64)
    privacy_masks: tuple[Polygon, ...] = Field((), max_length=32)
    """Polygons that are painted black before anything is encoded, stored or detected."""

    @field_validator("source")
    @classmethod
    def _source_can_be_opened(cls, source: str) -> str:
        SourceKind.of(source)
        return source

    @field_validator("privacy_masks")
    @classmethod
    def _masks_are_polygons(cls, masks: tuple[Polygon, ...]) -> tuple[Polygon, ...]:
        for index, mask in enumerate(masks):
            if fault := polygon_fault(mask):
                raise ValueError(f"mask {index}: {fault}")
        return masks

    @model_validator(mode="after")
    def _zone_ids_are_unique(self) -> Self:
        if twice := _duplicates([zone.zone_id for zone in self.zones]):
            raise ValueError(f"zones: zone_id {twice!r} stands twice")
        return self

    @model_validator(mode="after")
    def _looks_often_enough(self, info: ValidationInfo) -> Self:
        """One look that fails, or comes a little late, must not be a detector that does not answer."""
        least_s = LOOKS_BEFORE_DEGRADED / self.detect_fps
        if self.degraded_after_s < least_s and not (info.context or {}).get(STORED):
            raise ValueError(
                f"degraded_after_s = {self.degraded_after_s:g}: too short for detect_fps = {self.detect_fps:g}, the "
                f"camera would be DEGRADED between two looks; write {least_s:.4g} or more, or raise detect_fps"
            )
        return self

    @property
    def kind(self) -> SourceKind:
        return SourceKind.of(self.source)

    @property
    def public_source(self) -> str:
        """The address as anybody may see it."""
        return redact(self.source)

    @property
    def has_danger_zone(self) -> bool:
        return any(zone.kind is ZoneKind.DANGER for zone in self.zones)


def _no_written_password(camera: CameraSettings) -> CameraSettings:
    """user_config is shown by the Ray dashboard and lies in Git: a password in it is public."""
    if has_literal_secret(camera.source):
        raise ValueError(
            f"camera {camera.camera_id}: source: holds a written-out password; "
            "write ${NAME} and set NAME in the environment"
        )
    return camera


class CamerasSettings(Settings):
    """What stands under `user_config` of the CameraSupervisor."""

    cameras: tuple[CameraSettings, ...] = Field((), max_length=1000)
    actor_cpus: float = Field(0.1, ge=0, le=8)
    """What each camera's actor reserves of its node; read when the supervisor starts."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        for camera in self.cameras:
            _no_written_password(camera)
        if twice := _duplicates([camera.camera_id for camera in self.cameras]):
            raise ValueError(f"cameras: camera_id {twice!r} stands twice")
        return self


class Assignment(Settings):
    """What a camera actor gets from the supervisor: what to do, under which lease.

    `revision` identifies the content of `camera`, `epoch` grows with every new owner of the lease.
    `release`: the code that the supervisor runs. `open_episodes`: what an owner on another node has left open
    (`SavedEpisode.to_dict`), for a camera whose own disk knows nothing of them; `open_known`: these are all that the
    database shows open, so that what was told and is not among them has ended. `switched_off`: who switched
    detection off, why and until when, in one redacted line. `logging`: `level` is this camera's own. `managed`: `api`
    for a camera that was made through the API, whose source is not trusted as that of a declared one is.
    """

    camera: CameraSettings
    revision: int = Field(ge=0)
    epoch: int = Field(ge=1)
    release: str = ""
    open_episodes: tuple[dict[str, Any], ...] = ()
    open_known: bool = False
    switched_off: str = ""
    logging: LogSettings = LogSettings()
    managed: str = "config"


def managed_of(assignment: Assignment) -> str:
    """`config` or `api`. A supervisor of an older release, while the next one rolls out, does not say it."""
    return getattr(assignment, "managed", "config")


def logging_of(assignment: Assignment) -> LogSettings:
    """What to log. A supervisor of an older release, while the next one rolls out, says nothing about it."""
    return getattr(assignment, "logging", LogSettings())


def _duplicates(names: list[str]) -> str | None:
    return next((name for index, name in enumerate(names) if name in names[:index]), None)
