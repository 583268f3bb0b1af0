"""Whether what a site keeps lies where every node can reach it."""

from cluster.settings.site import SiteSettings


def one_disk(site: SiteSettings) -> bool:
    """Whether the database or the snapshots lie on the disk of one node, so that several nodes would keep several."""
    database = site.database.url.strip().lower()
    return not database.startswith("postgres") or not site.snapshots.url.strip().lower().startswith("s3://")
