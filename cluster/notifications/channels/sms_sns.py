"""SMS by Amazon SNS. A repeat cannot be recognised."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from cluster.notifications.channels.answers import failure_of
from cluster.notifications.channels.secrecy import Secrets
from cluster.notifications.channels.sms_text import sms_text
from cluster.notifications.message import Outgoing
from cluster.safety.errors import ChannelError, ChannelRefused, ChannelUnavailable
from cluster.settings.notifications import SnsSmsSettings

_THREADS = 4
_CONNECTING_SHARE = 0.25
_NOT_NOW = frozenset({"Throttling", "ThrottlingException", "Throttled", "RequestLimitExceeded", "InternalError"})


class SnsSms:
    """One phone. boto3 blocks: it works in a few threads of its own, each bounded by the time-outs of its socket."""

    def __init__(self, settings: SnsSmsSettings, secrets: Secrets) -> None:
        self._settings, self._secrets = settings, secrets
        self._phone = secrets.expand("phone", settings.phone)
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix=f"sns-{settings.channel_id}")
        self._client: Any = None

    async def prepare(self) -> None:
        """Reads boto3's description of the service, which takes up to a second."""
        await asyncio.get_running_loop().run_in_executor(self._threads, self._opened)

    async def send(self, message: Outgoing) -> str:
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._settings.timeout_s):
                return await loop.run_in_executor(self._threads, self._publish, message)
        except TimeoutError as error:
            reason = f"channel {self._settings.channel_id}: no answer within {self._settings.timeout_s:g} s"
            raise ChannelUnavailable(reason, uncertain=True) from error

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _publish(self, message: Outgoing) -> str:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer = self._opened().publish(
                PhoneNumber=self._phone, Message=sms_text(message), MessageAttributes=self._attributes()
            )
        except ClientError as error:
            raise self._answered(error, message) from error
        except BotoCoreError as error:
            raise self._unanswered(error) from error
        return str(answer.get("MessageId", ""))

    def _opened(self) -> Any:
        """Made in a thread: boto3 reads its description of the service from the disk."""
        if self._client is None:
            import boto3
            from botocore.config import Config

            limit_s = self._settings.timeout_s  # of connecting and reading together
            connect_s = limit_s * _CONNECTING_SHARE
            config = Config(
                connect_timeout=connect_s, read_timeout=limit_s - connect_s, retries={"total_max_attempts": 1}
            )
            self._client = boto3.session.Session().client(
                "sns", region_name=self._settings.region, endpoint_url=self._settings.endpoint or None, config=config
            )
        return self._client

    def _attributes(self) -> dict[str, Any]:
        values = {"AWS.SNS.SMS.SMSType": "Transactional"}
        if self._settings.sender_id:
            values["AWS.SNS.SMS.SenderID"] = self._settings.sender_id
        return {name: {"DataType": "String", "StringValue": value} for name, value in values.items()}

    def _answered(self, error: Any, message: Outgoing) -> ChannelError:
        found = error.response.get("Error", {})
        status = int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 500))
        headers = error.response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
        code, said = str(found.get("Code", "")), f"{found.get('Code', '')} {found.get('Message', '')}"
        status = 429 if code in _NOT_NOW and status < 500 else status
        failure = failure_of(self._settings.channel_id, status, self._secrets.strike(said, message), headers)
        return failure or ChannelUnavailable(f"channel {self._settings.channel_id}: answered with an error")

    def _unanswered(self, error: Exception) -> ChannelError:
        from botocore import exceptions as known

        channel, name = f"channel {self._settings.channel_id}", type(error).__name__
        if isinstance(error, known.ParamValidationError):
            return ChannelRefused(f"{channel}: {name}", "see that `phone` is a number like +821012345678")
        if isinstance(error, known.NoCredentialsError | known.PartialCredentialsError | known.CredentialRetrievalError):
            self._client = None  # it keeps what it found; the next attempt looks again
            return ChannelUnavailable(f"{channel}: {name}", "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY")
        never_left = isinstance(error, known.EndpointConnectionError | known.ConnectTimeoutError)
        return ChannelUnavailable(f"{channel}: {name}", uncertain=not never_left)
