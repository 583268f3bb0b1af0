"""Whether what a site keeps lies where every node can reach it, and who may not run where it does not."""

from typing import Any

import ray

from cluster.safety.errors import ConfigError
from cluster.settings.site import SiteSettings

_HEAD = "node:__internal_head__"
"""Resource that Ray gives to the head and to no other node."""
_A_TRACE = 0.001
"""Of the one that the head has: enough for a thousand replicas."""


def one_disk(site: SiteSettings) -> bool:
    """Whether the database or the snapshots lie on the disk of one node, so that several nodes would keep several."""
    return not _database_is_shared(site) or not _snapshots_are_shared(site)


def actor_options(site: SiteSettings) -> dict[str, Any]:
    """`ray_actor_options` of whoever reads or writes what the site keeps: on the head, where that lies on its disk.

    A replica that Serve starts anew would else come up wherever there is room, and refuse. What serve_config.yaml says
    under the same key replaces all of this, so the shipped file says nothing there.
    """
    return {"num_cpus": 0, **({"resources": {_HEAD: _A_TRACE}} if one_disk(site) else {})}


def refuse_another_disk(site: SiteSettings) -> None:
    """For the constructor of whoever reads or writes what the site keeps: where that lies on one disk, it is the
    head's. On another node there would be an empty database: alarms that no page shows, and a supervisor that ends
    every camera that was made through the API.

    Raises:
        ConfigError: this process runs on another node than the head.
    """
    if one_disk(site) and ray.is_initialized() and not on_head():
        key, value = ("snapshots.url", site.snapshots.url)
        if not _database_is_shared(site):
            key, value = ("database.url", site.database.url)
        raise ConfigError(
            "site.yaml",
            key,
            value,
            "lies on the head's disk, and this process was started on another node",
            "leave ray_actor_options of this deployment out of serve_config.yaml, so that it stays on the head, "
            "or set database.url to PostgreSQL and snapshots.url to s3://...",
        )


def on_head() -> bool:
    """Whether this process runs on the head of the cluster."""
    own = ray.get_runtime_context().get_node_id()
    nodes = ray.nodes()  # type: ignore[no-untyped-call]
    return any(node["NodeID"] == own and _HEAD in node["Resources"] for node in nodes)


def _database_is_shared(site: SiteSettings) -> bool:
    return site.database.url.strip().lower().startswith("postgres")


def _snapshots_are_shared(site: SiteSettings) -> bool:
    return site.snapshots.url.strip().lower().startswith("s3://")
