"""Whether nobody gets in who should not: sign-in has its secret, or nobody but this machine reaches the page."""

from collections.abc import Iterator
from ipaddress import ip_address

from cluster.operation.findings import Finding, fault
from cluster.operation.serve_file import ServeFile
from cluster.safety.errors import ConfigError
from cluster.settings.sign_in import signing_secret
from cluster.settings.site import SiteSettings

_SUBJECT = "sign-in"
_EVERYWHERE = "0.0.0.0"  # noqa: S104 - what Serve listens on where its file names nothing


def sign_in_findings(serve: ServeFile, site: SiteSettings) -> Iterator[Finding]:
    """What is wrong; nothing where nothing is."""
    try:
        if site.sign_in.enabled:
            signing_secret(site.sign_in, serve.site_file)
        else:
            _refuse_other_machines(serve)
    except ConfigError as error:
        yield fault(_SUBJECT, error)


def _refuse_other_machines(serve: ServeFile) -> None:
    host = str((serve.content.get("http_options") or {}).get("host", _EVERYWHERE))
    if _is_loopback(host):
        return
    mend = f"set `sign_in: {{enabled: true}}` in {serve.site_file}, or host: 127.0.0.1"
    reason = "other machines reach the page, and sign-in is off"
    raise ConfigError(serve.path, "http_options.host", repr(host), reason, mend)


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
