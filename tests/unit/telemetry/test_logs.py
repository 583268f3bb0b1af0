"""What a process writes: one form for all lines, nothing secret in any, and no failure that reaches the caller."""

import io
import json
import logging
import os
import sys
import threading
from typing import Any

import pytest
import structlog
from counterparts.process_logs import ProcessLogs
from uvicorn.protocols.utils import ClientDisconnected

from cluster.telemetry.foreign_logs import ForeignHandler
from cluster.telemetry.logs import take_logging

log = structlog.get_logger()
SOCKET_MESSAGE, AFTER_CLOSE = (
    "Unexpected ASGI message ",
    "after sending 'websocket.close' or response already completed.",
)


def test_a_line_says_when_how_bad_what_and_who(process_logs: ProcessLogs, capsys: pytest.CaptureFixture[str]) -> None:
    process_logs.begin("camera", camera_id="gate-1")
    log.info("camera_connected", width=640)

    (line,) = process_logs.lines()
    assert list(line)[:4] == ["timestamp", "level", "event", "process"]
    assert (line["level"], line["event"], line["process"]) == ("info", "camera_connected", "camera")
    assert (line["camera_id"], line["pid"], line["width"]) == ("gate-1", os.getpid(), 640)
    assert line["timestamp"].endswith("Z")
    assert json.loads(capsys.readouterr().out) == line, "stdout has the same line"


def test_what_is_bound_in_a_task_or_thread_stands_on_every_line_of_it(process_logs: ProcessLogs) -> None:
    process_logs.begin()
    with structlog.contextvars.bound_contextvars(correlation_id="gate-1-3-7", request_id="r-1"):
        log.info("event_raised")
        logging.getLogger("sqlalchemy").warning("slow")
    log.info("camera_stopped")

    ids = [(line.get("correlation_id"), line.get("request_id")) for line in process_logs.lines()]
    assert ids == [("gate-1-3-7", "r-1"), ("gate-1-3-7", "r-1"), (None, None)]


@pytest.mark.parametrize("name", ["botocore.client", "slack_sdk", "sqlalchemy.pool", "uvicorn.error", "asyncio"])
def test_a_librarys_line_comes_out_in_the_same_form(process_logs: ProcessLogs, name: str) -> None:
    process_logs.begin("recorder")
    logging.getLogger(name).warning("no answer from %s", "postgresql://app:S3cr3t@db/site")

    (line,) = process_logs.lines()
    assert (line["event"], line["level"], line["logger"], line["process"]) == (
        *("library_message", "warning", name),
        "recorder",
    )
    assert line["message"] == "no answer from postgresql://***@db/site"


def test_what_libraries_tell_of_every_call_is_not_written(process_logs: ProcessLogs) -> None:
    process_logs.begin()
    logging.getLogger("httpx").info("HTTP Request: POST https://hooks.slack.com/services/T0/B0/S3cr3t")

    assert process_logs.lines() == []


def test_serves_lines_come_along_though_serve_removes_handlers(
    process_logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch
) -> None:
    serve = logging.getLogger("ray.serve")
    for name, value in {"propagate": False, "handlers": [], "filters": [], "level": logging.INFO}.items():
        monkeypatch.setattr(serve, name, value)
    process_logs.begin("detector")
    serve.handlers.clear()  # as Serve does when its logging is configured anew
    serve.info("Started replica")
    serve.info("GET / 200", extra={"serve_access_log": True})

    assert [line["message"] for line in process_logs.lines()] == ["Started replica"]


@pytest.mark.parametrize(
    ("said", "error", "lines"),
    [
        ("Request failed.", ClientDisconnected(), []),
        ("Request failed.", RuntimeError(f"{SOCKET_MESSAGE}'websocket.accept', {AFTER_CLOSE}"), []),
        ("Request failed.", RuntimeError(f"{SOCKET_MESSAGE}'http.response.start'."), ["Request failed."]),
        ("Request failed.", RuntimeError("no room"), ["Request failed."]),
        ("Replica failed.", ClientDisconnected(), ["Replica failed."]),
    ],
)
def test_a_client_that_leaves_before_its_answer_is_no_error_of_serves(
    process_logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch, said: str, error: Exception, lines: list[str]
) -> None:
    serve, kept = logging.getLogger("ray.serve"), io.StringIO()
    monkeypatch.setattr(serve, "filters", [])
    monkeypatch.setattr(serve, "handlers", [logging.StreamHandler(kept)])
    monkeypatch.setattr(serve, "propagate", False)
    process_logs.begin("ingress")
    try:
        raise error
    except (OSError, RuntimeError):
        serve.exception(said)

    assert [line["message"] for line in process_logs.lines()] == lines
    assert kept.getvalue().splitlines()[:1] == lines, "Serve's own file has no other lines than ours"


def test_an_error_in_a_thread_that_nobody_caught_is_a_line(process_logs: ProcessLogs) -> None:
    process_logs.begin()

    def fail() -> None:
        raise ValueError("rtsp://admin:S3cr3t@cam/1")

    thread = threading.Thread(target=fail, name="reader")
    thread.start()
    thread.join()

    (line,) = process_logs.lines()
    assert (line["event"], line["level"], line["thread"]) == ("thread_failed", "critical", "reader")
    assert "rtsp://***@cam/1" in line["exception"]
    assert "S3cr3t" not in line["exception"]


def test_an_error_that_ends_the_process_is_a_line(process_logs: ProcessLogs) -> None:
    process_logs.begin()
    sys.excepthook(OSError, OSError("no room"), None)

    (line,) = process_logs.lines()
    assert (line["event"], line["level"]) == ("process_failed", "critical")
    assert "OSError: no room" in line["exception"]


class Unsayable:
    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


@pytest.mark.parametrize(
    "value",
    [Unsayable(), {("a", 1): Unsayable()}, float("nan"), b"\xff", {1: {2: {3: {4: {5: {6: {7: 8}}}}}}}, "\ud800"],
    ids=["no text", "odd key", "nan", "bytes", "deep", "lone surrogate"],
)
def test_whatever_is_logged_the_caller_goes_on_and_the_line_is_json(process_logs: ProcessLogs, value: Any) -> None:
    process_logs.begin()
    root = logging.getLogger()
    root.handlers[:] = [one for one in root.handlers if isinstance(one, ForeignHandler)]  # pytest's own one raises
    log.info("odd", value=value)
    logging.getLogger("x").warning("odd %d %s", "not a number", value)

    assert [line["level"] for line in process_logs.lines()] == ["info", "warning"]


def test_a_text_without_an_end_is_cut_in_the_middle(process_logs: ProcessLogs) -> None:
    process_logs.begin()
    log.info("long", reason="a" * 50_000 + "the end")

    (line,) = process_logs.lines()
    assert len(line["reason"]) < 8100
    assert line["reason"].endswith("the end")


def test_a_terminal_that_takes_nothing_stops_nobody(process_logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    process_logs.begin()
    closed = io.StringIO()
    closed.close()
    monkeypatch.setattr(sys, "stdout", closed)
    log.info("camera_stopped")

    assert [line["event"] for line in process_logs.lines()] == ["camera_stopped"]


def test_a_level_changes_from_the_next_line_on_also_for_loggers_made_before(process_logs: ProcessLogs) -> None:
    process_logs.begin("recorder")
    early = log.bind(camera_id="gate-1")
    early.debug("no")
    settings, rest, fault = take_logging({"logging": {"level": "debug"}, "x": 1}, "serve_config.yaml")
    early.debug("yes")
    take_logging({"logging": {"level": "ERROR"}}, "serve_config.yaml")
    early.warning("no more")
    early.error("still")

    assert (settings.level if settings else "", rest, fault) == ("DEBUG", {"x": 1}, "")
    assert [line["event"] for line in process_logs.lines()] == ["yes", "still"]


def test_one_camera_has_a_level_of_its_own_in_every_process(process_logs: ProcessLogs) -> None:
    process_logs.begin("supervisor")
    take_logging({"logging": {"level": "WARNING", "cameras": {"gate-1": "DEBUG"}}}, "serve_config.yaml")
    log.debug("looked_closely", camera_id="gate-1")
    log.info("not_this_one", camera_id="gate-2")
    log.warning("and_this", camera_id="gate-2")

    assert [line["event"] for line in process_logs.lines()] == ["looked_closely", "and_this"]


@pytest.mark.parametrize("said", [{"level": "LOUD"}, {"cameras": {"gate-1": "x"}}, {"levels": "INFO"}, "DEBUG", 3])
def test_an_unknown_level_is_refused_and_said_and_the_former_stays(process_logs: ProcessLogs, said: Any) -> None:
    process_logs.begin()
    take_logging({"logging": {"level": "ERROR"}}, "serve_config.yaml")
    settings, rest, fault = take_logging({"logging": said, "cameras": []}, "serve_config.yaml")
    log.warning("still_not_written")

    assert settings is None
    assert rest == {"cameras": []}
    assert "serve_config.yaml: user_config.logging" in fault
    assert [line["event"] for line in process_logs.lines()] == ["log_setting_refused"]


def test_the_node_may_say_the_level_to_begin_with(process_logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFE_YOLO_LOG_LEVEL", "debug")
    process_logs.begin()
    log.debug("yes")
    monkeypatch.setenv("SAFE_YOLO_LOG_LEVEL", "chatty")
    process_logs.begin()
    log.debug("no")

    assert [line["event"] for line in process_logs.lines()] == ["yes", "log_setting_refused"]


def test_wrong_numbers_of_the_node_cost_no_line(process_logs: ProcessLogs, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SAFE_YOLO_LOG_FILE_BYTES", "many")
    process_logs.begin()
    log.info("camera_connected")

    assert [line["event"] for line in process_logs.lines()] == ["log_setting_refused", "camera_connected"]
