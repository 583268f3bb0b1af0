"""What the command prints: answers on stdout, complaints on stderr, nothing with a password in it."""

import json
import sys
from typing import Any

from rich.console import Console
from rich.style import Style
from rich.text import Text

from cluster.operation.findings import Finding, Level
from cluster.safety.redaction import redact

# Without a terminal rich takes 80 columns, and cuts what a log or a program wants whole.
out = Console(width=None if sys.stdout.isatty() else 160)
err = Console(stderr=True)
_COLOURS = {Level.OK: "green", Level.WARNING: "yellow", Level.ERROR: "bold red"}


def show_findings(findings: list[Finding], as_json: bool) -> None:
    if as_json:
        show_json([finding.as_json() for finding in findings])
        return
    width = max((len(finding.subject) for finding in findings), default=0)
    for finding in findings:
        text = f"{finding.text}; {finding.mend}" if finding.mend else finding.text
        line = Text(f"{finding.level:<8}", style=_COLOURS[finding.level])
        line.append(f"{finding.subject:<{width}}  {redact(text)}", style=Style.null())
        out.print(line, soft_wrap=True)


def finding_line(finding: Finding) -> str:
    text = f"{finding.subject}: {finding.text}" if finding.subject not in finding.text else finding.text
    return f"{text}; {finding.mend}" if finding.mend else text


def source_line(result: dict[str, Any]) -> str:
    if not result["ok"]:
        return f"{result['source']}  {result['code']}: {result['reason']}"
    return f"{result['source']}  {result['width']}x{result['height']}  {result['fps']:.1f} fps  {result['codec']}"


def show_json(value: Any) -> None:
    out.print(
        json.dumps(value, ensure_ascii=False, indent=2, default=str), markup=False, highlight=False, soft_wrap=True
    )


def say(line: str) -> None:
    out.print(redact(line), markup=False, highlight=False, soft_wrap=True)


def complain(line: str) -> None:
    err.print(" ".join(redact(line).split()), markup=False, highlight=False, soft_wrap=True)
