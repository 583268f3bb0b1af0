"""`safe-yolo detection`: what a person types, onto an `OperatorSwitch`."""

from typing import Annotated

import typer

from cluster.operation.operator_words import DETECTION, chosen, duration
from cluster.operation.word_options import AsJson, Cameras, Config, Every, Reason, show, switch_of, tell, warn_of_left

detection_app = typer.Typer(help="Switch the detection of cameras off and on; frames go on.", no_args_is_help=True)
_NOTHING = "nobody has switched detection off"


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
    tell(switch_of(DETECTION, config).off(cameras, duration(lasts) if lasts else None, reason), _NOTHING)


@detection_app.command()
def on(camera: Cameras = None, every: Every = False, reason: Reason = "", config: Config = "") -> None:
    """End what `off` with the same cameras said: what is configured holds again."""
    cameras = chosen(camera or [], every)
    left = switch_of(DETECTION, config).on(cameras, reason)
    warn_of_left(left, cameras, every, "detection on")
    tell(left, _NOTHING)


@detection_app.command()
def status(as_json: AsJson = False, config: Config = "") -> None:
    """Whose detection is switched off, since when, until when, by whom and why."""
    show(switch_of(DETECTION, config).words(), as_json, _NOTHING)
