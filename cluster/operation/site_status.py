"""`status`: cameras, replicas and nodes of the site that runs, as values and as tables."""

from dataclasses import asdict, dataclass, field
from typing import Any, Protocol

from rich.console import Group
from rich.table import Table
from rich.text import Text

from cluster.operation.rollout import Applications, Site
from cluster.safety.errors import SiteUnhealthy
from cluster.safety.redaction import redact
from cluster.safety.status import CameraStatus

_COLOURS = {
    CameraStatus.MONITORED: "green",
    CameraStatus.DISABLED: "dim",
    CameraStatus.CONNECTING: "yellow",
    CameraStatus.DEGRADED: "yellow",
    CameraStatus.UNMONITORED: "bold red",
}
_GIB = 1024**3


class Cluster(Applications, Protocol):
    def nodes(self) -> list[dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class SiteStatus:
    """What was found. `problems` has a line for each thing that is not well; empty: all is."""

    page: str
    dashboard: str
    health: str
    cameras: list[dict[str, Any]] = field(default_factory=list)
    deployments: list[dict[str, Any]] = field(default_factory=list)
    nodes: list[dict[str, Any]] = field(default_factory=list)
    problems: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_status(page: str, dashboard: str, site: Site, cluster: Cluster) -> SiteStatus:
    """Ask both; a part that does not answer becomes a problem, and the rest is still told."""
    problems: list[str] = []
    health, cameras = "down", list[dict[str, Any]]()
    try:
        health = str(site.health().get("status", "down"))
        cameras = site.cameras()
    except SiteUnhealthy as error:
        problems.append(str(error))
    deployments, nodes = list[dict[str, Any]](), list[dict[str, Any]]()
    try:
        deployments = _deployments(cluster.applications())
        nodes = [_node(summary) for summary in cluster.nodes()]
    except SiteUnhealthy as error:
        problems.append(str(error))
    problems += _problems(health, cameras, deployments, nodes)
    return SiteStatus(page, dashboard, health, cameras, deployments, nodes, problems)


def tables(status: SiteStatus) -> Group:
    """The status as a person reads it."""
    head = Text(f"page {status.page}   Ray dashboard {status.dashboard}   health {status.health}")
    problems = [Text(f"! {line}", style="red") for line in status.problems]
    return Group(head, _camera_table(status.cameras), _deployment_table(status), _node_table(status), *problems)


def watches(camera: dict[str, Any]) -> bool:
    """Whether a camera does what it ought to: it watches, or is switched off on purpose."""
    return camera.get("status") in (CameraStatus.MONITORED, CameraStatus.DISABLED)


def camera_line(camera: dict[str, Any]) -> str:
    """`gate-1 UNMONITORED: refused connection`."""
    reason = redact(str(camera.get("reason") or ""))
    line = f"{camera.get('camera_id')} {camera.get('status')}"
    return f"{line}: {reason}" if reason else line


def _camera_table(cameras: list[dict[str, Any]]) -> Table:
    table = _table("camera", "name", "status", "fps", "detected/s", "last inference", "reason")
    for camera in cameras:
        status = str(camera.get("status"))
        table.add_row(
            str(camera.get("camera_id")),
            str(camera.get("name") or ""),
            Text(status, style=_COLOURS.get(CameraStatus(status), "") if status in _COLOURS else ""),
            f"{camera.get('capture_fps') or 0:.1f}",
            f"{camera.get('detect_fps') or 0:.1f}",
            _age(camera.get("inference_age_s")),
            redact(str(camera.get("reason") or "")),
        )
    return table


def _deployment_table(status: SiteStatus) -> Table:
    table = _table("application", "deployment", "status", "replicas", "message")
    for row in status.deployments:
        replicas = f"{row['running']} of {row['target']}"
        table.add_row(row["application"], row["deployment"], row["status"], replicas, row["message"])
    return table


def _node_table(status: SiteStatus) -> Table:
    table = _table("node", "state", "head", "CPU", "memory", "GPUs")
    for node in status.nodes:
        memory = f"{node['memory_used_gib']:.1f} of {node['memory_total_gib']:.1f} GiB"
        table.add_row(
            f"{node['hostname']} {node['ip']}",
            node["state"],
            "yes" if node["head"] else "",
            f"{node['cpu_percent']:.0f} % of {node['cpus']}",
            memory,
            str(node["gpus"]),
        )
    return table


def _table(*columns: str) -> Table:
    table = Table(box=None, header_style="bold", padding=(0, 2, 0, 0))
    for column in columns:
        table.add_column(column, overflow="fold")
    return table


def _age(seconds: Any) -> str:
    return "never" if seconds is None else f"{float(seconds):.1f} s ago"


def _deployments(applications: dict[str, Any]) -> list[dict[str, Any]]:
    rows = []
    for name, application in applications.items():
        for deployment, details in (application.get("deployments") or {}).items():
            replicas = details.get("replicas") or []
            rows.append(
                {
                    "application": name,
                    "deployment": deployment,
                    "status": str(details.get("status")),
                    "running": sum(replica.get("state") == "RUNNING" for replica in replicas),
                    "target": details.get("target_num_replicas") or 0,
                    "message": redact(" ".join(str(details.get("message") or "").split())),
                }
            )
    return rows


def _node(summary: dict[str, Any]) -> dict[str, Any]:
    raylet = summary.get("raylet") or {}
    total, available = ([*(summary.get("mem") or []), 0, 0])[:2]
    cpus = summary.get("cpus") or [0]
    return {
        "hostname": str(summary.get("hostname") or ""),
        "ip": str(summary.get("ip") or ""),
        "state": str(raylet.get("state") or "UNKNOWN"),
        "head": bool(raylet.get("isHeadNode")),
        "cpu_percent": float(summary.get("cpu") or 0.0),
        "cpus": cpus[0],
        "memory_used_gib": (total - available) / _GIB,
        "memory_total_gib": total / _GIB,
        "gpus": len(summary.get("gpus") or []),
    }


def _problems(
    health: str, cameras: list[dict[str, Any]], deployments: list[dict[str, Any]], nodes: list[dict[str, Any]]
) -> list[str]:
    blind = [f"camera {camera_line(camera)}" for camera in cameras if not watches(camera)]
    unwell = [f"deployment {row['deployment']} is {row['status']}" for row in deployments if row["status"] != "HEALTHY"]
    dead = [f"node {node['ip']} is {node['state']}" for node in nodes if node["state"] != "ALIVE"]
    return [*([f"health is {health}"] if health != "ok" else []), *blind, *unwell, *dead]
