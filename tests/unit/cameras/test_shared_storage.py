"""Who may run where, when what a site keeps lies on one disk."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.operation.serve_file import load_serve_file
from cluster.safety.errors import ConfigError
from cluster.settings.base import PROJECT_ROOT
from cluster.settings.site import DatabaseSettings, SiteSettings, SnapshotSettings
from deployments import shared_storage
from deployments.cameras.notifier import Notifier
from deployments.cameras.recorder import Recorder
from deployments.cameras.supervisor import CameraSupervisor
from deployments.ingress.app import Ingress, IngressArguments
from deployments.shared_storage import actor_options, one_disk, refuse_another_disk

POSTGRESQL, S3 = "postgresql://u:S3cret@db/site", "s3://bucket/site"


def kept_at(database: str, snapshots: str) -> SiteSettings:
    return SiteSettings(name="test", database=DatabaseSettings(url=database), snapshots=SnapshotSettings(url=snapshots))


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """This process runs on a node that is not the head."""
    monkeypatch.setattr(shared_storage.ray, "is_initialized", lambda: True)
    monkeypatch.setattr(shared_storage, "on_head", lambda: False)


@pytest.mark.parametrize(
    ("database", "snapshots", "key"),
    [
        ("", "", "database.url"),
        ("sqlite:////data/x.db", S3, "database.url"),
        (POSTGRESQL, "", "snapshots.url"),
        (POSTGRESQL, "/data/snapshots", "snapshots.url"),
    ],
)
@pytest.mark.usefixtures("elsewhere")
def test_what_lies_on_the_heads_disk_is_refused_on_another_node(database: str, snapshots: str, key: str) -> None:
    site = kept_at(database, snapshots)
    assert one_disk(site)

    with pytest.raises(ConfigError, match="lies on the head's disk") as refused:
        refuse_another_disk(site)

    assert key in str(refused.value)
    assert "S3cret" not in str(refused.value)


@pytest.mark.parametrize("database", [POSTGRESQL, "postgres://db/site", " POSTGRESQL+asyncpg://db/site"])
@pytest.mark.usefixtures("elsewhere")
def test_what_every_node_can_reach_is_refused_nowhere(database: str) -> None:
    refuse_another_disk(kept_at(database, S3))


def test_on_the_head_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_storage.ray, "is_initialized", lambda: True)
    monkeypatch.setattr(shared_storage, "on_head", lambda: True)

    refuse_another_disk(kept_at("", ""))


@pytest.mark.parametrize(
    "make",
    [
        lambda file: Recorder(file),
        lambda file: Notifier(file),
        lambda file: CameraSupervisor(file, None),  # type: ignore[arg-type]
        lambda file: Ingress(IngressArguments(release="1", site=file)),
    ],
    ids=["Recorder", "Notifier", "CameraSupervisor", "Ingress"],
)
@pytest.mark.usefixtures("elsewhere")
def test_who_reads_or_writes_it_asks(tmp_path: Path, make: Any) -> None:
    (tmp_path / "site.yaml").write_text(f"name: test\ndata_dir: {tmp_path}/data\n", encoding="utf-8")

    with pytest.raises(ConfigError, match="on another node"):
        make(str(tmp_path / "site.yaml"))


def test_where_storage_is_on_one_disk_who_uses_it_is_placed_on_the_head() -> None:
    (resource,) = actor_options(kept_at("", S3))["resources"]

    assert resource == "node:__internal_head__"
    assert actor_options(kept_at(POSTGRESQL, S3)) == {"num_cpus": 0}, "anywhere"


@pytest.mark.parametrize(("file", "cpus"), [("serve_config.yaml", 3), ("configs/serve/gpu.yaml", 6)])
def test_no_shipped_file_overrides_where_they_are_placed(file: str, cpus: int) -> None:
    content = yaml.safe_load((PROJECT_ROOT / file).read_text(encoding="utf-8"))
    deployments = [one for application in content["applications"] for one in application["deployments"]]

    assert {one["name"] for one in deployments if "ray_actor_options" in one} == {"Detector"}
    assert load_serve_file(str(PROJECT_ROOT / file)).cpus == cpus, "they reserve none"
