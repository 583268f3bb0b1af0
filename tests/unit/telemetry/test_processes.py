"""Memory by what a process is."""

import os

import psutil
import pytest

from cluster.telemetry.processes import ROLES, memory_by_role, role_of


@pytest.mark.parametrize(
    ("title", "role"),
    [
        ("ray::CameraActor", "camera"),
        ("ray::CameraActor.picture()", "camera"),
        ("ray::ServeReplica:detector:Detector", "detector"),
        ("ray::ServeReplica:cameras:Recorder", "recorder"),
        ("ray::ServeReplica:cameras:CameraSupervisor", "supervisor"),
        ("ray::ServeReplica:ingress:Ingress", "ingress"),
        ("ray::NodeAgent", "node-agent"),
        ("ray::IDLE", "ray"),
        ("/usr/bin/python3", "ray"),
    ],
)
def test_a_process_is_known_by_what_ray_writes_into_its_command_line(title: str, role: str) -> None:
    assert role_of([title]) == role


def test_a_process_that_shows_no_command_line_is_rays() -> None:
    assert role_of([]) == "ray"


def test_every_role_has_a_number() -> None:
    memory = memory_by_role(os.getpid())

    assert memory.keys() == set(ROLES)
    assert memory["ray"] >= psutil.Process().memory_info().rss / 2
    assert memory["camera"] == 0


def test_a_node_process_that_is_gone_is_said() -> None:
    with pytest.raises(psutil.Error):
        memory_by_role(2**22 + 1)
