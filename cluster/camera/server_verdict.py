"""Why a camera's server gives no video: OpenCV does not say, so it is asked in RTSP or HTTP."""

import hashlib
import re
import secrets
import socket
import ssl
import time
from base64 import b64encode
from http import HTTPStatus

from cluster.camera.source_address import NetworkAddress
from cluster.safety.errors import (
    CameraError,
    CameraNotFound,
    CameraUnauthorized,
    CameraUnreachable,
    CameraUnreadable,
)

_LONGEST_HEAD_BYTES = 64 * 1024
_STATUS_LINE = re.compile(rb"^(?:RTSP|HTTP)/\d\.\d (\d{3})")
_PARAMETER = re.compile(r'(\w+)=(?:"([^"]*)"|([^\s,]+))')
_HASHES = {"": "md5", "MD5": "md5", "SHA-256": "sha256"}


def ask_server(address: NetworkAddress, timeout_s: float, *, redirects: bool = True) -> None:
    """Asks for the description of the stream, with one login at most; returns if nothing speaks against it.

    What the server says in a way that is not understood, a login method the say, is no verdict either:
    OpenCV may know better.

    Raises:
        CameraUnreachable: unknown host, refused, no answer within `timeout_s`.
        CameraUnauthorized: a login is wanted, or the one in the address was refused.
        CameraNotFound: no such path.
        CameraUnreadable: any other refusal; without `redirects`, that it sends elsewhere.
    """
    deadline_s = time.monotonic() + timeout_s
    try:
        with _Conversation(address, deadline_s) as conversation:
            status, head = conversation.request()
            login = _login(address, head) if status == HTTPStatus.UNAUTHORIZED and address.has_login else ""
            if login:
                status, _ = conversation.request(login)
            elif status == HTTPStatus.UNAUTHORIZED and address.has_login:
                return
    except OSError as error:
        raise _unreachable(address, error, timeout_s) from error
    if not redirects and HTTPStatus.MULTIPLE_CHOICES <= status < HTTPStatus.BAD_REQUEST:
        reason = f"{address.server} sends elsewhere ({status}), which cameras of the API may not"
        raise CameraUnreadable(reason, "write the address of the video itself")
    if verdict := _verdict(address, status):
        raise verdict


class _Conversation:
    """One connection; a request and the head of its answer at a time, all before one deadline."""

    def __init__(self, address: NetworkAddress, deadline_s: float) -> None:
        self._address, self._deadline_s = address, deadline_s
        self._requests = 0
        self._socket = self._connect()

    def __enter__(self) -> "_Conversation":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def request(self, login: str = "") -> tuple[int, str]:
        """Status (0: none that is understood) and head of the answer."""
        if self._requests and self._is_http:
            # The answer before may be followed by an endless picture: HTTP begins anew.
            self._socket.close()
            self._socket = self._connect()
        self._requests += 1
        self._socket.settimeout(self._left_s())
        self._socket.sendall(self._text(login).encode())
        head = self._head()
        match = _STATUS_LINE.match(head)
        return int(match[1]) if match else 0, head.decode("latin-1")

    @property
    def _is_http(self) -> bool:
        return self._address.scheme in ("http", "https")

    def _text(self, login: str) -> str:
        a = self._address
        authorization = f"Authorization: {login}\r\n" if login else ""
        if self._is_http:
            return f"GET {a.path} HTTP/1.1\r\nHost: {a.server}\r\n{authorization}Connection: close\r\n\r\n"
        return (
            f"DESCRIBE {a.bare_url} RTSP/1.0\r\nCSeq: {self._requests}\r\n"
            f"Accept: application/sdp\r\nUser-Agent: safe-yolo\r\n{authorization}\r\n"
        )

    def _head(self) -> bytes:
        received = b""
        while b"\r\n\r\n" not in received and len(received) < _LONGEST_HEAD_BYTES:
            self._socket.settimeout(self._left_s())
            part = self._socket.recv(4096)
            if not part:
                break
            received += part
        return received

    def _connect(self) -> socket.socket:
        a = self._address
        connection = socket.create_connection((a.host, a.port), timeout=self._left_s())
        if a.scheme not in ("rtsps", "https"):
            return connection
        # As FFmpeg does: cameras sign their certificates themselves.
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context.wrap_socket(connection, server_hostname=a.host)

    def _left_s(self) -> float:
        left_s = self._deadline_s - time.monotonic()
        if left_s <= 0:
            raise TimeoutError
        return left_s


def _verdict(address: NetworkAddress, status: int) -> CameraError | None:
    if status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return _unauthorized(address, status)
    if status in (HTTPStatus.NOT_FOUND, HTTPStatus.GONE):
        return CameraNotFound(f"{address.server} has no stream {address.public_path}", "look up the camera's own path")
    if status >= HTTPStatus.BAD_REQUEST:
        return CameraUnreadable(f"{address.server} answers {status} for {address.public_path}")
    return None


def _unauthorized(address: NetworkAddress, status: int) -> CameraUnauthorized:
    if address.has_login:
        reason = f"{address.server} refuses user or password ({status})"
        return CameraUnauthorized(reason, "check them before the camera locks the account")
    reason = f"{address.server} wants a user and a password ({status})"
    return CameraUnauthorized(reason, f"write {address.scheme}://${{USER}}:${{PASSWORD}}@{address.host}/...")


def _unreachable(address: NetworkAddress, error: OSError, timeout_s: float) -> CameraUnreachable:
    match error:
        case socket.gaierror():
            return CameraUnreachable(f"unknown host {address.host}", "check the name, or write the IP address")
        case TimeoutError():
            return CameraUnreachable(f"{address.server} does not answer within {timeout_s:.1f} s", "check the network")
        case ConnectionRefusedError():
            return CameraUnreachable(f"{address.server} refuses the connection", "check the port and the camera")
        case _:
            return CameraUnreachable(f"{address.server}: {error.strerror or type(error).__name__}", "check the network")


def _login(address: NetworkAddress, head: str) -> str:
    """The Authorization header that answers the challenges in `head`; "" if none is understood."""
    challenges = re.findall(r"(?im)^www-authenticate:\s*(\w+)\s*([^\r\n]*)", head)
    for scheme, parameters in challenges:
        if scheme.lower() == "digest" and (answer := _digest(address, parameters)):
            return answer
    if any(scheme.lower() == "basic" for scheme, _ in challenges):
        return "Basic " + b64encode(f"{address.user}:{address.password}".encode()).decode()
    return ""


def _digest(address: NetworkAddress, challenge: str) -> str:
    """RFC 7616 without sessions; "" for an algorithm that is not known."""
    given = {key.lower(): quoted or plain for key, quoted, plain in _PARAMETER.findall(challenge)}
    name = _HASHES.get(given.get("algorithm", "").upper())
    if name is None:
        return ""

    def digest(*parts: str) -> str:
        return hashlib.new(name, ":".join(parts).encode(), usedforsecurity=False).hexdigest()

    is_http = address.scheme in ("http", "https")
    uri = address.path if is_http else address.bare_url
    realm, nonce, cnonce = given.get("realm", ""), given.get("nonce", ""), secrets.token_hex(8)
    secret, request = digest(address.user, realm, address.password), digest("GET" if is_http else "DESCRIBE", uri)
    fields = {"username": address.user, "realm": realm, "nonce": nonce, "uri": uri}
    if "auth" in given.get("qop", "").split(","):
        fields |= {"cnonce": cnonce, "response": digest(secret, nonce, "00000001", cnonce, "auth", request)}
        tail = ", qop=auth, nc=00000001"
    else:
        fields["response"], tail = digest(secret, nonce, request), ""
    if "opaque" in given:
        fields["opaque"] = given["opaque"]
    if "algorithm" in given:
        tail += f", algorithm={given['algorithm']}"
    return "Digest " + ", ".join(f'{key}="{value}"' for key, value in fields.items()) + tail
