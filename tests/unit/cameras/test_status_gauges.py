"""What every camera is worth, as gauges."""

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from cluster.safety.status import CameraStatus
from cluster.telemetry import metrics
from deployments.cameras.status_gauges import StatusGauges


@pytest.fixture
def said(monkeypatch: pytest.MonkeyPatch) -> dict[tuple[str, ...], float]:
    """The newest value of each gauge by its name and labels."""
    values: dict[tuple[str, ...], float] = {}

    def note(name: str) -> Callable[..., None]:
        return lambda value, tags=None: values.__setitem__((name, *(tags or {}).values()), value)

    for name in ("camera_status", "cameras", "cameras_unmonitored"):
        monkeypatch.setattr(getattr(metrics, name), "set", note(name))
    monkeypatch.setattr(metrics.camera_status, "forget", lambda tags: values.pop(("camera_status", *tags.values())))
    return values


def reports(**cameras: CameraStatus) -> Any:
    return [SimpleNamespace(camera_id=camera_id, status=status) for camera_id, status in cameras.items()]


def test_a_camera_has_one_status(said: dict[tuple[str, ...], float]) -> None:
    gauges = StatusGauges()
    gauges.export(reports(gate=CameraStatus.MONITORED))

    gauges.export(reports(gate=CameraStatus.UNMONITORED, door=CameraStatus.MONITORED))

    of_gate = {labels[2]: value for labels, value in said.items() if labels[:2] == ("camera_status", "gate")}
    assert of_gate == {status.value: float(status is CameraStatus.UNMONITORED) for status in CameraStatus}
    assert said["cameras", "MONITORED"] == 1
    assert said["cameras_unmonitored",] == 1


def test_a_camera_that_is_gone_has_none(said: dict[tuple[str, ...], float]) -> None:
    gauges = StatusGauges()
    gauges.export(reports(gate=CameraStatus.UNMONITORED))

    gauges.export(reports())

    assert not [labels for labels in said if labels[0] == "camera_status"]
    assert said["cameras_unmonitored",] == 0


def test_what_did_not_change_is_not_said_again(said: dict[tuple[str, ...], float]) -> None:
    gauges = StatusGauges()
    gauges.export(reports(gate=CameraStatus.MONITORED))
    said.clear()

    gauges.export(reports(gate=CameraStatus.MONITORED))

    assert not [labels for labels in said if labels[0] == "camera_status"]
