"""Where `snapshots.url` points to: a folder, or a bucket of an S3-compatible store."""

from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote, urlsplit

from obstore.store import S3Store

from cluster.safety.errors import ConfigError
from cluster.settings.base import project_path
from cluster.settings.environment import unset_variables
from cluster.settings.site import SiteSettings, SnapshotSettings

if TYPE_CHECKING:
    from obstore.store import S3Config

FOLDER = "snapshots"
_FILE = "site.yaml"
_KEYS = "${AWS_ACCESS_KEY_ID} ${AWS_SECRET_ACCESS_KEY}"


def folder_of(site: SiteSettings) -> Path | None:
    """The folder of local files, None if the pictures go to a server.

    Raises:
        ConfigError: neither a folder nor `s3://`.
    """
    url = site.snapshots.url.strip()
    if not url:
        return site.data_dir / FOLDER
    scheme, separator, _ = url.partition("://")
    if not separator:
        return project_path(url)
    if scheme.lower() == "file":
        return _file_url(url)
    if scheme.lower() != "s3":
        raise _fault("url", url, "is neither a folder nor an S3 bucket", "write s3://BUCKET/PREFIX or a folder")
    return None


def _file_url(url: str) -> Path:
    parts = urlsplit(url)
    if parts.netloc not in ("", "localhost"):
        raise _fault("url", url, "names a host", "write file:///FOLDER")
    return Path(unquote(parts.path))


def s3_store(settings: SnapshotSettings) -> S3Store:
    """The bucket; nothing is sent yet. Keys come from AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY.

    Raises:
        ConfigError: no bucket, a wrong endpoint, or an endpoint of one's own without keys.
    """
    parts = urlsplit(settings.url.strip())
    if not parts.netloc or "@" in parts.netloc or parts.query or parts.fragment:
        raise _fault("url", settings.url, "names no bucket", "write s3://BUCKET/PREFIX")
    endpoint = _endpoint(settings)
    wait = timedelta(seconds=settings.timeout_s)
    config: S3Config = {"region": settings.region, "virtual_hosted_style_request": not endpoint}
    if endpoint:
        config["endpoint"] = endpoint
    return S3Store(
        parts.netloc,
        prefix=parts.path.strip("/") or None,
        config=config,
        client_options={"timeout": wait, "connect_timeout": wait, "allow_http": endpoint.startswith("http://")},
        retry_config={"max_retries": 2, "retry_timeout": wait},
    )


def _endpoint(settings: SnapshotSettings) -> str:
    endpoint = settings.endpoint.strip().rstrip("/")
    if not endpoint:
        return ""
    if not endpoint.lower().startswith(("http://", "https://")) or "@" in endpoint:
        raise _fault("endpoint", endpoint, "is not an http address without user", "write https://HOST:PORT")
    if missing := unset_variables(_KEYS):
        raise _fault("endpoint", endpoint, f"{missing[0]} is not set", f"export {missing[0]}=...")
    return endpoint


def _fault(key: str, value: str, reason: str, mend: str) -> ConfigError:
    return ConfigError(_FILE, f"snapshots.{key}", value, reason, mend)
