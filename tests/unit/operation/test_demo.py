from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from cluster.operation.demo import ensure_clip, event_line, follow
from cluster.operation.interruption import Interruption
from cluster.operation.progress import Progress
from cluster.safety.errors import Interrupted, SiteUnhealthy

_PAGE = "http://127.0.0.1:8001/"


def _event(number: int, revision: int = 1, event_type: str = "DANGER_ZONE_INTRUSION") -> dict[str, Any]:
    return {
        "event_id": f"e{number}",
        "revision": revision,
        "event_type": event_type,
        "severity": "CRITICAL",
        "state": "open",
        "camera_id": "gate-1",
        "zone_id": "press",
        "subject": f"person:{number}",
        "updated_at": "2026-11-22T10:02:07.123Z",
        "snapshot": {"state": "stored", "url": f"/api/v1/events/e{number}/snapshot.jpg"},
    }


class FakeEvents:
    """Tells one page of newest events after the other; asks to stop after the last."""

    def __init__(self, interruption: Interruption, *pages: list[dict[str, Any]] | None) -> None:
        self._interruption, self._pages = interruption, list(pages)

    def newest_events(self) -> list[dict[str, Any]]:
        page = self._pages.pop(0)
        if not self._pages:
            self._interruption.stopping.set()
        if page is None:
            raise SiteUnhealthy("GET /api/v1/events: refused")
        return page


def test_each_revision_is_told_once_and_the_oldest_first() -> None:
    interruption, said = Interruption(), list[str]()
    pages = [[_event(2), _event(1)], [_event(2), _event(1)], [_event(3), _event(2, revision=2), _event(1)]]

    follow(FakeEvents(interruption, *pages), _PAGE, said.append, interruption, poll_s=0)

    assert [line.split("person:")[1].split()[0] for line in said] == ["1", "2", "2", "3"]


def test_a_line_names_time_severity_type_place_and_picture() -> None:
    assert event_line(_event(1), _PAGE) == (
        "10:02:07Z  CRITICAL  DANGER_ZONE_INTRUSION  open  gate-1/press  person:1  "
        "http://127.0.0.1:8001/api/v1/events/e1/snapshot.jpg"
    )


def test_ends_after_the_event_that_was_asked_for() -> None:
    interruption, said = Interruption(), list[str]()
    events = FakeEvents(interruption, [_event(1, event_type="PERSON_ENTRANCE")], [_event(2)], [_event(3)])

    follow(events, _PAGE, said.append, interruption, exit_after_event="DANGER_ZONE_INTRUSION", poll_s=0)

    assert len(said) == 2
    assert not interruption.stopping.is_set()


def test_ends_when_the_site_was_stopped_from_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFE_YOLO_STATE_DIR", str(tmp_path))
    interruption = Interruption()

    with pytest.raises(SiteUnhealthy):
        follow(FakeEvents(interruption, None, []), _PAGE, [].append, interruption, poll_s=0)


def test_a_clip_that_is_there_is_not_made_again(tmp_path: Path) -> None:
    clip = tmp_path / "demo.mp4"
    clip.write_bytes(b"frames")

    ensure_clip(clip, _never, Progress(Console(quiet=True)), Interruption())


def test_a_request_to_stop_ends_the_making_of_the_clip(tmp_path: Path) -> None:
    interruption = Interruption()
    interruption.stopping.set()

    def make(path: Path, *, progress: Any) -> None:
        progress(0.1)
        raise AssertionError("went on")

    with pytest.raises(Interrupted):
        ensure_clip(tmp_path / "demo.mp4", make, Progress(Console(quiet=True)), interruption)


def _never(*_: Any, **__: Any) -> None:
    raise AssertionError("made again")
