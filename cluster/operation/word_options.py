"""What `safe-yolo detection` and `safe-yolo mute` have in common: their options, and how words are said."""

from typing import Annotated

import typer

from cluster.operation import ray_state
from cluster.operation.operator_words import ALL, OperatorSwitch, Subject, Word
from cluster.operation.printing import complain, say, show_json
from cluster.operation.serve_file import SERVE_FILE, load_serve_file
from cluster.settings.load import load_site
from cluster.settings.site import SiteSettings

Cameras = Annotated[list[str] | None, typer.Option("--camera", metavar="ID", help="This camera; may be repeated.")]
Every = Annotated[bool, typer.Option("--all", help="All cameras, also those to come.")]
Reason = Annotated[str, typer.Option(help="Why, for whoever reads the status of the camera.")]
Config = Annotated[str, typer.Option("--config", "-c", help="The Serve configuration. Default: of the site that runs.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]


def switch_of(subject: Subject, config: str) -> OperatorSwitch:
    """Of the configuration that is named, else of the site that runs, else of the shipped one."""
    return OperatorSwitch(subject, load_serve_file(_chosen(config)))


def load_chosen_site(config: str) -> SiteSettings:
    """The site's file of the same configuration."""
    return load_site(load_serve_file(_chosen(config)).site_file)


def _chosen(config: str) -> str:
    state = ray_state.load()
    return config or (state.config if state is not None else "") or SERVE_FILE


def warn_of_left(left: list[Word], cameras: list[str], every: bool, again: str) -> None:
    """Words that still hold for `cameras` although theirs were taken back; `again` is the command that ends them."""
    for word in left:
        if every or word.camera_id in (ALL, *cameras):
            which = "--all" if word.camera_id == ALL else f"--camera {word.camera_id}"
            complain(f"warning: {word}; `safe-yolo {again} {which}` ends that")


def tell(words: list[Word], nothing: str) -> None:
    """One line a word; `nothing` if there is none."""
    for word in words:
        say(str(word))
    if not words:
        say(nothing)


def show(words: list[Word], as_json: bool, nothing: str) -> None:
    """For a program or a person."""
    show_json([word.as_json() for word in words]) if as_json else tell(words, nothing)
