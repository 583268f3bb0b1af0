"""The choke point: whatever a line holds, and however deep, no password, token, key or signed link leaves by it."""

from typing import Any

import pytest
import structlog
from counterparts.process_logs import ProcessLogs

SECRET = "S3cr3t0000000000"
CARRIERS: dict[str, Any] = {
    "address": f"rtsp://admin:{SECRET}@10.0.0.5/stream",
    "database": f"postgresql+asyncpg://app:{SECRET}@db/site",
    "parameter": f"GET /video?channel=1&password={SECRET}",
    "basic": f"Authorization: Basic {SECRET}",
    "bearer": f"'Authorization': 'Bearer {SECRET}.abc-def'",
    "bearer alone": f"sent Bearer {SECRET} to the dashboard",
    "slack token": f"xoxb-1111-2222-{SECRET}",
    "slack webhook": f"https://hooks.slack.com/services/T000/B000/{SECRET}",
    "aws id": f"AKIA{SECRET.upper()}",
    "aws secret": f"aws_secret_access_key={SECRET}",
    "aws secret in YAML": f"AWS_SECRET_ACCESS_KEY: {SECRET}",
    "signed link": f"https://site.example/ack/msg-1?until=1795397833&signature={SECRET}",
    "s3 signature": f"https://b.s3.amazonaws.com/x.jpg?X-Amz-Credential=a&X-Amz-Signature={SECRET}",
    "cookie": f"Cookie: session={SECRET}",
    "header": f"X-Api-Key: {SECRET}",
    "json": f'{{"password": "{SECRET}", "user": "kim"}}',
    "python": f"{{'token': '{SECRET}'}}",
}


@pytest.mark.parametrize("name", CARRIERS)
def test_no_secret_in_a_text_a_mapping_a_list_or_an_error(process_logs: ProcessLogs, name: str) -> None:
    text = CARRIERS[name]
    process_logs.begin()
    log = structlog.get_logger()
    log.info("plain", reason=text)
    log.info("nested", detail={"a": [{"b": (text,)}], text: 1})
    log.info("object", error=ValueError(text))
    log.error("failed", exc_info=ConnectionError(text))

    assert len(process_logs.lines()) == 4
    assert not any(SECRET.lower() in file.read_text().lower() for file in process_logs.files())


@pytest.mark.parametrize("key", ["password", "token", "Authorization", "aws_secret_access_key", "Cookie", "signature"])
def test_a_field_that_is_called_a_secret_is_one_whatever_it_looks_like(process_logs: ProcessLogs, key: str) -> None:
    process_logs.begin()
    structlog.get_logger().info("said", **{key: SECRET}, headers={key: SECRET, "Accept": "image/jpeg"})

    (line,) = process_logs.lines()
    assert (line[key], line["headers"]) == ("***", {key: "***", "Accept": "image/jpeg"})


@pytest.mark.parametrize(
    "text",
    [
        "gate-1-1795397833-12",
        "a token bucket is empty, 3 keys were read",
        "the bearer of this message",
        "signature of the model: sha256",
        "no answer within 2 s",
        "AKIA is no key",
    ],
)
def test_what_holds_no_secret_stays_readable(process_logs: ProcessLogs, text: str) -> None:
    process_logs.begin()
    structlog.get_logger().info("said", reason=text)

    assert process_logs.lines()[0]["reason"] == text
