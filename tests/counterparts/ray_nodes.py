"""A cluster of several nodes on this machine, each with a disk and (fake) GPUs of its own.

`ray.cluster_utils.Cluster` starts the real processes of Ray, one raylet a node. What is simulated is the machine
between them: `SAFE_YOLO_DATA_DIR` gives each node a folder, so that sharing a disk hides nothing.
"""

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import ray
from counterparts.secrets_used import assert_no_secret_in
from counterparts.waiting import wait_for as wait_for  # the tests of clusters take it from here
from ray import serve
from ray.cluster_utils import Cluster
from ray.serve.config import ProxyLocation
from ray.serve.schema import LoggingConfig, ServeDeploySchema

from cluster.operation import ray_economy
from cluster.settings.base import PROJECT_ROOT

NODE_LABEL = "safe-yolo/node"
_OBJECT_STORE_BYTES = 80 * 1024 * 1024
_TESTS = Path(__file__).parents[1]


class RayNodes:
    """The head, which holds no camera, and the nodes that a test adds and kills. The test is its driver.

    Each node's name is its label `safe-yolo/node`, and `disk(name)` is its data folder, which outlives its death.
    """

    def __init__(self, folder: Path, environment: dict[str, str]) -> None:
        self.folder, self._environment = folder, environment
        self._nodes: dict[str, Any] = {}
        self._cluster: Any = None
        self._patch = pytest.MonkeyPatch()

    def start(self, **head: Any) -> None:
        """The head and Serve. `head`: what it has, as in `add`."""
        # Ray would write the address of this cluster where every `ray.init()` of the machine finds it.
        self._patch.setattr(ray._private.utils, "write_ray_address", lambda *_, **__: None)
        # What Serve still does in the background after `stop` would start another Ray, in this very process.
        self._forbid_auto_init()
        path = os.pathsep.join(filter(None, (str(_TESTS), str(PROJECT_ROOT), os.environ.get("PYTHONPATH"))))
        # As `safe-yolo up` starts it: Ray's list of single calls, for one, makes its GCS grow by 0.7 MB a minute.
        for name, value in {**ray_economy.environment(), **self._environment, "PYTHONPATH": path}.items():
            self._patch.setenv(name, value)
        self._cluster = Cluster()
        self.add("head", **{"num_cpus": 0, "include_dashboard": False, **head})
        ray.init(address=self._cluster.address, namespace="safe-yolo-test", log_to_driver=False)
        logging = LoggingConfig(encoding="JSON", enable_access_log=False)
        serve.start(proxy_location=ProxyLocation.Disabled, logging_config=logging)

    def add(self, name: str, *, labels: dict[str, str] | None = None, **what: Any) -> None:
        """A node called `name`, which may have been there before; `what`: num_cpus, num_gpus, resources."""
        self.disk(name).mkdir(parents=True, exist_ok=True)
        first = {} if self._nodes else {"temp_dir": str(self.folder / "ray")}
        self._nodes[name] = self._cluster.add_node(
            labels={NODE_LABEL: name, **(labels or {})},
            object_store_memory=_OBJECT_STORE_BYTES,
            env_vars={"SAFE_YOLO_DATA_DIR": str(self.disk(name)), "SAFE_YOLO_LOG_DIR": str(self.disk(name) / "logs")},
            **first,
            **what,
        )

    def kill(self, name: str) -> None:
        """The power goes off: SIGKILL to the raylet and, as it is one machine less, to all that it started."""
        node = self._nodes.pop(name)
        processes = [process for pid in _pids(node) for process in _family(pid)]
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
        with contextlib.suppress(AssertionError):  # what it looks for is gone already
            self._cluster.remove_node(node, allow_graceful=False)

    def disk(self, name: str) -> Path:
        return self.folder / "disks" / name

    def names(self) -> list[str]:
        """Of the nodes that live."""
        return list(self._nodes)

    def id_of(self, name: str) -> str:
        return str(self._nodes[name].node_id)

    def name_of(self, node_id: str) -> str:
        """ "" for a node that is gone."""
        return next((name for name, node in self._nodes.items() if node.node_id == node_id), "")

    def processes(self) -> list[psutil.Process]:
        """Everything that the nodes have started."""
        return [process for node in self._nodes.values() for pid in _pids(node) for process in _family(pid)]

    def deploy(self, *applications: dict[str, Any]) -> None:
        """The same path as `serve deploy`; returns at once."""
        client: Any = serve.context._get_global_client()
        client.deploy_apps(ServeDeploySchema.model_validate({"applications": list(applications)}))

    def stop(self) -> None:
        """Ends every process that it has started, by its id; also those of a node that did not come up."""
        processes = {process.pid: process for process in (*self.processes(), *self._strays())}.values()
        with contextlib.suppress(Exception):  # border of the test: a broken cluster has to go all the same
            ray.shutdown()
        for process in processes:
            with contextlib.suppress(psutil.Error):
                process.kill()
        psutil.wait_procs(list(processes), timeout=20)
        if self._cluster is not None:
            with contextlib.suppress(Exception):  # as above; it looks for processes that are gone already
                self._cluster.shutdown()
        self._patch.undo()
        assert_no_secret_in(self.folder / "ray", *self.folder.glob("disks/*/logs"))

    @staticmethod
    def _forbid_auto_init() -> None:
        from ray._private import auto_init_hook

        auto_init_hook.enable_auto_connect = False

    def _strays(self) -> Iterator[psutil.Process]:
        """Processes that have a file of this cluster open: their parents are gone, and Ray renames them."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.pid != os.getpid() and any(
                    file.path.startswith(f"{self.folder}/") for file in process.open_files()
                ):
                    yield process


def _pids(node: Any) -> list[int]:
    return [info.process.pid for infos in node.all_processes.values() for info in infos]


def _family(pid: int) -> list[psutil.Process]:
    try:
        process = psutil.Process(pid)
        return [process, *process.children(recursive=True)]
    except psutil.Error:
        return []
