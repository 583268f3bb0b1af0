"""A message as Slack shows it."""

from typing import Any

from cluster.notifications.message import Outgoing
from cluster.safety.events import EpisodeState, Severity
from cluster.settings.notifications import Language

METADATA_TYPE = "safe_yolo_message"
_COLOURS = {Severity.CRITICAL: "#c62838", Severity.WARNING: "#e0a100", Severity.INFO: "#3a7bd5"}
_ENDED = "#6b7280"
_LINKS = {Language.KOREAN: ("이벤트 보기", "확인 처리"), Language.ENGLISH: ("Show the event", "Acknowledge")}


def slack_body(message: Outgoing, language: Language) -> dict[str, Any]:
    """`text` for notifications and `attachments` (a block with the colour of the severity) for the reader."""
    colour = _ENDED if message.state is EpisodeState.CLOSED else _COLOURS[message.severity]
    lines = f"*{escaped(message.title)}*\n{escaped(message.text)}"
    if links := _links(message, language):
        lines += f"\n{links}"
    block = {"type": "section", "text": {"type": "mrkdwn", "text": lines}}
    return {"text": escaped(message.title), "attachments": [{"color": colour, "blocks": [block]}]}


def slack_metadata(message: Outgoing) -> dict[str, Any]:
    """What a repeat is recognised by; Slack keeps it with the message and shows it to nobody."""
    return {
        "event_type": METADATA_TYPE,
        "event_payload": {"message_id": message.message_id, "event_id": message.event_id},
    }


def escaped(text: str) -> str:
    """A camera called `<!channel>` calls nobody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _links(message: Outgoing, language: Language) -> str:
    named = zip((message.link, message.acknowledge_link), _LINKS[language], strict=True)
    return " · ".join(f"<{escaped(link)}|{name}>" for link, name in named if link)
