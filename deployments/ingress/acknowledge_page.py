"""The page behind the link in a message: what it is about, and the button. Korean and English beside each other."""

from html import escape

from cluster.notifications.links import LinkContent
from cluster.notifications.phrases import PHRASES
from cluster.settings.notifications import Language
from cluster.storage.records import StoredEvent

_FRAME = """<!doctype html>
<html lang="ko">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="dark">
<meta name="robots" content="noindex">
<title>SAFE-YOLO</title>
<link rel="icon" href="/favicon.ico" type="image/svg+xml">
<link rel="stylesheet" href="/static/style.css">
{head}</head>
<body class="acknowledge">
<main class="acknowledge-card">
{body}
</main>
</body>
</html>
"""
_SCRIPT = '<script type="module" src="/static/acknowledge.js"></script>\n'
_WORDS = {
    "ask": ("이 이벤트를 확인하고 조치하시겠습니까?", "Do you acknowledge this event and act on it?"),
    "button": ("확인했습니다", "I acknowledge"),
    "known": ("이미 확인된 이벤트입니다.", "Somebody has acknowledged this event already."),
    "newer": (
        "그 뒤에 새로운 상황이 발생했습니다. 가장 최근 메시지의 링크를 사용하세요.",
        "Something new has happened since. Use the link in the newest message.",
    ),
    "done": (
        "확인되었습니다. 다른 담당자에게는 더 알리지 않습니다.",
        "Acknowledged. Nobody else will be told.",
    ),
    "failed": (
        "처리하지 못했습니다. 다시 시도하거나 담당자에게 직접 연락하세요.",
        "That did not work. Try again, or call whoever is in charge.",
    ),
    "wrong": (
        "올바르지 않은 링크입니다. 메시지의 링크를 그대로 여세요.",
        "This link is not valid. Open it as the message has it.",
    ),
    "expired": (
        "기한이 지난 링크입니다. 화면에서 확인하세요.",
        "This link has expired. Acknowledge on the page instead.",
    ),
    "page": ("화면으로 가기", "To the page"),
    "script": ("이 단추는 JavaScript가 필요합니다.", "This button needs JavaScript."),
}


def question_page(stored: StoredEvent, content: LinkContent) -> str:
    """The page of a good link: with a button, unless there is nothing to acknowledge by it."""
    facts = _facts(stored)
    if stored.occurrence != content.occurrence:
        return _page(facts + _both("newer", "warn") + _to_the_page(stored.event.event_id))
    if stored.acknowledged_at is not None:
        return _page(facts + _both("known", "done") + _to_the_page(stored.event.event_id))
    answers = "".join(_both(key, key, hidden=True) for key in ("done", "newer", "failed"))
    button = (
        f'<button id="acknowledge" type="button" class="acknowledge-button">{" / ".join(_WORDS["button"])}</button>'
    )
    script = f"<noscript>{_both('script', 'warn')}</noscript>"
    body = facts + _both("ask", "ask") + button + script + answers + _to_the_page(stored.event.event_id)
    return _page(body, _SCRIPT)


def refused_page(*, expired: bool) -> str:
    """The page of a link that is no good (any more)."""
    return _page(_both("expired" if expired else "wrong", "warn") + _to_the_page(""))


def _page(body: str, head: str = "") -> str:
    return _FRAME.format(head=head, body=body)


def _facts(stored: StoredEvent) -> str:
    event = stored.event
    names = [PHRASES[language].event_type(event.event_type) for language in (Language.KOREAN, Language.ENGLISH)]
    where = " · ".join(part for part in (event.camera_id, event.zone_id) if part)
    moment = event.opened_at.isoformat(timespec="seconds")
    return (
        f'<h1 data-severity="{event.severity.value}">{escape(" / ".join(names))}</h1>'
        f'<p>{escape(where)}</p><p><time datetime="{moment}">{event.opened_at:%Y-%m-%d %H:%M:%S} UTC</time></p>'
    )


def _both(key: str, role: str, *, hidden: bool = False) -> str:
    korean, english = _WORDS[key]
    mark = " hidden" if hidden else ""
    return f'<div class="said" data-said="{role}"{mark}><p lang="ko">{korean}</p><p lang="en">{english}</p></div>'


def _to_the_page(event_id: str) -> str:
    query = f"?event={escape(event_id)}" if event_id else ""
    return f'<p><a href="/{query}">{" / ".join(_WORDS["page"])}</a></p>'
