"""Sources that a camera of the API must not have: files, devices, variables, and where machines get credentials."""

from pathlib import Path

import pytest

from cluster.camera.api_sources import open_checked, opener
from cluster.camera.source_policy import check_source
from cluster.camera.sources import open_source
from cluster.safety.errors import CameraUnreachable, ConfigError
from cluster.settings.cameras import Assignment, CameraSettings
from cluster.settings.site import ApiCameraSettings, SiteSettings
from cluster.storage.sealing import Seal, sealed_source

NOTHING = ApiCameraSettings()


def camera(source: str) -> CameraSettings:
    return CameraSettings(camera_id="gate-1", source=source)


def names(host: str) -> list[str]:
    """A name server of our own."""
    known = {"metadata.internal": ["169.254.169.254"], "two.example": ["10.0.0.5", "fe80::1"], "cam": ["10.0.0.5"]}
    if host in known:
        return known[host]
    if host.replace(".", "").isdigit() or ":" in host:
        return [host]
    raise OSError("Name or service not known")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("http://169.254.169.254/latest/meta-data/", "link-local"),
        ("http://[fe80::1]/", "link-local"),
        ("http://[::ffff:169.254.169.254]/", "link-local"),
        ("http://[64:ff9b::a9fe:a9fe]/", "link-local"),
        ("http://[2002:a9fe:a9fe::1]/", "link-local"),
        ("http://[fd00:ec2::254]/", "link-local"),
        ("rtsp://100.100.100.200/", "link-local"),
        ("http://metadata.internal/", "link-local"),
        ("rtsp://two.example/1", "link-local"),
        ("http://me:pw@169.254.169.254/", "link-local"),
        ("http://cam\\@169.254.169.254/", "backslash"),
        ("http://cam /", "space"),
        ("http://１６９.254.169.254/", "ASCII"),
        ("http:///", "names no host"),
        ("rtsp://me:${SECRET_KEY}@cam/1", "variable"),
        ("${file:/etc/passwd}", "variable"),
        ("rtsp://cam/1\n", "control characters"),
        ("/etc/passwd", "files are not allowed"),
        ("file:///etc/passwd", "files are not allowed"),
        ("usb:0", "devices are not allowed"),
        ("/dev/video0", "devices are not allowed"),
    ],
)
def test_what_must_not_be_opened_is_refused_with_a_reason(source: str, reason: str) -> None:
    with pytest.raises(ConfigError, match=reason) as caught:
        check_source(camera(source), NOTHING, resolve=names)

    assert "pw" not in str(caught.value)


@pytest.mark.parametrize("source", ["rtsp://cam/1", "http://10.0.0.5:8080/stream", "rtsp://[fd12::5]/1"])
def test_cameras_of_the_network_are_allowed(source: str) -> None:
    check_source(camera(source), NOTHING, resolve=names)


def test_a_decimal_spelling_is_resolved_as_the_system_does() -> None:
    with pytest.raises(ConfigError, match="link-local"):
        check_source(camera("http://2852039166/"), NOTHING)


def test_only_the_allowed_folder_is_open_whatever_leads_out_of_it(tmp_path: Path) -> None:
    folder, secret = tmp_path / "videos", tmp_path / "secret.mp4"
    folder.mkdir()
    secret.touch()
    (folder / "link.mp4").symlink_to(secret)
    allowed = ApiCameraSettings(folder=str(folder))

    check_source(camera(str(folder / "gate 1.mp4")), allowed)
    check_source(camera(f"file://{folder}/gate%201.mp4"), allowed)
    for outside in (secret, folder / ".." / "secret.mp4", folder / "link.mp4", f"file://{folder}/%2e%2e/secret.mp4"):
        with pytest.raises(ConfigError, match="outside the folder"):
            check_source(camera(str(outside)), allowed)


def test_devices_are_open_where_the_site_says_so() -> None:
    check_source(camera("usb:0"), ApiCameraSettings(devices=True))


def test_a_name_that_is_not_known_yet_may_be_written_down_but_not_opened() -> None:
    check_source(camera("rtsp://later/1"), NOTHING, resolve=names)

    with pytest.raises(CameraUnreachable, match="later"):
        check_source(camera("rtsp://later/1"), NOTHING, resolve=names, must_resolve=True)


def test_a_password_that_nobody_can_read_any_more_is_told_and_tried_on_no_camera() -> None:
    stored = sealed_source(Seal(b"k" * 32), "gate-1", "rtsp://me:pw@cam/1")

    with pytest.raises(ConfigError, match="SECRET_KEY is not the one"):
        open_checked(NOTHING, camera(stored))


def test_only_cameras_of_the_api_are_checked() -> None:
    site = SiteSettings(name="test")
    declared = Assignment(camera=camera("/etc/passwd"), revision=1, epoch=1)
    ours = declared.model_copy(update={"managed": "api"})

    assert opener(declared, site) is open_source
    with pytest.raises(ConfigError, match="files are not allowed"):
        opener(ours, site)(ours.camera)
