"""What a camera that was made through the API may have as its source. Whoever may make cameras over the network must
not be able to read this machine's files, its environment, or services that trust every machine of the network."""

import ipaddress
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from urllib.parse import unquote

from cluster.camera.source_address import NetworkAddress
from cluster.safety.errors import CameraUnreachable, ConfigError
from cluster.safety.redaction import redact
from cluster.settings.base import project_path
from cluster.settings.cameras import CameraSettings, SourceKind
from cluster.settings.environment import is_reference
from cluster.settings.site import ApiCameraSettings
from cluster.settings.source_secrets import is_sealed

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address
Resolve = Callable[[str], Sequence[str]]
"""The addresses of a host; blocks. Raises OSError if there are none now."""

_METADATA = frozenset({ipaddress.ip_address("fd00:ec2::254"), ipaddress.ip_address("100.100.100.200")})
"""Services that hand out a machine's credentials at addresses that are not link-local (AWS, Alibaba)."""
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")


def addresses_of(host: str) -> list[str]:
    """As the system resolves `host`, which also knows spellings such as 0xA9FEA9FE."""
    return [str(entry[4][0]) for entry in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]


def check_source(
    camera: CameraSettings, allowed: ApiCameraSettings, *, resolve: Resolve = addresses_of, must_resolve: bool = False
) -> None:
    """Blocks while a name is resolved.

    `must_resolve`: False where it is only written down, since a name may not be known yet.

    Raises:
        ConfigError: this source is not for cameras of the API, and why.
        CameraUnreachable: the name of the server is not known.
    """
    source = camera.source
    if not source.isprintable():
        raise _refused(source, "holds control characters", "percent-encode them")
    if is_reference(source):
        mend = "write the password itself, it is stored encrypted; %24%7B is a literal ${"
        raise _refused(source, "holds a variable; these are for serve_config.yaml only", mend)
    if is_sealed(source):
        raise _refused(source, "its password cannot be read: SECRET_KEY is not the one it was stored with", "type it")
    match SourceKind.of(source):
        case SourceKind.FILE:
            _check_file(source, allowed)
        case SourceKind.USB:
            if not allowed.devices:
                raise _refused(source, "devices are not allowed", "set api_cameras.devices in site.yaml")
        case _:
            _check_server(source, resolve, must_resolve)


def file_path(address: str) -> Path:
    """Of a file's path or `file://` address; relative ones start at the project's root."""
    if address.lower().startswith("file://"):
        address = unquote(address[len("file://") :].removeprefix("localhost"))
    return project_path(address)


def _check_file(source: str, allowed: ApiCameraSettings) -> None:
    if not allowed.folder:
        raise _refused(source, "files are not allowed", "set api_cameras.folder in site.yaml")
    # Links and `..` are followed before it is compared.
    if not file_path(source).resolve().is_relative_to(project_path(allowed.folder).resolve()):
        raise _refused(source, "is outside the folder of api_cameras.folder", "copy the video there")


def _check_server(source: str, resolve: Resolve, must_resolve: bool) -> None:
    host = NetworkAddress.of(source, "request").host
    if not host.isascii() or "\\" in source or " " in source:
        raise _refused(source, "holds a space, a backslash, or a host in other letters than ASCII", "percent-encode it")
    try:
        found = resolve(host)
    except (OSError, UnicodeError) as error:
        if must_resolve:
            raise CameraUnreachable(f"the name {host} cannot be resolved") from error
        return
    for text in found:
        if _is_forbidden(ipaddress.ip_address(text)):
            raise _refused(source, "is a link-local address, where machines ask for their credentials")


def _is_forbidden(address: IpAddress) -> bool:
    inner = _inner(address)
    return address.is_link_local or address in _METADATA or (inner is not None and _is_forbidden(inner))


def _inner(address: IpAddress) -> IpAddress | None:
    """The IPv4 address that an IPv6 one stands for."""
    if not isinstance(address, ipaddress.IPv6Address):
        return None
    if address in _TRANSLATED:
        return ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return address.ipv4_mapped or address.sixtofour


def _refused(source: str, reason: str, mend: str = "") -> ConfigError:
    return ConfigError("request", "source", repr(redact(source)[:80]), reason, mend)
