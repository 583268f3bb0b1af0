"""Cameras in the database that another release accepted."""

from types import SimpleNamespace
from typing import Any

import pytest
from pydantic import ValidationError

from cluster.settings.cameras import CameraSettings
from cluster.storage.cameras import _camera

SELDOM = {"camera_id": "gate-1", "source": "rtsp://cam/1", "detect_fps": 0.1, "degraded_after_s": 5.0}


def test_a_camera_that_was_stored_before_a_rule_goes_on_though_it_would_not_be_taken_now() -> None:
    with pytest.raises(ValidationError, match="too short for detect_fps"):
        CameraSettings.model_validate(SELDOM)

    row: Any = SimpleNamespace(settings=SELDOM, revision=3, camera_id="gate-1")
    stored = _camera(row)

    assert stored is not None
    assert (stored.settings.detect_fps, stored.revision) == (0.1, 3)
