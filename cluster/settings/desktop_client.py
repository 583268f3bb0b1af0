"""`desktop_client` of `configs/site.yaml`: the Windows client that sites have today."""

from pydantic import Field

from cluster.safety.pictures import PictureProfile
from cluster.settings.base import Settings


class DesktopClientSettings(Settings):
    """Served under `/legacy/<token>/`, which its two base addresses begin with (docs/desktop_client.md)."""

    enabled: bool = False
    profile: PictureProfile = PictureProfile.FULL
    """Of the pictures that it gets; its coordinates are pixels of these."""
    fps: float = Field(5.0, ge=0.1, le=30)
    """Frames a second for each of its sockets. It acknowledges nothing, so this bounds what waits for a slow one."""
