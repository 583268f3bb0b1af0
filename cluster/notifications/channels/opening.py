"""From the settings of a channel to the channel."""

from collections.abc import Sequence
from importlib import import_module

from cluster.notifications.channels.secrecy import Secrets, quiet_libraries
from cluster.notifications.message import Channel
from cluster.safety.errors import ConfigError
from cluster.settings.notifications import AnyChannel

_CLASSES = {
    "slack_webhook": ("slack_webhook", "SlackWebhook"),
    "slack_bot": ("slack_bot", "SlackBot"),
    "sms_sns": ("sms_sns", "SnsSms"),
    "sms_http": ("sms_http", "HttpSms"),
    "email": ("mail", "Mail"),
    "webhook": ("webhook", "Webhook"),
    "apprise": ("any_service", "AnyService"),
}


def open_channel(settings: AnyChannel) -> Channel:
    """The channel; nothing is connected yet. Only the libraries of the kinds that are used are imported.

    Raises:
        ConfigError: one of its variables or files cannot be had.
    """
    quiet_libraries()
    module, name = _CLASSES[settings.kind]
    made: Channel = getattr(import_module(f"{__package__}.{module}"), name)(settings, Secrets(settings.channel_id))
    return made


def channel_faults(channels: Sequence[AnyChannel]) -> list[ConfigError]:
    """What keeps channels from being opened, as far as it can be told without sending."""
    faults = []
    for settings in channels:
        try:
            open_channel(settings)
        except ConfigError as error:
            faults.append(error)
    return faults
