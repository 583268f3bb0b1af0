"""`config check`: a site that others can reach has sign-in, and sign-in has its secret."""

from dataclasses import replace
from typing import Any

import pytest

from cluster.operation.serve_file import ServeFile, load_serve_file
from cluster.operation.sign_in_check import sign_in_findings
from cluster.settings.site import SiteSettings


def _said(enabled: bool, http: dict[str, Any] | None) -> list[tuple[str, str]]:
    serve: ServeFile = load_serve_file("serve_config.yaml")
    content = {key: value for key, value in serve.content.items() if key != "http_options"}
    serve = replace(serve, content=content if http is None else content | {"http_options": http})
    site = SiteSettings.model_validate({"name": "s", "sign_in": {"enabled": enabled}})
    return [(one.level.value, f"{one.text} {one.mend}") for one in sign_in_findings(serve, site)]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.9.9.9", "::1", "localhost"])
def test_without_sign_in_this_machine_alone_is_served(host: str) -> None:
    assert _said(False, {"host": host}) == []


@pytest.mark.parametrize(
    "http", [{"host": "0.0.0.0"}, {"host": "::"}, {"host": "10.0.0.9"}, {"host": "cam.site"}, {}, None]
)
def test_without_sign_in_other_machines_are_a_fault_also_where_the_file_names_no_host(http: Any) -> None:
    [(level, text)] = _said(False, http)

    assert level == "error"
    assert "http_options.host" in text
    assert "sign_in: {enabled: true}" in text


def test_with_sign_in_everybody_may_reach_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "s" * 32)

    assert _said(True, {"host": "0.0.0.0"}) == []


def test_sign_in_without_its_secret_is_a_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SECRET_KEY", raising=False)

    [(level, text)] = _said(True, {"host": "127.0.0.1"})
    assert (level, "openssl rand -hex 32" in text) == ("error", True)
