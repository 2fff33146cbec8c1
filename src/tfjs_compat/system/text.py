"""Texts of others, made harmless before they are kept or shown. Pure."""

from __future__ import annotations

import re

_HIDDEN = "***"
# Terminal sequences: of a colour or a position (CSI), of a title or a link (OSC), and those of one character.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
# What stands before the host of an address; a password may hold "@", ":", "?" and "#".
_USER = re.compile(r"(?<=//)[^\s/]+(?=@)")
_NAMED = (
    # What an address says after "?".
    re.compile(
        r"(?<=[?&])((?:(?:access_|auth_?|private_|job_)?token|password|api_?key|signature|sig|x-amz-[a-z-]+)=)[^\s&#]+",
        re.IGNORECASE,
    ),
    # npm's configuration.
    re.compile(r"(?<![A-Za-z0-9])((?:_auth|_?authToken|_password)[\"']?\s*[=:]\s*)\S+", re.IGNORECASE),
    # The headers of a request.
    re.compile(r"\b(authorization[\"']?\s*[=:]\s*)(?:[\"']?(?:basic|bearer|token)\s+)?\S+", re.IGNORECASE),
)


def plain(text: str) -> str:
    """A text from a log or a model without anything that a terminal would obey.

    >>> plain("\x1b[31mred\x1b[0m\a")
    'red�'
    """
    text = _ESCAPES.sub("", text)
    return "".join(char if char == "\n" or char.isprintable() else " " if char.isspace() else "�" for char in text)


def redact(text: str) -> str:
    """A text without the credentials in it: those of addresses, of npm's configuration, of HTTP headers.

    >>> redact("GET https://me:s3cret@index.example/simple/?token=abc failed")
    'GET https://***@index.example/simple/?token=*** failed'
    >>> redact("//registry.example/:_authToken=npm_abc")
    '//registry.example/:_authToken=***'
    """
    text = _USER.sub(_HIDDEN, text)
    for pattern in _NAMED:
        text = pattern.sub(rf"\1{_HIDDEN}", text)
    return text
