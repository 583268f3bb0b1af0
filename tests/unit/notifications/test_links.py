"""Signed links that acknowledge."""

from datetime import UTC, datetime, timedelta
from importlib import import_module

import pytest
from counterparts.events import NOON
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from structlog.testing import capture_logs

from cluster.notifications.links import AcknowledgeLinks, LinkContent, LinkRefused, open_links, usable_links
from cluster.settings.notifications import NotificationSettings

SLOWLY = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LINKS = AcknowledgeLinks("k" * 32, "https://safe.example.com/", 60)
CONTENT = LinkContent("6d1c1f4e-5b7c-5b3e-8f8e-0c1d2e3f4a5b", "room", 12, NOON + timedelta(seconds=60))


def _token(link: str) -> str:
    return link.rpartition("/")[2]


def test_a_link_says_what_it_was_made_of() -> None:
    link = LINKS.link(CONTENT.event_id, "room", 12, NOON)

    assert link.startswith("https://safe.example.com/api/v1/acknowledge/")
    assert LINKS.read(_token(link), NOON) == CONTENT
    assert len(link) < 160


def test_a_link_is_good_until_it_expires() -> None:
    token = LINKS.token(CONTENT)

    assert LINKS.read(token, NOON + timedelta(seconds=59)) == CONTENT
    with pytest.raises(LinkRefused) as refused:
        LINKS.read(token, NOON + timedelta(seconds=60))
    assert refused.value.expired


@SLOWLY
@given(st.integers(0, 200), st.sampled_from("AaZz09_-.~é"))
def test_a_link_with_any_other_character_is_none(place: int, character: str) -> None:
    token = LINKS.token(CONTENT)
    place %= len(token)
    changed = token[:place] + character + token[place + 1 :]
    try:
        content = LINKS.read(changed, NOON)
    except LinkRefused:
        return
    assert content == CONTENT  # the last characters of base64 have bits that say nothing


@pytest.mark.parametrize("token", ["", ".", "a.b", "a" * 500, "\x00.\x00", "=.=", "한글.한글"])
def test_what_is_no_link_is_refused(token: str) -> None:
    with pytest.raises(LinkRefused) as refused:
        LINKS.read(token, NOON)

    assert not refused.value.expired


def test_links_of_another_secret_are_refused() -> None:
    with pytest.raises(LinkRefused):
        AcknowledgeLinks("j" * 32, "", 60).read(LINKS.token(CONTENT), NOON)


def test_without_a_secret_or_an_address_there_is_no_link() -> None:
    assert AcknowledgeLinks("", "https://safe.example.com", 60).link("e", "room", 1, NOON) == ""
    assert AcknowledgeLinks("k", "", 60).link("e", "room", 1, NOON) == ""
    with pytest.raises(LinkRefused):
        AcknowledgeLinks("", "https://safe.example.com", 60).read(LINKS.token(CONTENT), NOON)
    with pytest.raises(ValueError, match="no secret"):
        AcknowledgeLinks("", "", 60).token(CONTENT)


def test_the_secret_of_a_site_comes_from_its_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "s" * 40)
    link = open_links(NotificationSettings(page_url="https://safe.example.com")).link("e", "room", 1, datetime.now(UTC))

    assert "s" * 40 not in link
    assert AcknowledgeLinks("s" * 40, "", 60).read(_token(link), datetime.now(UTC)).event_id == "e"


@pytest.mark.parametrize("named", ["${NO_SUCH_SECRET}", "${file:/nowhere/key}"])
def test_a_secret_that_is_not_there_takes_the_links_and_nothing_else(named: str) -> None:
    settings = NotificationSettings(page_url="https://safe.example.com", link_secret=named)

    with capture_logs() as said:
        links = usable_links(settings)

    assert links.link("e", "room", 1, NOON) == ""
    assert [(line["event"], line["log_level"]) for line in said] == [("notification_links_unusable", "critical")]
    assert "notifications.link_secret" in said[0]["reason"]


@pytest.mark.parametrize("shell", ["deployments.cameras.notifier", "deployments.ingress.app"])
def test_no_process_ends_over_its_links(shell: str) -> None:
    assert not hasattr(import_module(shell), "open_links")
    assert import_module(shell).usable_links is usable_links
