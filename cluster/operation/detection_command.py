"""`safe-yolo detection`: what a person types, onto an `OperatorSwitch`."""

from typing import Annotated

import typer

from cluster.operation import ray_state
from cluster.operation.operator_words import ALL, DETECTION, OperatorSwitch, Word, chosen, duration
from cluster.operation.printing import complain, say, show_json
from cluster.operation.serve_file import SERVE_FILE, load_serve_file

detection_app = typer.Typer(help="Switch the detection of cameras off and on; frames go on.", no_args_is_help=True)

Cameras = Annotated[list[str] | None, typer.Option("--camera", metavar="ID", help="This camera; may be repeated.")]
Every = Annotated[bool, typer.Option("--all", help="All cameras, also those to come.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever reads the status of the camera.")]
Config = Annotated[str, typer.Option("--config", "-c", help="The Serve configuration. Default: of the site that runs.")]


@detection_app.command()
def off(
    camera: Cameras = None,
    every: Every = False,
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="90s, 30m, 8h or 2d; else until `on`.")] = "",
    reason: Reason = "",
    config: Config = "",
) -> None:
    """Frames stream on, nothing is detected, and the camera is DEGRADED and says who did that. Acts within seconds."""
    cameras = chosen(camera or [], every)
    _tell(_switch(config).off(cameras, duration(lasts) if lasts else None, reason))


@detection_app.command()
def on(camera: Cameras = None, every: Every = False, reason: Reason = "", config: Config = "") -> None:
    """End what `off` with the same cameras said: what is configured holds again."""
    cameras = chosen(camera or [], every)
    left = _switch(config).on(cameras, reason)
    for word in left:
        if every or word.camera_id in (ALL, *cameras):
            again = "--all" if word.camera_id == ALL else f"--camera {word.camera_id}"
            complain(f"warning: {word}; `safe-yolo detection on {again}` ends that")
    _tell(left)


@detection_app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False, config: Config = ""
) -> None:
    """Whose detection is switched off, since when, until when, by whom and why."""
    words = _switch(config).words()
    show_json([word.as_json() for word in words]) if as_json else _tell(words)


def _switch(config: str) -> OperatorSwitch:
    state = ray_state.load()
    return OperatorSwitch(
        DETECTION, load_serve_file(config or (state.config if state is not None else "") or SERVE_FILE)
    )


def _tell(words: list[Word]) -> None:
    for word in words:
        say(str(word))
    if not words:
        say("nobody has switched detection off")
