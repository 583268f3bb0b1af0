"""Whether what a site keeps lies where every node can reach it, and who may not run where it does not."""

import ray

from cluster.safety.errors import ConfigError
from cluster.settings.site import SiteSettings

_HEAD = "node:__internal_head__"
"""Resource that Ray gives to the head and to no other node."""


def one_disk(site: SiteSettings) -> bool:
    """Whether the database or the snapshots lie on the disk of one node, so that several nodes would keep several."""
    return not _database_is_shared(site) or not _snapshots_are_shared(site)


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
            "set database.url to PostgreSQL and snapshots.url to s3://..., or run one node",
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
