"""A real S3 endpoint on loopback (`moto`'s server), with a bucket for each test; the same server is SNS too."""

import uuid
from collections.abc import Iterator
from importlib import metadata
from typing import Any

import httpx
import pytest
from counterparts.missing import missing_counterpart


class S3Server:
    """Answers at `endpoint`. What it keeps outlives `stop` and `start`."""

    def __init__(self) -> None:
        self._server: Any = None
        self._port = 0
        self.start()

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def new_bucket(self) -> str:
        name = f"site-{uuid.uuid4().hex[:12]}"
        httpx.put(f"{self.endpoint}/{name}", timeout=30).raise_for_status()
        return name

    def sms(self) -> list[tuple[str, str]]:
        """Phone and text of each SMS that was taken, in any region."""
        from moto.sns.models import sns_backends

        backends = [backend for account in sns_backends.values() for backend in account.values()]
        return [(phone, text) for backend in backends for phone, text in backend.sms_messages.values()]

    def start(self) -> None:
        """Takes the port that it had, if it ran before."""
        from moto.server import ThreadedMotoServer

        self._server = ThreadedMotoServer(ip_address="127.0.0.1", port=self._port, verbose=False)
        self._server.start()
        self._port = self._server.get_host_and_port()[1]

    def stop(self) -> None:
        self._server.stop()


def pytest_report_header() -> str:
    try:
        return f"real counterpart: S3 of moto {metadata.version('moto')}"
    except metadata.PackageNotFoundError:
        return "real counterpart: S3 of moto is missing"


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    try:
        server = S3Server()
    except (ImportError, OSError) as error:
        missing_counterpart("moto", error)
    yield server
    server.stop()


@pytest.fixture
def s3_bucket(s3_server: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """Name of an empty bucket; keys for it are in the environment."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    return s3_server.new_bucket()
