"""Who is on the head of a real cluster of two nodes."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import ray
from counterparts.ray_nodes import RayNodes, wait_for
from ray import serve
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from cluster.settings.load import load_site
from cluster.storage.schema import migrate
from deployments.shared_storage import on_head


@pytest.fixture(scope="module")
def nodes() -> Iterator[RayNodes]:
    folder = Path(tempfile.mkdtemp(prefix="sy", dir="/tmp"))  # Ray's sockets want a short path
    nodes = RayNodes(folder, {})
    try:
        nodes.start()
        nodes.add("other", num_cpus=1)
        yield nodes
    finally:
        nodes.stop()
        shutil.rmtree(folder, ignore_errors=True)


def test_the_head_knows_that_it_is_the_head_and_another_node_that_it_is_not(nodes: RayNodes) -> None:
    asked = ray.remote(num_cpus=0)(on_head)
    answers = {
        name: ray.get(
            asked.options(scheduling_strategy=NodeAffinitySchedulingStrategy(nodes.id_of(name), soft=False)).remote(),
            timeout=120,
        )
        for name in nodes.names()
    }

    assert answers == {"head": True, "other": False}


def test_where_storage_is_on_one_disk_its_users_come_up_on_the_head(
    nodes: RayNodes, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = nodes.folder / "site.yaml"
    site.write_text(f"name: test\ndata_dir: {nodes.folder}/data\nsign_in: {{enabled: false}}\n", encoding="utf-8")
    monkeypatch.setenv("SAFE_YOLO_DATA_DIR", str(nodes.disk("head")))
    migrate(load_site(site))

    nodes.deploy(
        # Of two Serve would put one on each node.
        application("cameras", None, site, {"name": "Recorder", "num_replicas": 2}, {"name": "CameraSupervisor"}),
        application("ingress", "/", site, {"name": "Ingress", "num_replicas": 2}),
    )
    wait_for("both applications to run", all_run, 240, instead=serve.status)

    one, two = ["head"], ["head"] * 2
    assert where(nodes) == {"Recorder": two, "CameraSupervisor": one, "Notifier": one, "Ingress": two}


def application(name: str, route: str | None, site: Path, *deployments: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "route_prefix": route,
        "import_path": f"deployments.{name}.app:build",
        "args": {"release": "1", "site": str(site)},
        "deployments": list(deployments),
    }


def all_run() -> bool:
    found = serve.status().applications.values()
    return len(found) == 2 and all(one.status == "RUNNING" for one in found)


def where(nodes: RayNodes) -> dict[str, list[str]]:
    """On which node each replica is, by deployment."""
    client: Any = serve.context._get_global_client()
    return {
        name: [nodes.name_of(replica["node_id"]) for replica in deployment["replicas"]]
        for application in client.get_serve_details()["applications"].values()
        for name, deployment in application["deployments"].items()
    }
