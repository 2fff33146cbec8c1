"""How messages name a place in model.json, and show the value that stands there."""

from __future__ import annotations

import json
import re

from tfjs_compat.outcomes.failures import Finding

_SHOWN = 80


def show(value: object) -> str:
    """A value as short printable ASCII, for messages: never a lone surrogate, never a megabyte."""
    try:
        text = json.dumps(value, default=repr)
    except (TypeError, ValueError, RecursionError):
        text = ascii(type(value))
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def amount(number: int) -> str:
    """A number for people; Python refuses to print those of thousands of digits, which a shape can ask for."""
    return str(number) if number < 10**18 else "more than 10^18"


def type_name(value: object) -> str:
    """The JSON name of a value's type, with its article."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "a boolean"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a string"
    return "a list" if isinstance(value, list) else "an object"


def wrong_type(path: str, wanted: str, value: object) -> Finding:
    """The finding ``artifact-wrong-type``. ``wanted`` is the type that TensorFlow.js reads there, with its article."""
    return Finding("artifact-wrong-type", path, f"expected {wanted}, found {type_name(value)}: {show(value)}")


def member_path(path: str, key: str) -> str:
    """The JSON path of a member: ``$.a`` for plain keys, ``$["a b"]`` for others."""
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]*", key):
        return f"{path}.{key}"
    return f"{path}[{show(key)}]"
