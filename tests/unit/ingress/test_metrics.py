"""`GET /metrics`."""

from typing import Any

from starlette.testclient import TestClient


def test_prometheus_gets_the_text_format(client: TestClient, site: Any) -> None:
    answer = client.get("/metrics")

    assert (answer.status_code, answer.text) == (200, site.pages.text)
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert answer.headers["cache-control"] == "no-store"


def test_without_the_hub_there_is_one_line_and_no_half_page(client: TestClient, site: Any) -> None:
    site.pages.away = True

    answer = client.get("/metrics")

    assert answer.status_code == 503
    assert answer.json()["detail"] == "MetricsHub: no answer in time"
