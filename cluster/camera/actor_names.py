"""The Ray names of camera actors: how everybody finds them, and an operator sees them in the dashboard."""

CAMERA_NAMESPACE = "cameras"
_PREFIX = "camera:"
_NUMBER = "~"


def actor_name(camera_id: str, number: int = 0) -> str:
    """`camera:gate-1`; its successors are `camera:gate-1~1`, `~2`, ..., because both live for some seconds."""
    return f"{_PREFIX}{camera_id}{_NUMBER}{number}" if number else f"{_PREFIX}{camera_id}"


def parse_actor_name(name: str) -> tuple[str, int] | None:
    """(camera_id, number) of a camera actor's name; None: another actor's."""
    if not name.startswith(_PREFIX):
        return None
    camera_id, _, number = name.removeprefix(_PREFIX).partition(_NUMBER)
    if not camera_id or (number and not number.isdecimal()):
        return None
    return camera_id, int(number or 0)


def successor_name(name: str) -> str:
    """The name of the actor that follows the one called `name`.

    Raises:
        ValueError: `name` is none of a camera actor.
    """
    parsed = parse_actor_name(name)
    if parsed is None:
        raise ValueError(f"{name!r} is not the name of a camera actor")
    return actor_name(parsed[0], parsed[1] + 1)
