"""Variables and passwords in the address of a camera."""

import pytest

from cluster.camera.source_address import NetworkAddress, expanded_address
from cluster.safety.errors import ConfigError
from cluster.settings.cameras import CameraSettings

VALUES = {
    "USER": "admin",
    "PW": "p@ss/w0:#rd?",
    "ENCODED": "p%40ss",
    "PERCENT": "50%",
    "HOST": "10.0.0.5",
    "URL": "rtsp://a:b@c/d",
}


def expanded(source: str) -> str:
    return expanded_address(CameraSettings(camera_id="gate-1", source=source), VALUES)


@pytest.mark.parametrize(
    ("source", "address"),
    [
        ("rtsp://cam/1", "rtsp://cam/1"),
        ("rtsp://admin:${PW}@cam/1", "rtsp://admin:p%40ss%2Fw0%3A%23rd%3F@cam/1"),
        ("rtsp://${USER}:${ENCODED}@cam/1", "rtsp://admin:p%40ss@cam/1"),
        ("rtsp://${USER}:${PERCENT}@cam/1", "rtsp://admin:50%25@cam/1"),
        ("rtsp://${USER}:${NONE:-x/y@z}@cam/1", "rtsp://admin:x%2Fy%40z@cam/1"),
        ("rtsp://${USER}@${HOST}:8554/a@b", "rtsp://admin@10.0.0.5:8554/a@b"),
        ("rtsp://admin:p@ss@cam/1", "rtsp://admin:p%40ss@cam/1"),
        ("rtsp://cam/live@1?user=x", "rtsp://cam/live@1?user=x"),
        ("${URL}", "rtsp://a:b@c/d"),
        ("clips/${USER}@home.mp4", "clips/admin@home.mp4"),
        ("usb:0", "usb:0"),
    ],
)
def test_variables_are_filled_in_and_logins_encoded(source, address):
    assert expanded(source) == address


def test_a_variable_that_is_not_set_names_camera_and_variable():
    with pytest.raises(ConfigError, match=r"camera gate-1: source = \$\{NOPE\}: the variable is not set"):
        expanded("rtsp://admin:${NOPE}@cam/1")


def test_an_address_has_its_parts():
    address = NetworkAddress.of("rtsp://ad%40min:p%2Fw@[::1]/live?x=1", "camera gate-1")

    assert (address.host, address.port, address.path, address.user, address.password) == (
        "::1",
        554,
        "/live?x=1",
        "ad@min",
        "p/w",
    )
    assert (address.bare_url, address.public_path) == ("rtsp://[::1]:554/live?x=1", "/live")
    assert "p/w" not in repr(address)
    assert "p%2Fw" not in repr(address)


@pytest.mark.parametrize(
    "url", ["rtsp:///live", "rtsp://cam:port/live", "rtsp://cam:99999/live", "rtsp://a:b%0d%0ac@cam/1"]
)
def test_an_address_that_is_none_is_refused_without_its_password(url):
    with pytest.raises(ConfigError) as raised:
        NetworkAddress.of(url, "camera gate-1")

    assert "b%0d" not in str(raised.value)
