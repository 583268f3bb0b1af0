"""Two nodes with cameras: the Detector scales, a node dies, a node is added.

How long it took is printed (pytest -rP); only generous limits end a broken test. Each camera is a process of its own:
eight of them in the short form, NODES_CAMERAS=16 for the long one.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from counterparts.postgres import PostgresServer
from counterparts.ray_nodes import wait_for
from counterparts.s3 import S3Server
from counterparts.simulated_site import SimulatedSite, SiteSlot, open_site, walk
from counterparts.visits import UNDISTURBED, Visit

pytestmark = pytest.mark.timeout(900)

CAMERAS = int(os.environ.get("NODES_CAMERAS", "8"))
MOVED = "the camera moved to another node"
MOVED_WITHIN_S = 240.0
"""Ends a broken test on a busy machine; the figure that counts is printed."""
_PATIENT_S = 10.0
"""Longer than every camera's turn at one slow replica: only a call that scaling lost goes unanswered."""
_AUTOSCALED: dict[str, Any] = {
    "autoscaling_config": {
        "min_replicas": 1,
        "max_replicas": 4,
        "target_ongoing_requests": CAMERAS / 6,
        "metrics_interval_s": 1,
        "look_back_period_s": 3,
        "upscale_delay_s": 1,
        "downscale_delay_s": 4,
    },
    "graceful_shutdown_timeout_s": 2 * _PATIENT_S,
    "ray_actor_options": {"num_cpus": 0, "num_gpus": 0.25},
}


@pytest.fixture
def nodes(site_slot: SiteSlot, postgres_server: PostgresServer, s3_server: S3Server) -> Iterator[SimulatedSite]:
    """The head without cameras, `left` and `right` with a (fake) GPU each; every node has a disk of its own."""

    def make(stack: ExitStack) -> SimulatedSite:
        database, bucket = postgres_server.new_database(), s3_server.new_bucket()
        site = stack.enter_context(open_site(database, bucket, s3_server.endpoint, num_cpus=0))
        for name in ("left", "right"):
            site.nodes.add(name, num_cpus=8, num_gpus=1)
        site.detector = _AUTOSCALED
        names = (f"gate-{number}" for number in range(1, CAMERAS + 1))
        site.watch(*names, detect_fps=4.0, detector_deadline_s=_PATIENT_S)
        site.deploy()
        return site

    postgres_server.start()
    site = site_slot.take("nodes", make)
    for name in {"left", "right"} - set(site.nodes.names()):
        site.nodes.add(name, num_cpus=8, num_gpus=1)
    site.wait_until_watched(limit_s=MOVED_WITHIN_S)
    wait_for("both have their share", lambda: min(len(_on(site, name)) for name in ("left", "right")), MOVED_WITHIN_S)
    yield site
    postgres_server.thaw()
    site.switches.set()
    site.empty()


def test_the_detector_scales_up_and_down_with_the_cameras_and_drops_no_call(nodes: SimulatedSite) -> None:
    replicas = "detector#Detector"
    wait_for("one replica is enough", lambda: len(nodes.replicas(replicas)) == 1)
    before, late = _unanswered(nodes), _dropped(nodes)

    nodes.switches.set(delay_s=0.3)
    slow_s = time.monotonic()
    wait_for("it scales up", lambda: len(nodes.replicas(replicas)) == 4, MOVED_WITHIN_S)
    print(f"4 replicas {time.monotonic() - slow_s:.1f} s after the answers became slow")
    nodes.switches.set()
    quick_s = time.monotonic()
    wait_for("it scales down", lambda: len(nodes.replicas(replicas)) == 1, MOVED_WITHIN_S)
    print(f"1 replica {time.monotonic() - quick_s:.1f} s after they became quick")

    print(f"frames dropped meanwhile (too late on this machine): {sum((_dropped(nodes) - late).values())}")
    settled_s = time.monotonic()
    wait_for("no call of that time is under way any more", lambda: _all_looked_since(nodes, settled_s))
    assert _unanswered(nodes) == before
    assert {report.error for report in nodes.detectors()} == {""}


def test_cameras_of_a_node_that_dies_run_on_the_other_and_tell_no_episode_twice(nodes: SimulatedSite) -> None:
    visit = Visit(nodes)
    visit.come()
    victims, opened = _on(nodes, "left"), {name: visit.open_ids(name) for name in nodes.camera_ids}

    nodes.nodes.kill("left")
    dead_s = time.monotonic()
    wait_for("its cameras are watched on the other node", lambda: victims <= _on(nodes, "right"), MOVED_WITHIN_S)
    print(f"{len(victims)} cameras watched on the other node after {time.monotonic() - dead_s:.1f} s")

    def taken_up() -> bool:
        return all(visit.revised(opened[name]) for name in victims)

    wait_for("their episodes are taken up", taken_up, instead=nodes.still_open)
    still_open = {name: visit.open_ids(name) for name in nodes.camera_ids}
    visit.leave()

    assert victims
    assert still_open == opened
    assert visit.told() == dict.fromkeys(nodes.camera_ids, UNDISTURBED)
    _assert_one_owner_at_a_time(nodes)


def test_what_a_dead_node_had_accepted_is_told_when_its_disk_comes_back(
    nodes: SimulatedSite, postgres_server: PostgresServer
) -> None:
    victims = _on(nodes, "left")
    postgres_server.freeze()
    walk(nodes, (0.2, 0.4, 0.3, 0.9))
    accepted = wait_for("the outboxes fill", lambda: _accepted(nodes.nodes.disk("left"), victims))
    nodes.nodes.kill("left")
    postgres_server.thaw()
    wait_for("its cameras are watched on the other node", lambda: victims <= _on(nodes, "right"), MOVED_WITHIN_S)
    walk(nodes)

    nodes.nodes.add("left", num_cpus=8, num_gpus=1)
    back_s = time.monotonic()

    def told() -> bool:
        return accepted <= {event.event_id for event in nodes.events()}

    wait_for("what it had accepted is told", told, MOVED_WITHIN_S)
    print(f"{len(accepted)} events of the dead node told {time.monotonic() - back_s:.1f} s after its disk came back")
    nodes.empty()
    _assert_one_owner_at_a_time(nodes)


def test_cameras_move_to_a_node_that_is_added_one_at_a_time(nodes: SimulatedSite) -> None:
    before, most_away = nodes.camera_actors(), 0
    nodes.nodes.add("third", num_cpus=8, num_gpus=1)
    added_s = time.monotonic()

    def moved() -> bool:
        nonlocal most_away
        reports = nodes.reports().values()
        away = sum(report.status != "MONITORED" for report in reports)
        most_away = max(most_away, away)
        return len(_on(nodes, "third")) >= CAMERAS // 4

    wait_for("cameras move", moved, MOVED_WITHIN_S)
    there, took_s = len(_on(nodes, "third")), time.monotonic() - added_s
    print(f"{there} cameras moved in {took_s:.1f} s, at most {most_away} away at once")

    assert most_away <= 1
    assert len(set(before.values()) & set(nodes.camera_actors().values())) >= CAMERAS // 2, "the others stay"
    _assert_one_owner_at_a_time(nodes)


def _on(site: SimulatedSite, node: str) -> set[str]:
    """Cameras that are watched on `node`."""
    node_id = site.nodes.id_of(node)
    reports = site.reports().values()
    return {report.camera_id for report in reports if report.node_id == node_id and report.status == "MONITORED"}


def _all_looked_since(site: SimulatedSite, moment_s: float) -> bool:
    """A camera has one call under way at a time: a frame looked at after `moment_s` follows every call before it."""
    ages = [report.inference_age_s for report in site.found(set(site.camera_ids))]
    elapsed_s = time.monotonic() - moment_s
    return all(age is not None and age + _PATIENT_S < elapsed_s for age in ages)


def _unanswered(site: SimulatedSite) -> dict[str, int]:
    """Calls to the Detector that failed, by camera."""
    return {name: report.unanswered_frames for name, report in site.reports().items()}


def _dropped(site: SimulatedSite) -> Counter[str]:
    return Counter({name: report.dropped_frames for name, report in site.reports().items()})


def _accepted(disk: Path, cameras: set[str]) -> set[str]:
    """Ids of the events in the outboxes of `cameras` on `disk`, once each of them has one."""
    found: dict[str, set[str]] = {camera: set() for camera in cameras}
    for camera, ids in found.items():
        for file in (disk / "outbox" / camera).rglob("*.json"):
            try:
                ids |= {event["event_id"] for event in json.loads(file.read_text()).get("events", [])}
            except (OSError, ValueError):
                continue  # renamed between the two calls
    return set().union(*found.values()) if all(found.values()) else set()


def _assert_one_owner_at_a_time(site: SimulatedSite) -> None:
    """Who tells of a camera later than another one did has a higher epoch; what a node's agent ends is of the dead."""
    for camera_id in site.camera_ids:
        seen = [event for event in site.told(None, camera_id) if event.detail.get("reason") != MOVED]
        told = sorted(seen, key=lambda event: event.updated_at)
        epochs = [event.epoch for event in told]
        lines = [f"{row.epoch} {row.event_type} {row.state} {row.updated_at} {row.detail}" for row in told]
        assert epochs == sorted(epochs), "\n".join([camera_id, *lines])
