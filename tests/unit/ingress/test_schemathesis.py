"""Requests made out of the OpenAPI document, by callers of every role: no 5xx, every answer fits the document.

`make soak` (part `api`) asks ten times as much of a replica over the network."""

import os

import pytest
from counterparts.asked_api import CALLERS, ask_everything

from cluster.storage.events import EventStore
from cluster.storage.messages import MessageStore

REQUESTS = int(os.environ.get("SAFE_YOLO_API_REQUESTS", "500"))


@pytest.fixture
def filled_site(signed_site, signed_engine, make):
    """With a database behind events and messages, since it is what refuses values that nobody expected."""
    signed_site.events, signed_site.messages = EventStore(signed_engine), MessageStore(signed_engine)
    signed_site.cameras.pictures["gate-1"] = make.picture()
    return signed_site


def test_whatever_is_asked_is_answered_as_the_document_says(filled_site, signed_client, tokens):
    asked = ask_everything(signed_client, {name: tokens.header(name) for name in CALLERS}, requests=REQUESTS)

    assert asked.unfit == []
    assert asked.answers.total() >= REQUESTS
    assert {200, 400, 401, 403, 404} <= set(asked.answers), asked.answers
