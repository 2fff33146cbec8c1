"""The normalised first cause of a failure: equal for the same cause on two models or machines, else different."""

from __future__ import annotations

import re

from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.stages import Stage

_MOST = 240
_READ = 20_000
_PASSES = 8
_SOURCE = r"\.(?:py|pyx|cc|cpp|c|h|rs|js|ts|mjs|json)"
_RULES: tuple[tuple[re.Pattern[str], str], ...] = (
    (re.compile(r"\x1b\[[0-9;]*[A-Za-z]"), ""),
    # What stands behind the cause: Keras appends the arguments of the call, or the whole model, that failed.
    (re.compile(r"(?<=\S)\s+(?:Arguments received by|Call arguments received by|Full object config:).*", re.S), ""),
    # The same model in the middle, before what went wrong.
    (re.compile(r"\.\s+Please ensure that components that.*?\.\s+(?=Exception encountered:)", re.S), ". "),
    (re.compile(r"using config=\{.*?\}\.\s+(?=Exception encountered:)", re.S), "using its config. "),
    (re.compile(r"https?://[^\s'\")]+"), "<url>"),
    (re.compile(r"<[\w.]+(?: object)? at 0x[0-9a-fA-F]+>"), "<object>"),
    (re.compile(r"0x[0-9a-fA-F]{4,}"), "<address>"),
    (re.compile(rf"({_SOURCE}):\d+(?::\d+)?\b"), r"\1:<n>"),
    (re.compile(r"(['\"`])(?:[A-Za-z]:)?[\\/][^'\"`\n]*?[\\/][^'\"`\n]*\1"), r"\1<path>\1"),
    (re.compile(r"(?<![\w<./])(?:[A-Za-z]:)?(?:[\\/][\w.@+~-]+(?: [\w.@+~-]+(?=[\\/]))*){2,}[\\/]?"), "<path>"),
    (re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b"), "<id>"),
    (re.compile(r"\btmp[a-z0-9_]{8}\b"), "<temporary>"),
    (re.compile(r"\b(line|lineno|pid|port)[\s=:]+\d+", re.I), r"\1 <n>"),
    (re.compile(r"[(\[](?:None|-?\d+)(?:, ?(?:None|-?\d+))*,?[)\]]"), "<shape>"),
    # TensorFlow.js writes some shapes bare; sizes follow from shapes.
    (re.compile(r"\b(shape) \d+(?:, ?\d+)+"), r"\1 <shape>"),
    (
        re.compile(
            r"\b\d+(?= (?:elements|values|bytes)\b)|(?<=\bto have value )-?\d+|(?<=values but has )\d+"
            r"|(?<= = )-?\d+(?= is not in )"
        ),
        "<n>",
    ),
    # Counters of layers and functions: lstm_3, sequential_1_dense_2, __inference_call_12; not GLIBC_2.34.
    (re.compile(r"(?<=[A-Za-z0-9])_\d+(?=_|\b)(?!\.\w)"), ""),
    (re.compile(r"(?<![\w.])\d{4,}(?![\w.])"), "<n>"),
    (re.compile(r"\s+"), " "),
)


_RAISED = re.compile(r"\n\s*(?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*(?:Error|Exception): ")


def normalise(message: str) -> str:
    """A message without what differs between two cases of one cause: paths, addresses, counters, shapes, lines.

    Of a normalised message it gives the same again.

    >>> normalise("Unknown layer dense_12 at /home/a/x.py line 3")
    'Unknown layer dense at <path> line <n>'
    """
    text = _innermost(message[:_READ])
    for _ in range(_PASSES):  # a rule may uncover what another one takes; the second pass is nearly always the last
        before, text = text, _pass(text)
        if text == before:
            break
    return text


def _innermost(message: str) -> str:
    """Of an error that autograph re-raised with the code it was in, the error itself."""
    if not message.lstrip().startswith("in user code:"):
        return message
    return _RAISED.split(message)[-1]


def _pass(text: str) -> str:
    for pattern, replacement in _RULES:
        text = pattern.sub(replacement, text)
    text = text.strip()
    return text if len(text) <= _MOST else text[: _MOST - 1].rstrip() + "…"


def signature(failure: Failure) -> str:
    """One line that names the first cause of a failure."""
    if failure.stage is Stage.RESOLVE and failure.packages:
        return "unresolvable: " + ", ".join(failure.packages) + _tag(failure.message)
    if failure.findings:
        return "check: " + ", ".join(sorted({finding.id for finding in failure.findings}))
    root = failure.root
    if root is None:
        return normalise(failure.message)
    name = root.type if root.type.count(".") <= 2 else root.type.rsplit(".", 1)[-1]
    return f"{name}: {normalise(root.message)}" if root.message.strip() else f"{name} in {root.raised_in}"


def _tag(message: str) -> str:
    """What separates two causes that concern the same packages: missing wheels, the date, or neither."""
    if re.search(r"no wheels with a matching|only found wheels for|Wheels are available for", message):
        return " (no wheels for this Python or platform)"
    return " (not published by the date)" if "filtered by `exclude-newer`" in message else ""
