"""A message as an SMS."""

from cluster.notifications.message import Outgoing


def sms_text(message: Outgoing) -> str:
    """`short`, and in a line of its own where to acknowledge, or else where to look."""
    link = message.acknowledge_link or message.link
    return f"{message.short}\n{link}" if link else message.short
