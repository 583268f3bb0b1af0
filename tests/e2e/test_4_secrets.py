"""No password, token or key is anywhere in what a run wrote or said. Runs last, so that all of it is there."""

from pathlib import Path
from typing import Any

import httpx
import psycopg
from counterparts.secrets_used import MARK


def test_no_password_token_or_key_is_in_anything_that_was_written_or_said(site: Any) -> None:
    site.ray("/api/serve/applications/")
    site.ray("/api/v0/actors?detail=true")
    site.said.append(httpx.get(f"http://127.0.0.1:{site.ports['metrics']}/metrics", trust_env=False, timeout=30).text)
    for path in ("/metrics", "/health", "/api/v1/cameras", "/api/v1/events?limit=200"):
        site.get(path)
    site.command("logs")
    site.command("status")
    site.command("cameras", "check", "gate-1", "--config", str(site.folder / "serve_config.yaml"))
    secrets = [site.environment["E2E_CAMERA_PASSWORD"].encode(), MARK.encode()]

    leaks = [str(file) for file in _written(site) if any(secret in file.read_bytes() for secret in secrets)]
    said = [text[:200] for text in [*site.said, _database(site)] if any(s.decode() in text for s in secrets)]

    assert leaks == []
    assert said == []


def _written(site: Any) -> list[Path]:
    files = [file for folder in (site.logs, site.folder) for file in folder.rglob("*") if file.is_file()]
    assert len(files) > 50, "there should be something to look through"
    return [file for file in files if file.suffix not in {".jpg", ".mp4"}]


def _database(site: Any) -> str:
    """All rows of all tables as text."""
    with psycopg.connect(site.database_url) as connection:
        tables = connection.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'").fetchall()
        return "\n".join(str(connection.execute(f'SELECT * FROM "{name}"').fetchall()) for (name,) in tables)  # noqa: S608
