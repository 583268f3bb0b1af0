"""`safe-yolo mute`: what a person types, onto an `OperatorSwitch`."""

from typing import Annotated

import typer

from cluster.operation.operator_words import NOTIFICATIONS, chosen, duration
from cluster.operation.word_options import AsJson, Cameras, Config, Every, Reason, show, switch_of, tell, warn_of_left

mute_app = typer.Typer(
    help="Keep quiet about cameras for a while: cameras, detection and events go on.", no_args_is_help=True
)
_NOTHING = "no camera is muted"


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
    tell(switch_of(NOTIFICATIONS, config).off(cameras, duration(lasts), reason), _NOTHING)


@mute_app.command()
def off(camera: Cameras = None, every: Every = False, reason: Reason = "", config: Config = "") -> None:
    """End what `on` with the same cameras said; what is still open and was kept quiet about is told at once."""
    cameras = chosen(camera or [], every)
    left = switch_of(NOTIFICATIONS, config).on(cameras, reason)
    warn_of_left(left, cameras, every, "mute off")
    tell(left, _NOTHING)


@mute_app.command()
def status(as_json: AsJson = False, config: Config = "") -> None:
    """About which cameras there is quiet, since when, until when, by whom and why."""
    show(switch_of(NOTIFICATIONS, config).words(), as_json, _NOTHING)
