"""Whether the links of messages lead here, and whether the rules speak of cameras, zones and events that there are."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from cluster.operation.findings import Finding, fault, warning
from cluster.operation.serve_file import ServeFile
from cluster.safety.errors import ConfigError
from cluster.safety.events import EventType, is_event_type
from cluster.settings.environment import expand
from cluster.settings.notifications import NotificationSettings, RuleSettings
from cluster.settings.site import SiteSettings

_SUBJECT = "notifications"
_SHORTEST_SECRET = 16
_MAKE_SECRET = "export SECRET_KEY=$(openssl rand -hex 32)"  # noqa: S105 - a command
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
"""What the ingress serves where `hosts` is not given."""


def reach_findings(serve: ServeFile, site: SiteSettings) -> Iterator[Finding]:
    """What is wrong; nothing where nothing is."""
    if site.notifications.page_url:
        yield from _link_findings(serve, site)
    yield from _secret_findings(serve.site_file, site.notifications)
    for rule in site.notifications.rules:
        yield from _rule_findings(serve, rule)


def _link_findings(serve: ServeFile, site: SiteSettings) -> Iterator[Finding]:
    url = site.notifications.page_url
    address = urlsplit(url)
    if address.scheme not in ("http", "https") or not address.hostname:
        wrong = ConfigError(serve.site_file, "notifications.page_url", repr(url), "is no address of a page")
        yield fault(_SUBJECT, wrong)
        return
    hosts = _hosts(serve)
    if "*" not in hosts and address.hostname not in hosts:
        mend = f"add {address.hostname} to `args.hosts` of the application ingress in {serve.path}"
        yield warning(_SUBJECT, f"links lead to {address.hostname}, which the page does not serve", mend)


def _secret_findings(site_file: str, settings: NotificationSettings) -> Iterator[Finding]:
    """Where there are no links it must be to be had all the same: who starts would say so."""
    try:
        secret = expand(settings.link_secret, where=site_file, key="notifications.link_secret")
    except ConfigError as error:
        yield fault(_SUBJECT, error)
        return
    if not settings.page_url:
        return
    if not secret:
        yield warning(_SUBJECT, "messages carry no link that acknowledges: link_secret is empty", _MAKE_SECRET)
    elif len(secret) < _SHORTEST_SECRET:
        yield warning(_SUBJECT, f"link_secret is shorter than {_SHORTEST_SECRET} characters", _MAKE_SECRET)


def _rule_findings(serve: ServeFile, rule: RuleSettings) -> Iterator[Finding]:
    """Cameras made through the API are not known here: a warning, no fault."""
    cameras = {camera.camera_id for camera in serve.cameras.cameras}
    zones = {zone.zone_id for camera in serve.cameras.cameras for zone in camera.zones}
    for kind, named, known in (("camera", rule.cameras, cameras), ("zone", rule.zones, zones)):
        for name in (name for name in named if name not in known):
            said = f"rule {rule.name!r} is about {kind} {name}, which {serve.path} does not have"
            yield warning(_SUBJECT, said, f"there is {', '.join(sorted(known)[:10]) or 'none'}")
    for name in (name for name in rule.event_types if not is_event_type(name)):
        said = f"rule {rule.name!r} is about event type {name}, which there is not, and is told of none"
        mend = f"there is {', '.join(EventType)}, PPE_<ITEM>_MISSING and <OBJECT>_MISSING, in capitals"
        yield warning(_SUBJECT, said, mend)


def _hosts(serve: ServeFile) -> tuple[str, ...]:
    for application in serve.content.get("applications", ()):
        if application.get("name") == "ingress":
            return tuple(application.get("args", {}).get("hosts", _LOOPBACK))
    return _LOOPBACK
