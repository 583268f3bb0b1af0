"""Fractions that fill a GPU, targets that cameras can exceed, and the file for GPU nodes."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from cluster.operation.config_check import check_config
from cluster.operation.detector_scaling import (
    fraction_fault,
    most_replicas,
    scaling_findings,
)
from cluster.operation.findings import Level
from cluster.operation.serve_file import load_serve_file
from cluster.safety.errors import ConfigError
from cluster.settings.base import PROJECT_ROOT
from cluster.settings.models import FRAMES_IN_FLIGHT_PER_CAMERA

GPU = PROJECT_ROOT / "configs" / "serve" / "gpu.yaml"
CPU = PROJECT_ROOT / "serve_config.yaml"


def read(file: Path) -> dict[str, Any]:
    content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return content


def detector_of(content: dict[str, Any]) -> dict[str, Any]:
    deployment: dict[str, Any] = content["applications"][0]["deployments"][0]
    return deployment


def deployment(**changes: Any) -> dict[str, Any]:
    return copy.deepcopy(detector_of(read(GPU))) | changes


@pytest.mark.parametrize("num_gpus", [0, 1, 2, 4.0, 0.5, 0.25, 0.2, 0.125, 0.3333, 0.1])
def test_fractions_that_fill_a_gpu_are_taken(num_gpus: float) -> None:
    assert fraction_fault(num_gpus) is None


@pytest.mark.parametrize(
    ("num_gpus", "mend"),
    [
        (0.3, "write 0.25 or 0.3333"),
        (0.4, "write 0.3333 or 0.5"),
        (0.75, "write 0.5 or 1"),
        (1.5, "write 1"),
        (0.3334, "write 0.3333 or 0.5"),
    ],
)
def test_other_fractions_are_refused_with_those_that_fit(num_gpus: float, mend: str) -> None:
    assert fraction_fault(num_gpus) == ("is neither a whole number nor 1/n, so GPUs could never be filled", mend)


def test_a_fraction_that_does_not_fit_is_one_line_with_its_place(tmp_path: Path) -> None:
    content = read(GPU)
    detector_of(content)["ray_actor_options"]["num_gpus"] = 0.3
    (file := tmp_path / "gpu.yaml").write_text(yaml.safe_dump(content))

    with pytest.raises(ConfigError) as refused:
        load_serve_file(str(file))

    assert "applications[0].deployments[0].ray_actor_options.num_gpus = 0.3: is neither" in str(refused.value)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(("cameras", "target", "replicas"), [(16, 6, 3), (48, 6, 8), (4, 6, 1), (6, 6, 1), (7, 6, 2)])
def test_cameras_that_all_wait_bring_so_many_replicas(cameras: int, target: float, replicas: int) -> None:
    assert most_replicas(cameras, target) == replicas


@pytest.mark.parametrize(
    ("changes", "cameras", "warnings"),
    [
        ({}, 16, []),
        ({}, 6, ["6 cameras have at most 6 frames on their way"]),
        ({}, 1, ["1 camera has at most 1 frames on their way"]),
        ({"autoscaling_config": {"min_replicas": 1, "max_replicas": 1}}, 1, []),
        ({"autoscaling_config": {"min_replicas": 2, "max_replicas": 4, "target_ongoing_requests": 6}}, 12, ["12 cam"]),
        ({"autoscaling_config": {"min_replicas": 2, "max_replicas": 4, "target_ongoing_requests": 6}}, 13, []),
        ({"autoscaling_config": None, "num_replicas": 2}, 1, []),
        ({"max_ongoing_requests": 8}, 16, ["a batch of 16 is never full"]),
        ({"max_ongoing_requests": 8, "ray_actor_options": {"num_gpus": 0}}, 16, []),
    ],
)
def test_what_would_never_scale_or_never_fill_a_batch_is_a_warning(
    changes: dict[str, Any], cameras: int, warnings: list[str]
) -> None:
    found = list(scaling_findings("gpu.yaml", "applications[0].deployments[0]", deployment(**changes), cameras))

    assert [finding.level for finding in found] == [Level.WARNING] * len(warnings)
    for finding, warning in zip(found, warnings, strict=True):
        assert warning in finding.text
        assert finding.subject.startswith("gpu.yaml: applications[0].deployments[0].")


def test_the_file_for_gpu_nodes_has_no_fault() -> None:
    serve, findings = check_config(str(GPU), demo_clip_follows=True)

    assert serve is not None
    assert [finding for finding in findings if finding.level is Level.ERROR] == []


def test_the_file_for_gpu_nodes_differs_only_in_what_gpus_need() -> None:
    gpu, cpu = read(GPU), read(CPU)
    ours, theirs = detector_of(gpu), detector_of(cpu)
    of_gpus = {"autoscaling_config", "max_surge_percent", "graceful_shutdown_timeout_s", "ray_actor_options"}
    of_batches = {"max_batch_size", "batch_wait_s", "image_size"}
    for each in (ours, theirs):
        for key in of_gpus:
            each.pop(key, None)
        for key in of_batches:
            each["user_config"].pop(key, None)

    assert gpu == cpu


def test_the_target_for_gpu_nodes_is_what_its_comment_computes() -> None:
    scaling = detector_of(read(GPU))["autoscaling_config"]

    assert scaling["target_ongoing_requests"] == 12 * min(FRAMES_IN_FLIGHT_PER_CAMERA, 5 * 0.1)
    assert scaling["metrics_interval_s"] < scaling["look_back_period_s"]


def test_a_misspelt_key_of_autoscaling_is_named(tmp_path: Path) -> None:
    content = read(GPU)
    detector_of(content)["autoscaling_config"]["max_replica"] = 4
    (file := tmp_path / "gpu.yaml").write_text(yaml.safe_dump(content))

    with pytest.raises(ConfigError, match=r"deployments\[0\]\.autoscaling_config\.max_replica"):
        load_serve_file(str(file))


def test_a_model_that_nobody_can_prove_is_a_warning(tmp_path: Path) -> None:
    models = read(PROJECT_ROOT / "configs" / "models.yaml")
    models["models"][0]["classes"] = {"Fall": "fallen_person"}
    (file := tmp_path / "models.yaml").write_text(yaml.safe_dump(models))

    _, findings = check_config(str(CPU), models_file=str(file), demo_clip_follows=True)

    assert any("cannot be proved" in finding.text for finding in findings if finding.level is Level.WARNING)
