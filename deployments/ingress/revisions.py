"""ETags of revisions, and the `If-Match` that every change must bring: nobody overwrites what he has not seen."""

import re
from typing import Annotated

from fastapi import Header

from deployments.ingress.problems import Problem

IfMatch = Annotated[str | None, Header(alias="If-Match", max_length=100, description="The ETag that was read")]


def etag(revision: int) -> str:
    """`"7"`"""
    return f'"{revision}"'


def expected_revision(if_match: str | None) -> int:
    """
    Raises:
        Problem: 428 without one; 412 for one that no answer of ours had.
    """
    if if_match is None:
        raise Problem(428, "a change needs If-Match with the ETag of what was read")
    match = re.fullmatch(r'"(\d{1,18})"', if_match.strip())
    if match is None:
        raise Problem(412, f"If-Match: {if_match[:40]} is no ETag of this; read it again")
    return int(match.group(1))
