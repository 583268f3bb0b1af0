from pathlib import Path

import pytest
from counterparts.databases import MakeEvent

from cluster.safety.errors import ConfigError
from cluster.settings.site import SiteSettings, SnapshotSettings
from cluster.storage.object_stores import folder_of
from cluster.storage.snapshots import _check_name, _reason, open_snapshots, snapshot_name


def _site(**settings: str) -> SiteSettings:
    return SiteSettings(name="test", data_dir=Path("/data"), snapshots=SnapshotSettings(**settings))


def test_the_name_carries_the_correlation_id(make_event: MakeEvent) -> None:
    event = make_event(5)

    assert snapshot_name(event, clean=False) == "gate-1/2026/03/01/gate-1-1-5-event-005.jpg"
    assert snapshot_name(event, clean=True) == "gate-1/2026/03/01/gate-1-1-5-event-005-clean.jpg"


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/etc/passwd",
        "../x.jpg",
        "a/../b.jpg",
        "a//b.jpg",
        "a/",
        ".hidden",
        "a/./b",
        "a\\b",
        "a b",
        "a\n",
        "x" * 600,
    ],
)
def test_names_that_lead_out_of_the_store_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match="snapshot name"):
        _check_name(name)


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("", Path("/data/snapshots")),
        ("/srv/pictures", Path("/srv/pictures")),
        ("file:///srv/my%20pictures", Path("/srv/my pictures")),
        ("s3://bucket/prefix", None),
    ],
)
def test_the_address_is_a_folder_or_a_bucket(url: str, folder: Path | None) -> None:
    assert folder_of(_site(url=url)) == folder


@pytest.mark.parametrize(
    ("settings", "line"),
    [
        ({"url": "ftp://me:secret@host/x"}, "snapshots.url = ftp://.*neither a folder nor an S3 bucket"),
        ({"url": "file://host/x"}, "snapshots.url = .*names a host"),
        ({"url": "s3:///prefix"}, "snapshots.url = .*names no bucket"),
        ({"url": "s3://key:secret@bucket"}, "snapshots.url = .*names no bucket"),
        ({"url": "s3://bucket", "endpoint": "minio:9000"}, "snapshots.endpoint = .*not an http address"),
        ({"url": "s3://bucket", "endpoint": "http://me:secret@minio"}, "snapshots.endpoint = .*without user"),
        ({"url": "s3://bucket", "endpoint": "http://minio:9000"}, "AWS_ACCESS_KEY_ID is not set"),
    ],
)
def test_a_wrong_address_is_one_line_without_the_password(
    monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], line: str
) -> None:
    monkeypatch.delenv("AWS_ACCESS_KEY_ID", raising=False)

    with pytest.raises(ConfigError, match=line) as refused:
        open_snapshots(_site(**settings))

    assert "secret" not in str(refused.value)


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        (
            "Error performing PUT http://s3/a - 403 Forbidden: <?xml?>\n<Error><Code>InvalidAccessKeyId</Code>"
            "<Message>No such key</Message><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>\n\nDebug source:\nAKIA",
            "Error performing PUT http://s3/a - 403 Forbidden: InvalidAccessKeyId No such key",
        ),
        ("404: <Error><Code>NoSuchBucket</Code></Error>", "404: NoSuchBucket"),
        ("HTTP error: error sending request\n\nDebug source:\nGeneric { AKIA }", "HTTP error: error sending request"),
        ("Read-only file system (os error 30)", "Read-only file system (os error 30)"),
    ],
)
def test_what_a_server_says_is_one_line_without_keys(said: str, reason: str) -> None:
    assert _reason(said) == reason
