"""`configs/site.yaml`: what needs a restart."""

from pathlib import Path
from typing import Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import Field, field_validator, model_validator

from cluster.settings.base import Settings, project_path
from cluster.settings.desktop_client import DesktopClientSettings
from cluster.settings.notifications import HoursSettings, NotificationSettings
from cluster.settings.sign_in import SignInSettings


class DatabaseSettings(Settings):
    """Where records are kept."""

    url: str = "${DATABASE_URL:-}"
    """Any SQLAlchemy spelling of PostgreSQL or SQLite. Empty: SQLite in the data folder."""
    timeout_s: float = Field(5.0, gt=0, le=60)
    """Longest wait for a connection or a statement."""


class SnapshotSettings(Settings):
    """Where pictures of events are kept."""

    url: str = ""
    """`s3://bucket/prefix` or a folder. Empty: `snapshots/` in the data folder."""
    endpoint: str = ""
    """Of an S3-compatible store that is not Amazon's. Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY."""
    region: str = "us-east-1"
    timeout_s: float = Field(5.0, gt=0, le=60)
    jpeg_quality: int = Field(90, ge=30, le=100)


class OutboxSettings(Settings):
    """What a camera keeps on its node's disk until the Recorder has it."""

    max_bytes: int = Field(512 * 1024 * 1024, ge=1024 * 1024)
    """For one camera. When it is full, the oldest INFO goes first, then WARNING, counted and said."""
    reserve_bytes: int = Field(4 * 1024 * 1024, ge=0)
    """Disk that is set aside at the start, and given up when the disk is full, so that a CRITICAL event still fits."""
    retry_max_s: float = Field(5.0, gt=0, le=60)


class ApiCameraSettings(Settings):
    """What cameras that are made through the API may have as their source, besides cameras in the network."""

    folder: str = ""
    """Video files below it, relative to the project's root; on each node that runs cameras. Empty: no files."""
    devices: bool = False
    """Whether usb:N."""


class SiteSettings(Settings):
    """The whole file."""

    name: str = Field(min_length=1, max_length=100)
    time_zone: str = "Asia/Seoul"
    data_dir: Path = Path(".safe-yolo/data")
    """Database, snapshots and outboxes of the embedded defaults; relative to the project's root."""
    database: DatabaseSettings = DatabaseSettings()
    snapshots: SnapshotSettings = SnapshotSettings()
    outbox: OutboxSettings = OutboxSettings()
    sign_in: SignInSettings = SignInSettings()
    api_cameras: ApiCameraSettings = ApiCameraSettings()
    desktop_client: DesktopClientSettings = DesktopClientSettings()
    notifications: NotificationSettings = NotificationSettings()
    operating_hours: HoursSettings = HoursSettings()
    """When somebody is expected to look at the page; outside, the alarm of no open socket is quiet."""
    alertmanager_url: str = Field("", pattern=r"^(https?://[^\s@]+)?$", max_length=300)
    """Whose alarms the page shows, such as http://localhost:9093. Empty: none."""

    @field_validator("data_dir")
    @classmethod
    def _from_the_root(cls, path: Path) -> Path:
        return project_path(path)

    @field_validator("time_zone")
    @classmethod
    def _zone_exists(cls, name: str) -> str:
        try:
            ZoneInfo(name)
        except (ZoneInfoNotFoundError, ValueError) as error:
            raise ValueError(f"unknown time zone {name!r}, use a name such as Asia/Seoul") from error
        return name

    @model_validator(mode="after")
    def _desktop_client_has_a_token(self) -> Self:
        if self.desktop_client.enabled and not self.sign_in.enabled:
            raise ValueError("desktop_client.enabled: needs sign_in.enabled, since its address carries a token")
        return self
