"""E-mail by SMTP. `Message-ID` is the same at every attempt; updates refer to the first message."""

import asyncio
import ssl
from collections.abc import Collection
from email.message import EmailMessage
from email.utils import format_datetime, localtime

import aiosmtplib
import structlog

from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.message import Outgoing
from cluster.safety.errors import ChannelError, ChannelRefused, ChannelUnavailable
from cluster.settings.notifications import EmailSettings, Language

_log = structlog.get_logger()
_LINKS = {Language.KOREAN: ("이벤트 보기", "확인 처리"), Language.ENGLISH: ("Show the event", "Acknowledge")}
_NEVER_LEFT = (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPConnectTimeoutError, aiosmtplib.SMTPHeloError)


class Mail:
    """To all of `to`, in one message. A connection for each: alarms are rare, and servers close idle ones."""

    carries_picture = True

    def __init__(self, settings: EmailSettings, secrets: Secrets) -> None:
        self._settings, self._secrets = settings, secrets
        self._user = secrets.expand("user", settings.user)
        self._password = secrets.expand("password", settings.password)

    async def send(self, message: Outgoing) -> str:
        mail = mail_of(message, self._settings)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                refused = await self._hand_over(mail)
        except TimeoutError as error:  # aiosmtplib's own time-outs are of this kind too
            uncertain = not isinstance(error, aiosmtplib.SMTPConnectTimeoutError)
            reason = f"{self._called}: no answer within {self._settings.timeout_s:g} s"
            raise ChannelUnavailable(reason, uncertain=uncertain) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._failure(error, message) from error
        if refused:
            _log.warning("notification_partly_refused", channel_id=self._settings.channel_id, refused=len(refused))
        return str(mail["Message-ID"])

    async def close(self) -> None:
        return

    @property
    def _called(self) -> str:
        return f"channel {self._settings.channel_id}"

    async def _hand_over(self, mail: EmailMessage) -> Collection[str]:
        """Which of the recipients were refused; not all, that is an error."""
        settings = self._settings
        refused, _ = await aiosmtplib.send(
            mail,
            sender=settings.sender,
            recipients=list(settings.to),
            hostname=settings.host,
            port=settings.port,
            username=self._user or None,
            password=self._password or None,
            timeout=settings.timeout_s,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=ssl.create_default_context() if settings.security != "none" else None,
        )
        return refused

    def _failure(self, error: Exception, message: Outgoing) -> ChannelError:
        code = _code(error)
        said = self._secrets.strike(str(getattr(error, "message", "")), message)
        reason = f"{self._called}: {f'answered {code} ({said})' if code else type(error).__name__}"
        if 500 <= code < 600:
            return ChannelRefused(reason, "see that user, password, sender and recipients are right")
        if isinstance(error, aiosmtplib.SMTPNotSupported):
            return ChannelRefused(f"{reason}: the server has no STARTTLS or no login", "set `security`")
        return ChannelUnavailable(reason, uncertain=not code and not isinstance(error, (*_NEVER_LEFT, OSError)))


def mail_of(message: Outgoing, settings: EmailSettings) -> EmailMessage:
    """The message as a mail, with its picture attached."""
    mail = EmailMessage()
    mail["Subject"] = " ".join(message.title.split())
    mail["From"], mail["To"] = settings.sender, ", ".join(settings.to)
    mail["Date"] = format_datetime(localtime())
    mail["Message-ID"] = f"<{message.message_id}@{_domain(settings.sender)}>"
    mail["Auto-Submitted"] = "auto-generated"
    if message.thread:
        mail["In-Reply-To"] = mail["References"] = message.thread
    mail.set_content("\n".join([message.text, "", *_links(message, settings.language)]))
    if message.picture is not None:
        mail.add_attachment(message.picture, maintype="image", subtype="jpeg", filename=f"{message.message_id}.jpg")
    return mail


def _links(message: Outgoing, language: Language) -> list[str]:
    named = zip((message.link, message.acknowledge_link), _LINKS[language], strict=True)
    return [f"{name}: {link}" for link, name in named if link]


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2].strip("> ") or "safe-yolo"


def _code(error: Exception) -> int:
    """The server's answer, 0: none. Of several recipients' the least final one."""
    refusals = getattr(error, "recipients", None)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and refusals:
        return min(int(refusal.code) for refusal in refusals)
    return int(getattr(error, "code", 0))
