"""What a person reads."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from counterparts.events import safety_event

from cluster.notifications.message import MessageKind
from cluster.notifications.phrases import PHRASES
from cluster.notifications.texts import LONGEST_SHORT, Composer, Occasion, Words
from cluster.safety.events import EpisodeState, EventType, Severity, object_missing, ppe_missing
from cluster.safety.objects import OBJECT_NAMES, PROTECTIVE_EQUIPMENT
from cluster.settings.notifications import Language

MOMENT = datetime(2026, 11, 23, 7, 55, 13, tzinfo=UTC)
KO, EN = Language.KOREAN, Language.ENGLISH
COMPOSER = Composer("울산 2공장", "Asia/Seoul")


def _words(language: Language, kind: MessageKind = MessageKind.OPENED, step: int = 0, **changed: Any) -> Words:
    event = safety_event(**{"opened_at": MOMENT, "detail": {"zone_name": "프레스 / Press"}, **changed})
    return COMPOSER.words(Occasion(event, kind, step, "1번 출입구"), language)


def test_a_message_names_what_where_and_when_in_the_time_of_the_site() -> None:
    words = _words(KO)

    assert words.title == "[위험] 위험 구역 침입 · 1번 출입구 · 프레스 / Press"
    assert words.text.splitlines() == [
        "현장: 울산 2공장",
        "카메라: 1번 출입구 (gate-1)",
        "구역: 프레스 / Press",
        "발생: 2026-11-23 16:55:13 KST",
    ]
    assert words.short == "[위험] 위험 구역 침입 1번 출입구 · 프레스 / Press 16:55:13"


@pytest.mark.parametrize(
    ("kind", "changed", "title"),
    [
        (MessageKind.OPENED, {}, "[Critical] Danger zone intrusion"),
        (MessageKind.OPENED, {"severity": Severity.WARNING, "event_type": "ZONE_DWELL"}, "[Warning] Staying too long"),
        (MessageKind.ESCALATED, {}, "[Critical · Escalated] Danger zone intrusion"),
        (MessageKind.CLOSED, {}, "[Closed · Critical] Danger zone intrusion"),
        (MessageKind.OPENED, {"state": EpisodeState.CLOSED}, "[Closed · Critical] Danger zone intrusion"),
        (MessageKind.OPENED, {"event_type": "PPE_HELMET_MISSING"}, "[Critical] Helmet not worn"),
        (MessageKind.OPENED, {"event_type": "FIRE_EXTINGUISHER_MISSING"}, "[Critical] Fire extinguisher missing"),
        (MessageKind.OPENED, {"event_type": "BRAND_NEW"}, "[Critical] BRAND_NEW"),
    ],
)
def test_titles_say_how_bad_and_what(kind: MessageKind, changed: dict[str, Any], title: str) -> None:
    assert _words(EN, kind, **changed).title.startswith(title)


def test_an_end_says_how_long_it_lasted() -> None:
    words = _words(EN, MessageKind.CLOSED, closed_at=MOMENT + timedelta(seconds=49))

    assert words.text.splitlines()[-1] == "Closed: 2026-11-23 16:56:02 KST (lasted 49 s)"


def test_the_next_person_reads_that_nobody_came() -> None:
    assert _words(KO, step=1).text.endswith("아직 아무도 확인하지 않았습니다.")
    assert "확인하지" not in _words(KO).text


def test_a_camera_that_is_blind_says_why() -> None:
    words = _words(EN, event_type="CAMERA_UNMONITORED", zone_id="", detail={"status_reason": "no frame\nfor 5 s"})

    assert words.title == "[Critical] Camera unmonitored · 1번 출입구"
    assert words.text.splitlines()[2:] == [
        "Zone: whole picture",
        "Since: 2026-11-23 16:55:13 KST",
        "Reason: no frame for 5 s",
    ]


def test_a_zone_or_camera_without_a_name_goes_by_its_id() -> None:
    words = COMPOSER.words(Occasion(safety_event(), MessageKind.OPENED), EN)

    assert words.title == "[Critical] Danger zone intrusion · gate-1 · press"


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("name", ["문", "아주 긴 이름의 프레스 " * 10])
def test_an_sms_is_never_longer_than_it_may_be_and_keeps_the_time(language: Language, name: str) -> None:
    for event_type in (*EventType, *map(ppe_missing, PROTECTIVE_EQUIPMENT), *map(object_missing, OBJECT_NAMES)):
        short = _words(language, MessageKind.ESCALATED, event_type=event_type, detail={"zone_name": name}).short
        assert len(short) <= LONGEST_SHORT
        assert short.endswith(" 16:55:13")


@pytest.mark.parametrize("language", list(Language))
def test_every_type_and_object_has_words(language: Language) -> None:
    phrases = PHRASES[language]

    assert set(phrases.types) == set(EventType)
    assert set(phrases.objects) == set(OBJECT_NAMES)


@pytest.mark.parametrize("language", list(Language))
def test_a_test_is_marked_as_one_in_both_languages(language: Language) -> None:
    words = COMPOSER.test_words(language, MOMENT)

    assert "시험입니다" in words.text
    assert "This is a test" in words.text
    assert "시험" in words.short
    assert "Test" in words.short
