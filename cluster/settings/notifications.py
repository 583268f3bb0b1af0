"""`notifications` of `configs/site.yaml`: who is told of which events, when, and by which way."""

import re
from datetime import datetime, time, timedelta
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, field_validator, model_validator

from cluster.safety.events import Severity
from cluster.settings.base import Settings
from cluster.settings.environment import has_default, is_reference


def _not_written_out(value: str) -> str:
    if value and not is_reference(value):
        raise ValueError("a secret must not be written into the file, use ${NAME} or ${file:/path}")
    if has_default(value):
        raise ValueError("a secret must not be written into the file as a default, use ${NAME} or ${file:/path}")
    return value


Secret = Annotated[str, AfterValidator(_not_written_out)]
"""`${NAME}` or `${file:/path}`, expanded where it is used; a secret that is written out is refused."""


class Language(StrEnum):
    KOREAN = "ko"
    ENGLISH = "en"


class ChannelSettings(Settings):
    """What all channels have. A channel reaches one person or one room."""

    channel_id: str = Field(pattern=r"^[a-z0-9][a-z0-9-]{0,39}$")
    language: Language = Language.KOREAN
    most_per_minute: int = Field(30, ge=1, le=600)
    """More wait for the next minute; CRITICAL first."""
    timeout_s: float = Field(5.0, gt=0, le=60)
    updates: bool = True
    """Whether the end of an episode is told too."""


class SlackWebhookSettings(ChannelSettings):
    """An incoming webhook: text and links; Slack takes no picture this way."""

    kind: Literal["slack_webhook"]
    url: Secret
    timeout_s: float = Field(15.0, gt=0, le=60)
    """Longer than others: a repeat cannot be recognised, so an answer that is only slow is worth waiting for."""


class SlackBotSettings(ChannelSettings):
    """A bot token (`chat:write`, `files:write`): with the picture, and updates change the message."""

    kind: Literal["slack_bot"]
    token: Secret
    channel: str = Field(min_length=1, max_length=80)
    api_url: str = "https://slack.com/api/"


class SnsSmsSettings(ChannelSettings):
    """SMS by Amazon SNS. Credentials: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY."""

    kind: Literal["sms_sns"]
    phone: Secret
    timeout_s: float = Field(15.0, gt=0, le=60)
    """Longer than others: a repeat cannot be recognised, so an answer that is only slow is worth waiting for."""
    region: str = "ap-northeast-2"
    endpoint: str = ""
    sender_id: str = ""
    updates: bool = False


class HttpSmsSettings(ChannelSettings):
    """SMS by a gateway that takes a JSON post; `{phone}`, `{text}` and `{message_id}` in `body` are replaced."""

    kind: Literal["sms_http"]
    url: Secret
    phone: Secret
    headers: dict[str, Secret] = Field(default_factory=dict)
    body: dict[str, str] = Field(default_factory=lambda: {"to": "{phone}", "text": "{text}", "id": "{message_id}"})
    accepted_if: str = ""
    """Text that must stand in the answer, for gateways that answer 200 to what they refuse."""
    updates: bool = False


class EmailSettings(ChannelSettings):
    kind: Literal["email"]
    host: str
    port: int = Field(587, ge=1, le=65535)
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: Secret = ""
    password: Secret = ""
    sender: str
    to: tuple[str, ...] = Field(min_length=1)


class WebhookSettings(ChannelSettings):
    """A JSON post with the whole message; `secret` signs the body (HMAC-SHA256) in `X-Safe-Yolo-Signature`."""

    kind: Literal["webhook"]
    url: Secret
    secret: Secret = ""
    headers: dict[str, Secret] = Field(default_factory=dict)


class AppriseSettings(ChannelSettings):
    """Any other service that Apprise knows, by its address (`tgram://...`, `line://...`)."""

    kind: Literal["apprise"]
    url: Secret
    timeout_s: float = Field(15.0, gt=0, le=60)
    """Longer than others: a repeat cannot be recognised, so an answer that is only slow is worth waiting for."""


AnyChannel = Annotated[
    SlackWebhookSettings
    | SlackBotSettings
    | SnsSmsSettings
    | HttpSmsSettings
    | EmailSettings
    | WebhookSettings
    | AppriseSettings,
    Field(discriminator="kind"),
]


_CLOCK = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


class HoursSettings(Settings):
    """A part of the week in the site's time zone; `until` before `since` goes over midnight."""

    since: time = time(0, 0)
    until: time = time(0, 0)
    """Equal to `since`: the whole day."""
    days: tuple[Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"], ...] = (
        "mon", "tue", "wed", "thu", "fri", "sat", "sun",
    )  # fmt: skip

    @field_validator("since", "until", mode="before")
    @classmethod
    def _as_written(cls, value: Any) -> Any:
        """YAML reads 18:00 without quotes as the number 1080, which would be a time in UTC."""
        if isinstance(value, str) and _CLOCK.fullmatch(value):
            return value
        if isinstance(value, time) and value.tzinfo is None:
            return value
        raise ValueError("is no time of day, write it in quotes: '18:00'")

    def hold(self, moment: datetime) -> bool:
        """Whether `moment`, in the site's time zone, is within. What is after midnight belongs to the day it began."""
        now = moment.time()
        if self.since < self.until:
            return self.since <= now < self.until and self._is_day(moment)
        if now >= self.since:
            return self._is_day(moment)
        return now < self.until and self._is_day(moment - timedelta(days=1))

    def _is_day(self, moment: datetime) -> bool:
        return WEEKDAYS[moment.weekday()] in self.days


class StepSettings(Settings):
    """Who is told when nobody has acknowledged `after_s` after the event; the first step is 0."""

    after_s: float = Field(0, ge=0, le=86_400)
    channels: tuple[str, ...] = Field(min_length=1)


class RuleSettings(Settings):
    """Which events are told whom. Empty lists: any. All rules that fit hold; a channel is told once."""

    name: str = Field(min_length=1, max_length=60)
    severities: tuple[Severity, ...] = (Severity.CRITICAL,)
    event_types: tuple[str, ...] = ()
    cameras: tuple[str, ...] = ()
    zones: tuple[str, ...] = ()
    hours: HoursSettings = HoursSettings()
    steps: tuple[StepSettings, ...] = Field(min_length=1, max_length=10)

    def is_about(self, severity: Severity) -> bool:
        return not self.severities or severity in self.severities


class NotificationSettings(Settings):
    """The whole section. Without channels nobody is told, and `/health` says so."""

    page_url: str = ""
    """What links begin with, as people reach the page (`https://safe.example.com`)."""
    link_secret: Secret = "${SECRET_KEY:-}"  # noqa: S105 - the name of a variable
    """Signs the links by which a message acknowledges its event. Empty: messages carry no such link."""
    link_valid_s: float = Field(86_400, ge=60, le=7 * 86_400)
    picture_wait_s: float = Field(1.0, ge=0, le=10)
    """A message waits so long for its picture; then it goes without, and the picture follows where the channel can."""
    give_up_after_s: float = Field(3600, ge=60, le=7 * 86_400)
    """A message that no attempt delivered is a dead letter by then."""
    channels: tuple[AnyChannel, ...] = ()
    rules: tuple[RuleSettings, ...] = ()
    nobody_is_told: bool = False
    """Somebody means it so (a demo, a test). Without this word a site that tells nobody of CRITICAL is degraded."""

    @property
    def tells_critical(self) -> bool:
        """Whether any rule tells somebody of CRITICAL events."""
        return any(rule.is_about(Severity.CRITICAL) for rule in self.rules)

    @model_validator(mode="after")
    def _channels_exist_once(self) -> "NotificationSettings":
        known = [channel.channel_id for channel in self.channels]
        if twice := {name for name in known if known.count(name) > 1}:
            raise ValueError(f"channel_id {sorted(twice)[0]!r} stands twice")
        for rule in self.rules:
            for name in (name for step in rule.steps for name in step.channels if name not in known):
                raise ValueError(f"rule {rule.name!r} names channel {name!r}, which is not among {sorted(known)}")
        if self.nobody_is_told and self.rules:
            raise ValueError("nobody_is_told stands beside rules that tell somebody, leave it out")
        return self
