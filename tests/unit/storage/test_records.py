import base64
from datetime import UTC, datetime

import pytest

from cluster.storage.records import Position


def test_a_cursor_leads_back_to_its_position() -> None:
    position = Position(datetime(2026, 3, 1, 12, 0, 0, 123456, tzinfo=UTC), "event|1")

    assert Position.of(position.cursor) == position


@pytest.mark.parametrize(
    "text",
    [
        "",
        "17",
        "not base64!",
        "é",
        "'; DROP TABLE events; --",
        base64.urlsafe_b64encode(b"2026-03-01T12:00:00+00:00").decode(),
        base64.urlsafe_b64encode(b"2026-03-01T12:00:00|naive").decode(),
        base64.urlsafe_b64encode(b"yesterday|event-1").decode(),
        base64.urlsafe_b64encode(b"2026-03-01T12:00:00+00:00|").decode(),
        base64.urlsafe_b64encode(b"\xff|\xfe").decode(),
    ],
)
def test_a_wrong_cursor_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="cursor: "):
        Position.of(text)
