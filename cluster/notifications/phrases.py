"""What people call things, in Korean and English; the page's `words.js` says the same."""

import re
from dataclasses import dataclass

from cluster.safety.events import EventType, Severity
from cluster.settings.notifications import Language

_MISSING = re.compile(r"(?P<worn>PPE_)?(?P<what>\w+)_MISSING")


@dataclass(frozen=True, slots=True)
class Phrases:
    """One language. `lines` are those of a message's text; `{}` takes the value."""

    severities: dict[Severity, str]
    types: dict[str, str]
    objects: dict[str, str]
    not_worn: str
    missing: str
    closed: str
    escalated: str
    whole_picture: str
    test: str
    test_text: str
    lines: dict[str, str]

    def event_type(self, name: str) -> str:
        """`PPE_HELMET_MISSING` as people say it; a type that nobody has named stays as it is."""
        if name in self.types:
            return self.types[name]
        found = _MISSING.fullmatch(name)
        if found is None:
            return name
        what = found["what"].lower()
        called = self.objects.get(what, what.replace("_", " "))
        return (self.not_worn if found["worn"] else self.missing).format(called)


_KOREAN = Phrases(
    severities={Severity.INFO: "정보", Severity.WARNING: "주의", Severity.CRITICAL: "위험"},
    types={
        EventType.DANGER_ZONE_INTRUSION: "위험 구역 침입",
        EventType.WARNING_ZONE_INTRUSION: "주의 구역 진입",
        EventType.ZONE_DWELL: "구역 내 장시간 체류",
        EventType.PERSON_ENTRANCE: "사람 입장",
        EventType.PERSON_EXIT: "사람 퇴장",
        EventType.PERSON_FALLEN: "사람 쓰러짐",
        EventType.CAMERA_UNMONITORED: "카메라 감시 안 됨",
        EventType.CAMERA_DEGRADED: "카메라 감지 이상",
    },
    objects={
        "person": "사람",
        "fallen_person": "쓰러진 사람",
        "helmet": "안전모",
        "vest": "안전 조끼",
        "mask": "마스크",
        "gloves": "장갑",
        "boots": "안전화",
        "goggles": "보안경",
        "machinery": "기계",
        "vehicle": "차량",
        "safety_cone": "안전 고깔",
        "fire_extinguisher": "소화기",
    },
    not_worn="{} 미착용",
    missing="{} 없음",
    closed="종료",
    escalated="심각해짐",
    whole_picture="화면 전체",
    test="시험 메시지",
    test_text="시험입니다. 실제 이벤트가 아니며, 아무 조치도 필요하지 않습니다.",
    lines={
        "site": "현장: {}",
        "camera": "카메라: {}",
        "zone": "구역: {}",
        "opened": "발생: {}",
        "closed": "종료: {} ({} 초 지속)",
        "reason": "사유: {}",
        "unacknowledged": "아직 아무도 확인하지 않았습니다.",
    },
)
_ENGLISH = Phrases(
    severities={Severity.INFO: "Info", Severity.WARNING: "Warning", Severity.CRITICAL: "Critical"},
    types={
        EventType.DANGER_ZONE_INTRUSION: "Danger zone intrusion",
        EventType.WARNING_ZONE_INTRUSION: "Warning zone intrusion",
        EventType.ZONE_DWELL: "Staying too long in a zone",
        EventType.PERSON_ENTRANCE: "Person entered",
        EventType.PERSON_EXIT: "Person left",
        EventType.PERSON_FALLEN: "Person fallen",
        EventType.CAMERA_UNMONITORED: "Camera unmonitored",
        EventType.CAMERA_DEGRADED: "Camera degraded",
    },
    objects={
        "person": "Person",
        "fallen_person": "Fallen person",
        "helmet": "Helmet",
        "vest": "Vest",
        "mask": "Mask",
        "gloves": "Gloves",
        "boots": "Boots",
        "goggles": "Goggles",
        "machinery": "Machinery",
        "vehicle": "Vehicle",
        "safety_cone": "Safety cone",
        "fire_extinguisher": "Fire extinguisher",
    },
    not_worn="{} not worn",
    missing="{} missing",
    closed="Closed",
    escalated="Escalated",
    whole_picture="whole picture",
    test="Test message",
    test_text="This is a test. Nothing has happened, and nothing needs to be done.",
    lines={
        "site": "Site: {}",
        "camera": "Camera: {}",
        "zone": "Zone: {}",
        "opened": "Since: {}",
        "closed": "Closed: {} (lasted {} s)",
        "reason": "Reason: {}",
        "unacknowledged": "Nobody has acknowledged it yet.",
    },
)
PHRASES = {Language.KOREAN: _KOREAN, Language.ENGLISH: _ENGLISH}
