"""The real Prometheus, Alertmanager and blackbox exporter on the shipped configuration, and who is told by them.

Changed for a test is only where things are and how often they are looked at; rules, routes and texts are as shipped.
"""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import yaml
from counterparts.message_receiver import MessageReceiver
from counterparts.missing import missing_counterpart
from counterparts.waiting import wait_for

from cluster.operation.ports import free_port
from cluster.settings.base import PROJECT_ROOT

REGION = "ap-northeast-2"
PHONE = "+821012345678"
_CONFIGS = PROJECT_ROOT / "configs"
_HOOK = "/services/alarms"
_END_S = 10.0


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds between scrapes (and evaluations), and how long Alertmanager gathers what belongs together."""

    every_s: float = 1.0
    group_wait_s: float = 0.2
    group_interval_s: float = 1.0


class AlarmSystem:
    """`open_alarm_system` starts one."""

    def __init__(self, folder: Path, page: str, ray_targets: Path | None, pace: Pace) -> None:
        self.folder, self._page, self._ray_targets, self._pace = folder, page, ray_targets, pace
        self.slack = MessageReceiver()
        self.sms = SmsReceiver()
        self._ports = {name: free_port() for name in ("prometheus", "alertmanager", "blackbox")}

    def start(self, stack: ExitStack) -> None:
        stack.callback(self.sms.stop)
        stack.callback(self.slack.stop)
        self._write_prometheus()
        self._write_alertmanager()
        stack.enter_context(self._program("prometheus-blackbox-exporter", "blackbox", "prometheus/blackbox.yml"))
        stack.enter_context(
            self._program("prometheus-alertmanager", "alertmanager", "alertmanager/alertmanager.yml",
                          f"--storage.path={self.folder}/alerts", "--cluster.listen-address=")
        )  # fmt: skip
        stack.enter_context(
            self._program("prometheus", "prometheus", "prometheus/prometheus.yml",
                          f"--storage.tsdb.path={self.folder}/series", "--log.level=warn")
        )  # fmt: skip
        for name in ("alertmanager", "prometheus"):
            wait_for(
                f"{name} is ready", lambda name=name: self._is_ready(name), instead=lambda name=name: self.said(name)
            )

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The instant vector now."""
        url = f"{self._address('prometheus')}/api/v1/query"
        answer = httpx.get(url, params={"query": expression}, timeout=15, trust_env=False).json()
        assert answer["status"] == "success", f"{expression}: {answer}"
        return list(answer["data"]["result"])

    def firing(self) -> set[str]:
        """Names of the alarms that Prometheus has firing, without the one that always is."""
        alerts = httpx.get(f"{self._address('prometheus')}/api/v1/alerts", timeout=15, trust_env=False).json()
        names = {alert["labels"]["alertname"] for alert in alerts["data"]["alerts"] if alert["state"] == "firing"}
        return names - {"Watchdog"}

    def tell_alertmanager(self, *labels: dict[str, str], over: bool = False) -> None:
        """Alarms as Prometheus would send them; their text is their name and what they are of. `over`: they end."""
        ends_at = (datetime.now(UTC) + timedelta(minutes=0 if over else 5)).isoformat()
        alerts = [{"labels": one, "annotations": _texts(one), "endsAt": ends_at} for one in labels]
        url = f"{self._address('alertmanager')}/api/v2/alerts"
        httpx.post(url, json=alerts, timeout=15, trust_env=False).raise_for_status()

    def silenced(self, camera_id: str) -> bool:
        """Whether another alarm keeps Alertmanager from telling that of `camera_id`."""
        url = f"{self._address('alertmanager')}/api/v2/alerts"
        alerts = httpx.get(url, params={"filter": f'camera_id="{camera_id}"'}, timeout=15, trust_env=False).json()
        return any(alert["status"]["inhibitedBy"] for alert in alerts)

    def posts(self, text: str = "") -> list[str]:
        """What Slack was told, oldest first: title and text of each message that holds `text`."""
        found = [post.body()["attachments"][0] for post in self.slack.taken(_HOOK)]
        return [line for one in found if text in (line := f"{one['title']}\n{one['text']}")]

    def targets(self) -> dict[str, str]:
        """Health of each scrape by its job."""
        answer = httpx.get(f"{self._address('prometheus')}/api/v1/targets", timeout=15, trust_env=False).json()
        return {target["labels"]["job"]: target["health"] for target in answer["data"]["activeTargets"]}

    def declared(self) -> set[str]:
        """Names of the metrics that some scraped page declares, with or without a value."""
        answer = httpx.get(f"{self._address('prometheus')}/api/v1/metadata", timeout=15, trust_env=False).json()
        return set(answer["data"])

    def said(self, name: str) -> str:
        """The end of what a program wrote."""
        file = self.folder / f"{name}.log"
        return file.read_text(errors="replace")[-2000:] if file.exists() else ""

    def _is_ready(self, name: str) -> bool:
        try:
            return httpx.get(f"{self._address(name)}/-/ready", timeout=5, trust_env=False).status_code == 200
        except httpx.HTTPError:
            return False

    def _address(self, name: str) -> str:
        return f"http://127.0.0.1:{self._ports[name]}"

    def _program(self, program: str, name: str, config: str, *options: str) -> AbstractContextManager[None]:
        listen = f"--web.listen-address=127.0.0.1:{self._ports[name]}"
        line = [program, f"--config.file={self.folder / config}", listen, *options]
        return running(line, self.folder / f"{name}.log")

    def _write_prometheus(self) -> None:
        folder = self.folder / "prometheus"
        shutil.copytree(_CONFIGS / "prometheus", folder, ignore=shutil.ignore_patterns("secrets", "ray"))
        document = yaml.safe_load((folder / "prometheus.yml").read_text())
        every = f"{round(1000 * self._pace.every_s)}ms"
        document["global"].update(scrape_interval=every, scrape_timeout=every, evaluation_interval=every)
        jobs = {job["job_name"]: job for job in document["scrape_configs"]}
        for job, target in self._targets().items():
            jobs[job]["static_configs"] = [{"targets": [target]}]
        jobs["health"]["relabel_configs"][-1]["replacement"] = self._address("blackbox").removeprefix("http://")
        del jobs["ray"]["http_sd_configs"]
        jobs["ray"]["file_sd_configs"] = [{"files": [str(self._ray_targets or "none.json")], "refresh_interval": "2s"}]
        alertmanager = self._address("alertmanager").removeprefix("http://")
        document["alerting"]["alertmanagers"] = [{"static_configs": [{"targets": [alertmanager]}]}]
        (folder / "prometheus.yml").write_text(yaml.safe_dump(document))

    def _targets(self) -> dict[str, str]:
        own = {name: self._address(name).removeprefix("http://") for name in ("prometheus", "alertmanager")}
        return {"safe-yolo": self._page.removeprefix("http://"), "health": f"{self._page}/health", **own}

    def _write_alertmanager(self) -> None:
        folder = self.folder / "alertmanager"
        shutil.copytree(_CONFIGS / "alertmanager", folder, ignore=shutil.ignore_patterns("secrets"))
        (folder / "secrets").mkdir()
        (folder / "secrets/slack_webhook_url").write_text(f"{self.slack.url}{_HOOK}\n")
        (folder / "secrets/phone.tmpl").write_text(f'{{{{ define "safe_yolo.phone" }}}}{PHONE}{{{{ end }}}}')
        (self.folder / "aws_credentials").write_text(
            "[default]\naws_access_key_id = testing\naws_secret_access_key = testing\n"
        )
        document = yaml.safe_load((folder / "alertmanager.yml").read_text())
        document["global"]["slack_api_url_file"] = str(folder / "secrets/slack_webhook_url")
        for route in (document["route"], *document["route"]["routes"]):
            route["group_wait"] = f"{round(1000 * self._pace.group_wait_s)}ms"
            route["group_interval"] = f"{round(1000 * self._pace.group_interval_s)}ms"
        for receiver in document["receivers"]:
            for sns in receiver.get("sns_configs", []):
                sns["api_url"] = self.sms.endpoint
        (folder / "alertmanager.yml").write_text(yaml.safe_dump(document))


@contextmanager
def running(line: list[str], log: Path) -> Iterator[None]:
    """The program of `line` in the folder of `log`, to which it writes; ended by its process id."""
    environment = {"PATH": "/usr/bin:/bin", "AWS_SHARED_CREDENTIALS_FILE": str(log.parent / "aws_credentials")}
    with log.open("wb") as file:
        try:
            process = subprocess.Popen(line, stdout=file, stderr=file, env=environment, cwd=log.parent)
        except FileNotFoundError as error:
            missing_counterpart(line[0], error)
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(_END_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(_END_S)


def _texts(labels: dict[str, str]) -> dict[str, str]:
    of = labels.get("camera_id") or labels.get("ip") or labels.get("answers", "")
    return {"summary": f"{labels['alertname']} {of}", "description": f"{labels['alertname']} {of}"}


class SmsReceiver:
    """`moto`'s SNS in this process."""

    def __init__(self) -> None:
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
        self._server.start()
        self._before = len(self._all())

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._server.get_host_and_port()[1]}"

    def messages(self) -> list[tuple[str, str]]:
        """(phone number, text) of what was sent since this was started."""
        return self._all()[self._before :]

    def stop(self) -> None:
        self._server.stop()

    @staticmethod
    def _all() -> list[tuple[str, str]]:
        from moto.core import DEFAULT_ACCOUNT_ID
        from moto.sns.models import sns_backends

        return list(sns_backends[DEFAULT_ACCOUNT_ID][REGION].sms_messages.values())


@contextmanager
def open_alarm_system(
    folder: Path, page: str, ray_targets: Path | None = None, pace: Pace | None = None
) -> Iterator[AlarmSystem]:
    """Watches the site at `page` ("http://127.0.0.1:8001") and the nodes in Ray's `ray_targets` file."""
    system = AlarmSystem(folder, page, ray_targets, pace or Pace())
    with ExitStack() as stack:
        system.start(stack)
        yield system
