"""`safe-yolo logs`: the lines of all processes in one order, only those that somebody wants, as they come."""

import json
import os
import threading
import time
from pathlib import Path

import pytest
from counterparts.waiting import wait_for

from cluster.operation.log_follow import LogFollower
from cluster.operation.log_lines import Wanted, log_sources, merged
from cluster.operation.ray_lines import ray_line
from cluster.safety.errors import ConfigError


def line(second: float, **fields: object) -> str:
    return json.dumps({"timestamp": f"2026-11-23T08:00:{second:09.6f}Z", "level": "info", "event": "x", **fields})


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two processes at once and one after them, and a half line of one that writes just now."""
    (tmp_path / "camera-gate-1.1.1.0000.jsonl").write_text(
        f"{line(1, n=1, camera_id='gate-1')}\n{line(3, n=3, camera_id='gate-1', correlation_id='gate-1-3-7')}\n"
    )
    (tmp_path / "camera-gate-1.1.1.0001.jsonl").write_text(f'{line(9, n=9, level="error")}\n{{"timest')
    (tmp_path / "recorder.1.2.0000.jsonl").write_text(
        f"{line(2, n=2)}\n{line(4, n=4, correlation_ids=['gate-1-3-7'], level='warning')}\nnot ours\n{line(5, n=5)}\n"
    )
    return tmp_path


def numbers(lines: list[str]) -> list[int]:
    return [json.loads(one)["n"] for one in lines if one.endswith("}")]


def shown(folder: Path, **wanted: str) -> list[int]:
    return numbers(list(merged(log_sources(folder, None), Wanted(**wanted))))


def test_lines_of_all_processes_come_in_the_order_of_time(folder: Path) -> None:
    assert shown(folder) == [1, 2, 3, 4, 5, 9]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ({"camera": "gate-1"}, [1, 3]),
        ({"camera": "gate"}, []),
        ({"correlation": "gate-1-3-7"}, [3, 4]),
        ({"correlation": "gate-1-3"}, []),
        ({"level": "warning"}, [4, 9]),
        ({"level": "ERROR"}, [9]),
        ({"since": "2026-11-23T08:00:04"}, [4, 5, 9]),
        ({"camera": "gate-1", "correlation": "gate-1-3-7"}, [3]),
    ],
)
def test_only_what_is_wanted_comes(folder: Path, wanted: dict[str, str], found: list[int]) -> None:
    assert shown(folder, **wanted) == found


def test_an_unknown_level_is_refused(folder: Path) -> None:
    with pytest.raises(ConfigError, match="--level"):
        Wanted(level="loud")


def test_who_follows_sees_what_comes_from_now_on_whole_lines_only(folder: Path) -> None:
    now = [0.0]
    follower = LogFollower(folder, lambda: None, Wanted(), lambda: now[0])
    assert follower.poll() == []

    with (folder / "recorder.1.2.0000.jsonl").open("a") as recorder:
        recorder.write(line(12, n=12) + "\n" + line(14, n=14))
        recorder.flush()
        with (folder / "camera-gate-1.1.1.0001.jsonl").open("a") as camera:
            camera.write('amp"}\n' + line(11, n=11) + "\n")
        assert numbers(follower.poll()[-2:]) == [11, 12]
        recorder.write("\n")
    (folder / "ingress.1.3.0000.jsonl").write_text(line(13, n=13) + "\n")
    now[0] = 3.0

    assert numbers(follower.poll()) == [13, 14]
    assert follower.poll() == []


def test_who_follows_since_a_moment_sees_what_was_written_since(folder: Path) -> None:
    follower = LogFollower(folder, lambda: None, Wanted(since="2026-11-23T08:00:04"))

    assert numbers(follower.poll()) == [4, 5, 9]


def test_a_flood_waits_in_the_files_and_not_in_memory(folder: Path) -> None:
    follower = LogFollower(folder, lambda: None, Wanted())
    flood = (line(20, n=20, text="x" * 900) + "\n") * 3000
    with (folder / "recorder.1.2.0000.jsonl").open("a") as recorder:
        recorder.write(flood)

    polls = [len(follower.poll()) for _ in range(4)]
    assert sum(polls) == 3000
    assert max(polls) < 1200


def test_files_that_go_are_forgotten_and_those_that_are_cut_read_anew(folder: Path) -> None:
    follower = LogFollower(folder, lambda: None, Wanted())
    (folder / "camera-gate-1.1.1.0000.jsonl").unlink()
    (folder / "recorder.1.2.0000.jsonl").write_text(line(30, n=30) + "\n")

    assert numbers(follower.poll()) == [30]


def test_it_ends_when_it_is_told_to_with_the_last_lines(folder: Path) -> None:
    said: list[str] = []
    stopping = threading.Event()
    follower = LogFollower(folder, lambda: None, Wanted())
    thread = threading.Thread(target=follower.run, args=(said.append, stopping))
    thread.start()
    with (folder / "recorder.1.2.0000.jsonl").open("a") as recorder:
        recorder.write(line(40, n=40) + "\n")
    stopping.set()
    wait_for("it ends", lambda: not thread.is_alive())

    assert numbers(said) == [40]


@pytest.fixture
def local_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Seoul")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.usefixtures("local_time")
def test_rays_own_lines_come_in_our_form_the_routine_ones_left_out() -> None:
    raylet = "[2026-11-23 17:00:01,457 W 21867 24422] (raylet) node.cc:67: rtsp://u:S3cr3t@cam failed"
    assert json.loads(ray_line(raylet, "raylet") or "") == {
        "timestamp": "2026-11-23T08:00:01.457000Z",
        "level": "warning",
        "event": "library_message",
        "process": "raylet",
        "message": "node.cc:67: rtsp://***@cam failed",
    }
    serve = json.dumps(
        {
            "asctime": "2026-11-23 17:00:02,882",
            "levelname": "INFO",
            "message": "Deploying",
            "process": 7,
            "exc_text": "E",
        }
    )
    assert json.loads(ray_line(serve, "serve-controller") or "") == {
        "timestamp": "2026-11-23T08:00:02.882000Z",
        "level": "info",
        "event": "library_message",
        "process": "serve-controller",
        "message": "Deploying\nE",
        "pid": 7,
    }
    monitor = "2026-11-23 17:00:03,963\tERROR monitor.py:730 -- no node"
    assert json.loads(ray_line(monitor, "ray-monitor") or "")["level"] == "error"


@pytest.mark.parametrize("other", ["[2026-11-23 17:00:01,457 I 1 1] (raylet) a", "  at frame 3", "", "{no json", "{}"])
def test_what_is_routine_or_no_line_is_left_out(other: str) -> None:
    assert ray_line(other, "raylet") is None


def test_rays_files_are_among_the_sources(folder: Path, tmp_path: Path) -> None:
    session = tmp_path / "session" / "logs"
    (session / "serve").mkdir(parents=True)
    (session / "raylet.out").write_text("[2026-11-23 08:00:00,457 E 1 1] (raylet) a.cc:1: broke\n")
    (session / "serve" / "proxy_1.log").write_text("")
    (session / "worker-1.out").write_text(os.linesep)

    sources = log_sources(folder, session)

    assert [source.path.name for source in sources[3:]] == ["raylet.out", "proxy_1.log"]
    assert any("a.cc:1: broke" in one for one in merged(sources, Wanted()))
