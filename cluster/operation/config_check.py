"""`config check`: every fault that can be seen before anything runs, each with its line."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from cluster.operation.detector_scaling import scaling_findings
from cluster.operation.findings import Finding, fault, ok, warning
from cluster.operation.notification_check import notification_findings
from cluster.operation.notification_reach import reach_findings
from cluster.operation.serve_file import ServeFile, load_serve_file
from cluster.operation.sign_in_check import sign_in_findings
from cluster.operation.weights_file import check_digest, locate
from cluster.safety.errors import (
    CameraError,
    CameraNotFound,
    CameraUnreadable,
    ConfigError,
    SafeYoloError,
    WeightsError,
)
from cluster.safety.objects import is_a
from cluster.settings.base import project_path
from cluster.settings.cameras import CameraSettings, SourceKind
from cluster.settings.environment import unset_variables
from cluster.settings.load import MODELS_FILE, load_models, load_site
from cluster.settings.models import ModelSettings

Value = TypeVar("Value")
Prove = Callable[[ModelSettings, str, str], None]
"""Has weights opened with a runtime (model, runtime, models file), or raises WeightsError."""
Probe = Callable[[CameraSettings], Any]
"""Opens a source and waits for a frame, or raises CameraError; bounds its own time."""

DEMO_CLIP = ".safe-yolo/demo.mp4"


def check_config(
    path: str,
    *,
    models_file: str = MODELS_FILE,
    demo_clip_follows: bool = False,
    prove: Prove | None = None,
    probe: Probe | None = None,
) -> tuple[ServeFile | None, list[Finding]]:
    """The checked file (None if it cannot be read at all) and one finding for each thing looked at.

    `demo_clip_follows`: the clip is about to be made, its absence is no fault. Without `prove` weights are not
    opened, without `probe` video files are not.
    """
    findings: list[Finding] = []
    serve = _kept(findings, path, lambda: load_serve_file(path))
    if serve is None:
        return None, findings
    count = len(serve.cameras.cameras)
    findings.append(ok(path, f"{count} camera{'s' if count != 1 else ''}, page on port {serve.port}"))
    detector_key = serve.keys["detector"].removesuffix(".user_config")
    findings.extend(scaling_findings(path, detector_key, serve.detector_deployment, count))
    if site := _kept(findings, serve.site_file, lambda: load_site(serve.site_file)):
        findings.append(ok(serve.site_file, f"{site.name}, {site.time_zone}"))
        findings.extend(notification_findings(serve.site_file, site))
        findings.extend(reach_findings(serve, site))
        findings.extend(sign_in_findings(serve, site))
    for index, camera in enumerate(serve.cameras.cameras):
        if demo_clip_follows and camera.source == DEMO_CLIP:
            continue
        key = f"{serve.keys['cameras']}.cameras[{index}].source"
        findings.append(_source(camera, path, key, probe))
    if chosen := _kept(findings, models_file, lambda: _model_in_service(serve, models_file)):
        key, model = chosen
        findings.extend(_objects_nobody_finds(serve, model))
        findings.append(_weights(model, serve.detector.runtime, models_file, key, prove))
        findings.extend(_detection_nobody_proves(model))
    return serve, findings


def source_fault(camera: CameraSettings, where: str, key: str) -> ConfigError | None:
    """What is wrong with the source, as far as it can be told without opening it."""
    if names := unset_variables(camera.source):
        return ConfigError(where, key, "${" + names[0] + "}", "the variable is not set", f"export {names[0]}=...")
    if camera.kind is not SourceKind.FILE:
        return None
    file = project_path(camera.source.removeprefix("file://"))
    reason = _file_fault(file)
    if not reason:
        return None
    mend = "run `make demo`, which makes it" if camera.source == DEMO_CLIP else "name a video file"
    return ConfigError(where, key, repr(camera.public_source), reason, mend)


def _file_fault(file: Path) -> str:
    if not file.exists():
        return "no such file"
    if file.is_dir():
        return "is a directory"
    return "is empty" if file.stat().st_size == 0 else ""


def _kept(findings: list[Finding], subject: str, read: Callable[[], Value]) -> Value | None:
    """What `read` gives, or None and its error among the findings."""
    try:
        return read()
    except SafeYoloError as error:
        findings.append(fault(subject, error))
        return None


def _source(camera: CameraSettings, where: str, key: str, probe: Probe | None) -> Finding:
    subject = f"camera {camera.camera_id}"
    if wrong := source_fault(camera, where, key):
        return fault(subject, wrong)
    if probe is not None and camera.kind is SourceKind.FILE:
        try:
            probe(camera)
        except (CameraUnreadable, CameraNotFound) as error:
            wrong = ConfigError(where, key, repr(camera.public_source), error.reason, error.mend)
            return fault(subject, wrong)
        except CameraError as error:  # a slow disk, say: it may pass
            return warning(subject, error.reason, error.mend)
    return ok(subject, camera.public_source)


def _model_in_service(serve: ServeFile, models_file: str) -> tuple[str, ModelSettings]:
    """The entry, and the key of its weights."""
    models = load_models(models_file)
    try:
        model = models.named(serve.detector.model)
    except KeyError as error:
        key = f"{serve.keys['detector']}.model"
        reason = str(error.args[0]).removeprefix(f"unknown model {serve.detector.model!r}, ")
        raise ConfigError(serve.path, key, repr(serve.detector.model), f"unknown model, {reason}") from error
    return f"models[{models.models.index(model)}].weights", model


def _weights(model: ModelSettings, runtime: str, models_file: str, key: str, prove: Prove | None) -> Finding:
    subject = f"model {model.name}"
    try:
        path = locate(model)
        if path is None:
            return warning(subject, f"{model.weights} is not here yet, the detector fetches it", "needs the internet")
        check_digest(model, path)
        if prove is not None:
            prove(model, runtime, models_file)
    except WeightsError as error:
        reason = error.reason if error.reason.startswith(subject) else f"{subject}: {error.reason}"
        return fault(subject, ConfigError(models_file, key, repr(model.weights), reason, error.mend))
    return ok(subject, f"{path.name}, sha256 as written, {model.licence}")


def _detection_nobody_proves(model: ModelSettings) -> Iterator[Finding]:
    """A model of noise answers as fast as a good one, and nothing but a picture tells them apart."""
    if not model.proves_detection:
        yield warning(
            f"model {model.name}",
            "knows no people and has no `canary`: that it still detects cannot be proved",
            "give it a `canary` with a picture and what must be found there",
        )


def _objects_nobody_finds(serve: ServeFile, model: ModelSettings) -> Iterator[Finding]:
    """A zone that waits for what the model cannot see is a blind zone: say it."""
    labels = set(model.classes.values())
    for camera in serve.cameras.cameras:
        for zone in camera.zones:
            wanted = {*zone.objects, *zone.require, *zone.must_contain}
            unseen = sorted(name for name in wanted if not any(is_a(label, name) for label in labels))
            if unseen:
                yield warning(
                    f"camera {camera.camera_id}",
                    f"zone {zone.zone_id} needs {', '.join(unseen)}, which model {model.name} never finds",
                    "use a model that knows it, or take it out of the zone",
                )
