"""The one function that keeps secrets out of logs, errors, metrics, the API and the dashboard."""

import re

MASK = "***"

# The user part may itself hold '@' and '/' when it was not percent-encoded, so everything from the scheme up
# to the last '@' before white space or a quote goes. Losing a little of an address is better than
# showing a little of a password.
_USERINFO = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.\-]*://)[^\s\"'<>]*@")
_SECRET_PARAMETER = re.compile(
    r"(?P<name>(?:^|[?&;,\s\"'])(?:password|passwd|pwd|pass|token|secret|api_?key|access_?key|auth|user|usr|login)\s*[=:]\s*)"
    r"[^&;,\s\"'<>]+",
    re.IGNORECASE,
)

# What libraries and services call their secrets, also as a mapping prints them; a header is secret to its end.
_QUOTE = r"[\"']?\s*[=:]\s*(?:[bu](?=[\"']))?[\"']?"
_NAMED = re.compile(
    rf"(?P<name>\b[\w.-]*(?:password|passwd|secret|token|signature|credential|(?:api|access)[_-]?key|session_?id){_QUOTE})"
    r"[^&;,\s\"'<>]+",
    re.IGNORECASE,
)
_HEADER = re.compile(rf"(?P<name>\b(?:authorization|cookie){_QUOTE})[^\"'\r\n]+", re.IGNORECASE)
_SCHEME = re.compile(r"(?P<name>\b(?:bearer|basic)\s+)(?=\S*[0-9])[^\s\"'<>]{8,}", re.IGNORECASE)
_HINTS = ("pass", "secret", "token", "signature", "credential", "key", "session", "auth", "cookie", "bearer", "basic")

# What is a secret by its looks: a token of Slack, the path of its webhooks, a key of AWS, a phone number,
# our own links that acknowledge, ids of sessions, tickets, and signed tokens (JWT).
_KNOWN_SHAPE = re.compile(
    r"(?P<hook>hooks\.slack\.com/|/api/v1/acknowledge/|/legacy/)[^\s\"'<>]+|\bxox[a-z]+-[\w-]+|\b(?:AKIA|ASIA)[A-Z0-9]{12,}"
    r"|(?<![\w.:+])\+[0-9]{9,15}(?![0-9:.])|\bsy[st]_[\w-]{20,}|\beyJ[\w-]{10,}\.[\w-]+(?:\.[\w-]*)?"
)
_SHAPE_HINTS = ("+", "xox", "hooks.", "AKIA", "ASIA", "/acknowledge/", "/legacy/", "sys_", "syt_", "eyJ")


def redact(text: str) -> str:
    """`text` without user, password, token, key or signature in addresses, parameters, headers and mappings; anything
    else unchanged.

    >>> redact("rtsp://admin:p@ss/w0rd@10.0.0.5/stream1 timed out")
    'rtsp://***@10.0.0.5/stream1 timed out'
    """
    masked = _USERINFO.sub(rf"\g<scheme>{MASK}@", text) if "@" in text else text
    if ":" in masked or "=" in masked:
        masked = _SECRET_PARAMETER.sub(rf"\g<name>{MASK}", masked)
    # Nearly no text has any of these words in it, and looking for them costs a tenth of what the search does.
    lowered = masked.lower()
    if any(hint in lowered for hint in _HINTS):
        for pattern in (_HEADER, _SCHEME, _NAMED):
            masked = pattern.sub(rf"\g<name>{MASK}", masked)
    if any(hint in masked for hint in _SHAPE_HINTS):
        masked = _KNOWN_SHAPE.sub(lambda found: f"{found['hook'] or ''}{MASK}", masked)
    return masked


def has_literal_secret(address: str) -> bool:
    """Whether `address` carries a password that is written out instead of being a `${NAME}`.

    >>> has_literal_secret("rtsp://admin:secret@cam/1"), has_literal_secret("rtsp://admin:${PW}@cam/1")
    (True, False)
    """
    named = re.sub(r"\$\{[A-Za-z_][A-Za-z0-9_]*\}", "", address)
    userinfo = re.search(r"://([^\s]*)@", named)
    if userinfo is not None:
        _, colon, password = userinfo.group(1).partition(":")
        return bool(colon and password)
    return any(not match.group(0).rstrip().endswith(("=", ":")) for match in _SECRET_PARAMETER.finditer(named))
