"""A source that is tried: in a process of its own, which has no secrets and is ended in time."""

import asyncio
import base64
import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from cluster.camera.source_trial import trial
from cluster.settings.cameras import CameraSettings
from cluster.settings.site import ApiCameraSettings
from deployments.ingress import source_trial
from deployments.ingress.source_trial import SourceTrial

CAMERA = CameraSettings(camera_id="test", source="rtsp://me:Geheim1@127.0.0.1:9/1")


def tried(program: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, deadline_s: float = 10.0) -> dict[str, Any]:
    """What comes of it when the process is `program`."""
    script = tmp_path / "python"
    script.write_text(f"#!/bin/sh\n{program}\n")
    script.chmod(0o755)
    monkeypatch.setattr(source_trial.sys, "executable", str(script))
    return asyncio.run(SourceTrial(ApiCameraSettings(), deadline_s)(CAMERA))


def test_its_answer_is_the_last_line_that_it_prints(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = tried("""echo noise; echo '{"ok": true, "width": 640}'""", monkeypatch, tmp_path)

    assert answer == {"ok": True, "width": 640}


def test_a_process_that_hangs_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    answer = tried(f"echo $$ > {tmp_path}/pid; exec sleep 60", monkeypatch, tmp_path, deadline_s=0.5)

    assert (answer["ok"], answer["code"]) == (False, "stalled")
    with pytest.raises(ProcessLookupError):
        os.kill(int((tmp_path / "pid").read_text()), 0)


@pytest.mark.parametrize("program", ["kill -SEGV $$", "exit 0", "echo no JSON"])
def test_a_process_that_crashes_is_a_source_that_gives_nothing(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, program: str
) -> None:
    answer = tried(program, monkeypatch, tmp_path)

    assert (answer["ok"], answer["code"]) == (False, "error")


def test_it_gets_nothing_of_the_environment_that_may_be_secret(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("SECRET_KEY", "T0pS3cret")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "T0pS3cret")

    tried(f"env > {tmp_path}/env; cat > {tmp_path}/stdin", monkeypatch, tmp_path)

    assert "T0pS3cret" not in (tmp_path / "env").read_text()
    assert "Geheim1" not in (tmp_path / "env").read_text()
    assert "Geheim1" in (tmp_path / "stdin").read_text()


def test_a_source_that_answers_nothing_says_why_and_what_to_do_without_the_password() -> None:
    answer = trial(CAMERA, ApiCameraSettings())

    assert (answer["ok"], answer["code"], answer["width"]) == (False, "unreachable", None)
    assert "Geheim1" not in str(answer)


def test_a_source_that_is_not_allowed_is_not_opened_in_the_process_either() -> None:
    answer = trial(CameraSettings(camera_id="test", source="/etc/passwd"), ApiCameraSettings())

    assert (answer["ok"], answer["code"]) == (False, "config")
    assert "files are not allowed" in answer["reason"]


def test_its_picture_is_small_and_hides_what_the_masks_hide(tmp_path: Path) -> None:
    clip = cv2.VideoWriter(str(tmp_path / "clip.avi"), cv2.VideoWriter_fourcc(*"MJPG"), 10, (1280, 720))
    for _ in range(3):
        clip.write(np.full((720, 1280, 3), 200, np.uint8))
    clip.release()
    left_half = ((0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0))
    camera = CameraSettings(camera_id="test", source=str(tmp_path / "clip.avi"), privacy_masks=(left_half,))

    answer = trial(camera, ApiCameraSettings(folder=str(tmp_path)))

    picture = cv2.imdecode(np.frombuffer(base64.b64decode(answer["picture"]), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    assert (answer["ok"], answer["width"], picture.shape) == (True, 1280, (360, 640, 3))
    assert picture[:, :310].max() < 30 < 150 < picture[:, 330:].min()
