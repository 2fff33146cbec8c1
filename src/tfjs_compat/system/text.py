"""Texts of others, made harmless before they are kept or shown. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

_HIDDEN = "***"
# Terminal sequences: of a colour or a position (CSI), of a title or a link (OSC), and those of one character.
_ESCAPES = re.compile(r"\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)?|.)")
_USERS = (
    # What stands before the host of an address; a password may hold "@", ":", "?" and "#".
    re.compile(r"(?<=//)[^\s/]+(?=@)"),
    # One with "/" in it, which no address may have: "host:8443/@scope" is none, for a port is a number.
    re.compile(r"(?<=//)[^\s/@:]+:(?:(?!\d*/)[^\s]*|\d+/[^\s]*[^\s/])(?=@)"),
    # An address that was taken for a path: one slash of the two is left.
    re.compile(r"(?<=:/)(?!/)[^\s/]+:[^\s]*(?=@)"),
    # An address without its scheme.
    re.compile(r"(?<![\w/.@:+-])[^\s:/@\"'=(<\[]+:(?!//)[^\s]+(?=@[\w\[])"),
)
_NAMED = (
    # What an address says after "?".
    re.compile(
        r"(?<=[?&;])([\w.%-]*(?:token|secret|passw|pwd|key|auth|sig|cred|session|jwt|x-amz-)[\w.%-]*=)[^\s&]+",
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


_LONGEST_WORD = 400
_LONGEST_MESSAGE = 6_000


def shown(text: str) -> str:
    """A message as a terminal gets it: plain, and of a length that somebody can read.

    The middle of words of more than 400 characters is left out, and what is beyond 6,000 characters.

    >>> len(shown(f"no model '{'x' * 1000}'"))
    427
    """
    words = re.sub(rf"\S{{{_LONGEST_WORD + 1},}}", lambda found: _without_middle(found[0]), plain(text))
    return words if len(words) <= _LONGEST_MESSAGE else f"{words[:_LONGEST_MESSAGE]}…"


def _without_middle(word: str) -> str:
    half = _LONGEST_WORD // 2
    return f"{word[:half]}…({len(word) - _LONGEST_WORD} characters)…{word[-half:]}"


def file_name(text: str, most: int = 100, *, dashes: bool = False) -> str:
    """A text as the name of one file or folder, on any system. Every name that is made of others' words is made here.

    At most ``most`` ASCII letters, digits, ``.``, ``_``, ``+`` and, where they separate nothing, ``-`` (``dashes``). It
    begins with none of ``._-``: it leads nowhere, and no program takes it for an option.

    >>> file_name("setuptools<81"), file_name("../.."), file_name("-rf", dashes=True), file_name("\\udcff")
    ('setuptools_81', '_', 'rf', '_')
    """
    kept = "._+-" if dashes else "._+"
    return re.sub(rf"[^A-Za-z0-9{kept}]+", "_", text).strip("._-")[:most] or "_"


def redact(text: str, addresses: Iterable[str] = ()) -> str:
    """A text without the credentials in it: those of addresses, of npm's configuration, of HTTP headers.

    ``addresses`` are known to be some: what they hold goes wherever the text has them, also where nothing but knowing
    them tells it from another text.

    >>> redact("GET https://me:s3cret@index.example/simple/?token=abc failed")
    'GET https://***@index.example/simple/?token=*** failed'
    >>> redact("//registry.example/:_authToken=npm_abc")
    '//registry.example/:_authToken=***'
    >>> redact("no scheme in s3cret@index.example/simple", ["s3cret@index.example/simple"])
    'no scheme in ***@index.example/simple'
    """
    for known in addresses:
        text = text.replace(known, shown_address(known))
    for pattern in _USERS:
        text = pattern.sub(_HIDDEN, text)
    for pattern in _NAMED:
        text = pattern.sub(rf"\1{_HIDDEN}", text)
    return text


def shown_address(address: str) -> str:
    """An address as it may be shown: without all that stands before its last ``@``, and without its query's values.

    >>> shown_address("s3/cret@index.example/simple?k3y&a=b")
    '***@index.example/simple?***'
    """
    scheme, separator, rest = address.rpartition("://") if "@" not in address.partition("://")[0] else ("", "", address)
    _, at, host = rest.rpartition("@")
    place, mark, _ = host.partition("?")
    return f"{scheme}{separator}{_HIDDEN if at else ''}{at}{place}{mark}{_HIDDEN if mark else ''}"
