"""E-mail by SMTP. `Message-ID` is the same at every attempt; updates refer to the first message.

A server may take a mail for one recipient and not for another. This process knows who has it, and who never will; who
was refused for now is tried again. The next process does not know, and tells all of them.
"""

import asyncio
import ssl
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime, localtime, parseaddr

import aiosmtplib
import structlog

from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.message import Outgoing
from cluster.safety.errors import ChannelError, ChannelRefused, ChannelUnavailable
from cluster.settings.notifications import EmailSettings, Language
from cluster.telemetry import metrics

_log = structlog.get_logger()
_LINKS = {Language.KOREAN: ("이벤트 보기", "확인 처리"), Language.ENGLISH: ("Show the event", "Acknowledge")}
_NEVER_LEFT = (aiosmtplib.SMTPConnectError, aiosmtplib.SMTPConnectTimeoutError, aiosmtplib.SMTPHeloError)
_MOST_PARTLY_TOLD = 500


@dataclass(slots=True)
class _Told:
    """Recipients of one mail: who has it, and who never will."""

    having: set[str] = field(default_factory=set)
    refused: set[str] = field(default_factory=set)


class Mail:
    """To all of `to`, in one message. A connection for each: alarms are rare, and servers close idle ones."""

    carries_picture = True

    def __init__(self, settings: EmailSettings, secrets: Secrets) -> None:
        self._settings, self._secrets = settings, secrets
        self._user = secrets.expand("user", settings.user)
        self._password = secrets.expand("password", settings.password)
        self._to = tuple(dict.fromkeys(_address(one) for one in settings.to))
        self._told: OrderedDict[str, _Told] = OrderedDict()

    async def send(self, message: Outgoing) -> str:
        mail = mail_of(message, self._settings)
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                await self._hand_over(mail, message)
        except TimeoutError as error:  # aiosmtplib's own time-outs are of this kind too
            uncertain = not isinstance(error, aiosmtplib.SMTPConnectTimeoutError)
            reason = f"{self._called}: no answer within {self._settings.timeout_s:g} s"
            raise ChannelUnavailable(reason, uncertain=uncertain) from error
        except (aiosmtplib.SMTPException, OSError) as error:
            raise self._failure(error, message) from error
        self._told.pop(message.message_id, None)
        return str(mail["Message-ID"])

    async def close(self) -> None:
        return

    @property
    def _called(self) -> str:
        return f"channel {self._settings.channel_id}"

    async def _hand_over(self, mail: EmailMessage, message: Outgoing) -> None:
        """To whoever has it not yet.

        Raises:
            SMTPRecipientsRefused: nobody has it, and nobody ever will.
            ChannelUnavailable: somebody has not got it yet.
        """
        told = self._told_of(message)
        asked = [one for one in self._to if one not in told.having | told.refused]
        if not asked:
            return
        try:
            refused = await self._transact(mail, asked)
        except aiosmtplib.SMTPRecipientsRefused as error:
            refused = {_address(one.recipient): (one.code, one.message) for one in error.recipients}
            if not told.having and all(_is_final(code) for code, _ in refused.values()):
                raise
        told.having |= set(asked) - set(refused)
        self._see_to(refused, told, message)

    def _see_to(self, refused: Mapping[str, tuple[int, str]], told: _Told, message: Outgoing) -> None:
        later = {one: answer for one, answer in refused.items() if not _is_final(answer[0])}
        for recipient in refused.keys() - later.keys():
            code, said = refused[recipient]
            told.refused.add(recipient)
            self._say_refused(recipient, f"answered {code} ({self._secrets.strike(said, message)})", message)
        for code, said in later.values():
            struck = self._secrets.strike(said, message)
            reason = f"{self._called}: answered {code} ({struck}) for {len(later)} of {len(self._to)}"
            raise ChannelUnavailable(reason)

    def _say_refused(self, recipient: str, reason: str, message: Outgoing) -> None:
        channel_id = self._settings.channel_id
        metrics.notification_attempts.inc(1, {"channel_id": channel_id, "outcome": "refused"})
        _log.critical(
            "notification_recipient_refused",
            channel_id=channel_id,
            message_id=message.message_id,
            event_id=message.event_id,
            recipient=f"to[{self._to.index(recipient)}]",
            reason=reason,
            mend="see that the address is right; the others of this channel are told",
        )

    def _told_of(self, message: Outgoing) -> _Told:
        """Kept until all have it; one that was given up goes when there are many after it."""
        told = self._told.setdefault(message.message_id, _Told())
        while len(self._told) > _MOST_PARTLY_TOLD:
            self._told.popitem(last=False)
        return told

    async def _transact(self, mail: EmailMessage, recipients: list[str]) -> Mapping[str, tuple[int, str]]:
        """Which of `recipients` were refused, with what answer; not all, that is an error."""
        settings = self._settings
        refused, _ = await aiosmtplib.send(
            mail,
            sender=settings.sender,
            recipients=recipients,
            hostname=settings.host,
            port=settings.port,
            username=self._user or None,
            password=self._password or None,
            timeout=settings.timeout_s,
            use_tls=settings.security == "tls",
            start_tls=settings.security == "starttls",
            tls_context=ssl.create_default_context() if settings.security != "none" else None,
        )
        return {_address(recipient): (int(answer.code), answer.message) for recipient, answer in refused.items()}

    def _failure(self, error: Exception, message: Outgoing) -> ChannelError:
        code = _code(error)
        said = self._secrets.strike(str(getattr(error, "message", "")), message)
        reason = f"{self._called}: {f'answered {code} ({said})' if code else type(error).__name__}"
        if _is_final(code):
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


def _address(recipient: str) -> str:
    return parseaddr(recipient)[1] or recipient.strip()


def _is_final(code: int) -> bool:
    return 500 <= code < 600


def _code(error: Exception) -> int:
    """The server's answer, 0: none. Of several recipients' the least final one."""
    refusals = getattr(error, "recipients", None)
    if isinstance(error, aiosmtplib.SMTPRecipientsRefused) and refusals:
        return min(int(refusal.code) for refusal in refusals)
    return int(getattr(error, "code", 0))
