"""What runs inside the Ray of the part `ingress`: the product's routes on a database, and a camera that counts."""

import os
import time
from typing import Any

import psutil
from bench_worker import BenchCamera
from ray import serve

from cluster.camera import live_pictures
from cluster.camera.live_pictures import LivePictures
from cluster.notifications.links import AcknowledgeLinks
from cluster.safety.frames import Frame
from cluster.safety.pictures import PictureProfile
from cluster.settings.notifications import NotificationSettings
from cluster.settings.site import DatabaseSettings, SiteSettings
from cluster.storage.engine import create_engine
from cluster.storage.events import EventStore
from cluster.storage.messages import MessageStore
from cluster.storage.snapshots import open_snapshots
from deployments.ingress.application import create_app
from deployments.ingress.cluster_directory import RayLiveMetrics, ServeCameras, ServeDetector
from deployments.ingress.metrics_hub import RayMetricsPages
from deployments.ingress.services import Services


class BenchCameraCounted(BenchCamera):
    """Keeps which frames somebody wanted to see, and how often one was encoded for it."""

    def __init__(self, camera_id: str, **options: Any) -> None:
        self._wanted: list[tuple[float, int]] = []
        self._encoded: list[float] = []
        encode, encoded = LivePictures.encode, live_pictures._encoded

        def asked(pictures: LivePictures, frame: Frame, profile: PictureProfile) -> Any:
            self._wanted.append((time.monotonic(), frame.sequence))
            return encode(pictures, frame, profile)

        def counted(image: Any, profile: PictureProfile) -> Any:
            self._encoded.append(time.monotonic())
            return encoded(image, profile)

        LivePictures.encode = asked  # type: ignore[method-assign]
        live_pictures._encoded = counted
        super().__init__(camera_id, **options)

    async def encodes_per_frame(self, from_s: float, to_s: float) -> float:
        """Of the frames that somebody wanted to see, all in one profile."""
        wanted = {sequence for moment, sequence in self._wanted if from_s <= moment < to_s}
        return sum(from_s <= moment < to_s for moment in self._encoded) / max(1, len(wanted))


@serve.deployment(name="Ingress", num_replicas=1, max_ongoing_requests=1000, ray_actor_options={"num_cpus": 0})
@serve.ingress()
class BenchIngress:
    """The product's application, sign-in off."""

    def __init__(self, database_url: str, data_dir: str) -> None:
        site = SiteSettings(name="bench", data_dir=data_dir, database=DatabaseSettings(url=database_url))
        engine = create_engine(site)
        unused: Any = None
        services = Services(
            cameras=ServeCameras(),
            detector=ServeDetector(),
            events=EventStore(engine),
            snapshots=open_snapshots(site),
            metrics=RayLiveMetrics(),
            pages=RayMetricsPages(),
            messages=MessageStore(engine),
            notifications=NotificationSettings.model_validate({"nobody_is_told": True}),
            links=AcknowledgeLinks("k" * 32, "http://localhost:8001", 60),
            audit=unused,
        )
        self._starlette = create_app(services, echo_request_id=False, close_engine=engine.dispose)

    def __serve_build_asgi_app__(self) -> Any:
        return self._starlette

    async def rss_mb(self) -> float:
        """Of this replica."""
        return float(psutil.Process(os.getpid()).memory_info().rss) / 1e6


def build_ingress(args: dict[str, Any]) -> Any:
    """Application `ingress` of the bench. args: database_url, data_dir."""
    return BenchIngress.bind(args["database_url"], args["data_dir"])
