"""Where the cameras are, as the nodes' agents need to know it. Pure."""

from collections.abc import Collection, Iterable, Mapping

from cluster.camera.places import CameraPlace, Places
from deployments.cameras.watched import Watched


def places_of(
    wanted: Iterable[str], watched: Mapping[str, Watched], nodes: Collection[str], *, complete: bool
) -> Places:
    """`nodes`: those that live. `complete`: `wanted` is all that should run."""
    return Places({camera_id: _place(watched.get(camera_id), nodes) for camera_id in wanted}, complete)


def _place(watched: Watched | None, nodes: Collection[str]) -> CameraPlace:
    """An actor that is silent is still at home where it was, as long as that node lives: it starts there again, and
    finds its outbox free. But only one that answers says what it goes on with."""
    report = watched.report if watched is not None else None
    if watched is None or report is None or report.node_id not in nodes:
        return CameraPlace("")
    if watched.missed or report.standby:
        return CameraPlace(report.node_id)
    return CameraPlace(report.node_id, report.epoch, frozenset(report.open_events))


def owners_of(places: Places, *, without: Collection[str]) -> dict[str, CameraPlace]:
    """Those that watch under a lease and say what they go on with; `without`: cameras of which words still wait."""
    return {name: place for name, place in places.cameras.items() if place.epoch and name not in without}
