"""What an answer means for a message, and what of it may be said."""

from datetime import UTC, datetime

import pytest

from cluster.notifications.channels.answers import failure_of, retry_after_s
from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.channels.slack_text import escaped
from cluster.safety.errors import ChannelRefused, ChannelUnavailable

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize("status", [200, 201, 204])
def test_2xx_is_taken(status: int) -> None:
    assert failure_of("hook", status, "", {}) is None


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 410, 413, 422])
def test_what_never_heals_is_refused(status: int) -> None:
    assert isinstance(failure_of("hook", status, "", {}), ChannelRefused)


@pytest.mark.parametrize(
    ("status", "uncertain"),
    [
        (408, True),
        (409, False),
        (423, False),
        (425, False),
        (429, False),
        (500, True),
        (502, True),
        (503, False),
        (504, True),
    ],
)
def test_what_may_heal_is_tried_again(status: int, uncertain: bool) -> None:
    failure = failure_of("hook", status, "busy", {"retry-after": "3"})

    assert isinstance(failure, ChannelUnavailable)
    assert (failure.retry_after_s, failure.uncertain) == (3.0, uncertain)
    assert failure.reason == f"channel hook: answered {status} (busy)"


@pytest.mark.parametrize(
    ("value", "asked_s"),
    [
        ("", None), ("soon", None), ("2", 2.0), ("0.5", 0.5), ("-3", 0.0),
        ("Mon, 23 Nov 2026 12:00:30 GMT", 30.0), ("Mon, 23 Nov 2026 11:00:00 GMT", 0.0),
    ],
)  # fmt: skip
def test_retry_after_is_a_number_or_a_date(value: str, asked_s: float | None) -> None:
    assert retry_after_s(value, NOW) == asked_s


@pytest.mark.parametrize(
    ("secret", "text"),
    [
        ("https://hooks.example/services/T0/B0/geheim1234", "POST /services/T0/B0/geheim1234 refused"),
        ("https://hooks.example/services/T0/B0/geheim1234", "https://hooks.example/services/T0/B0/geheim1234: 404"),
        ("+821012345678", "number 821012345678 or 12345678 is unknown"),
        ("p&ss geheim1234", "token=p%26ss%20geheim1234 is wrong"),
    ],
)
def test_an_answer_that_repeats_a_secret_is_said_without_it(
    secret: str, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("T_SECRET", secret)
    secrets = Secrets("one")
    secrets.expand("url", "${T_SECRET}")

    said = secrets.strike(text)

    assert "geheim" not in said
    assert "12345678" not in said


@pytest.mark.parametrize("number", ["010-1234-5678", "01012345678", "+82 10 1234 5678", "+82-(0)10-1234-5678"])
@pytest.mark.parametrize(
    "said",
    [
        "01012345678", "010-1234-5678", "(010) 1234.5678", "+821012345678", "82 10-1234-5678", "+82(0)10 1234 5678",
        "1012345678", "12345678", "1234 5678",
    ],
)  # fmt: skip
def test_a_number_is_struck_however_it_is_grouped(number: str, said: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("T_SECRET", number)
    secrets = Secrets("one")
    secrets.expand("phone", "${T_SECRET}")

    struck = secrets.strike(f"error 400: invalid number {said}, call 02-987-6543")

    assert "5678" not in struck
    assert struck.startswith("error 400: invalid number ")
    assert struck.endswith(", call 02-987-6543")


def test_a_long_answer_is_one_short_line() -> None:
    said = Secrets("one").strike("<html>\n" * 500)

    assert (len(said), "\n" in said) == (200, False)


def test_a_camera_called_after_a_command_of_slack_calls_nobody() -> None:
    assert escaped("<!channel> & <@U1>") == "&lt;!channel&gt; &amp; &lt;@U1&gt;"
