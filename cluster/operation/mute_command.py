"""`safe-yolo mute`: what a person types, onto an `OperatorSwitch`."""

from typing import Annotated

import typer

from cluster.operation import ray_state
from cluster.operation.detection_command import Cameras, Config, Every, Reason
from cluster.operation.operator_words import ALL, NOTIFICATIONS, OperatorSwitch, Word, chosen, duration
from cluster.operation.printing import complain, say, show_json
from cluster.operation.serve_file import SERVE_FILE, load_serve_file

mute_app = typer.Typer(
    help="Keep quiet about cameras for a while: cameras, detection and events go on.", no_args_is_help=True
)


@mute_app.command()
def on(
    lasts: Annotated[str, typer.Option("--for", metavar="TIME", help="90s, 30m, 8h or 2d; a quiet has an end.")],
    camera: Cameras = None,
    every: Every = False,
    reason: Reason = "",
    config: Config = "",
) -> None:
    """Nobody is notified of what begins now. What is still open at the end, and not acknowledged, is told then."""
    cameras = chosen(camera or [], every)
    _tell(_switch(config).off(cameras, duration(lasts), reason))


@mute_app.command()
def off(camera: Cameras = None, every: Every = False, reason: Reason = "", config: Config = "") -> None:
    """End what `on` with the same cameras said; what is still open and was kept quiet about is told at once."""
    cameras = chosen(camera or [], every)
    left = _switch(config).on(cameras, reason)
    for word in left:
        if every or word.camera_id in (ALL, *cameras):
            again = "--all" if word.camera_id == ALL else f"--camera {word.camera_id}"
            complain(f"warning: {word}; `safe-yolo mute off {again}` ends that")
    _tell(left)


@mute_app.command()
def status(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")] = False, config: Config = ""
) -> None:
    """About which cameras there is quiet, since when, until when, by whom and why."""
    words = _switch(config).words()
    show_json([word.as_json() for word in words]) if as_json else _tell(words)


def _switch(config: str) -> OperatorSwitch:
    state = ray_state.load()
    serve = load_serve_file(config or (state.config if state is not None else "") or SERVE_FILE)
    return OperatorSwitch(NOTIFICATIONS, serve)


def _tell(words: list[Word]) -> None:
    for word in words:
        say(str(word))
    if not words:
        say("no camera is muted")
