"""Secrets of channels: named in `configs/site.yaml`, never written there, and in no error."""

from typing import Any

import pytest

from cluster.safety.errors import ConfigError
from cluster.settings.load import parse
from cluster.settings.site import SiteSettings

SECRET = "xoxb-1234-secret"
PHONE = "+821012345678"


def _site(**channel: Any) -> dict[str, Any]:
    return {"name": "s", "notifications": {"channels": [{"channel_id": "one", **channel}]}}


@pytest.mark.parametrize(
    "channel",
    [
        {"kind": "slack_webhook", "url": f"https://hooks.slack.com/services/{SECRET}"},
        {"kind": "slack_bot", "token": SECRET, "channel": "C1"},
        {"kind": "sms_sns", "phone": PHONE},
        {"kind": "webhook", "url": "${HOOK}", "secret": SECRET},
        {"kind": "webhook", "url": "${HOOK}", "headers": {"Authorization": SECRET}},
        {"kind": "email", "host": "h", "password": SECRET, "sender": "a@b.c", "to": ["d@e.f"]},
        {"kind": "slack_bot", "token": ["x", SECRET], "channel": "C1"},
        {"kind": "slack_bot", "token": f"${{TOKEN:-{SECRET}}}", "channel": "C1"},
        {"kind": "webhook", "url": "${HOOK:-}", "headers": {"Authorization": f"Bearer ${{KEY:-{SECRET}}}"}},
        {"kind": "sms_sns", "phone": 821012345678},
    ],
)
def test_a_secret_that_is_written_out_is_refused_and_not_shown(channel: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        parse(SiteSettings, _site(**channel), where="site.yaml")

    assert "notifications.channels[0]" in str(caught.value)
    assert SECRET not in repr(caught.value)
    assert "1012345678" not in repr(caught.value)


@pytest.mark.parametrize("url", ["${HOOK}", "https://hooks.slack.com/services/${file:/run/secrets/hook}"])
def test_a_secret_may_be_a_variable_or_a_file(url: str) -> None:
    site = parse(SiteSettings, _site(kind="slack_webhook", url=url), where="site.yaml")

    assert site.notifications.channels[0].channel_id == "one"
