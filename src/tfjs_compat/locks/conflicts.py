"""What uv says where it finds no solution: a conflict of packages, in short, or a fault that proves nothing."""

from __future__ import annotations

import re

from tfjs_compat.index import uv
from tfjs_compat.index.address import shown_index
from tfjs_compat.locks.lock import Unresolved

_STEP = re.compile(r"(?:\A|\n)\s*(?=(?:And because|Because) )|(?<=\. )(?=(?:And because|Because) )")
_PACKAGE = re.compile(r"\b([a-z][a-z0-9]*(?:[-_.][a-z0-9]+)*)(?:==|>=|<=|~=|!=|<|>)")
_USEFUL_HINTS = ("ABI tag", "platforms", "filtered by `exclude-newer`")


def explain(text: str, requirements: tuple[str, ...] = ()) -> Unresolved:
    """A resolver's explanation shortened to the packages that matter: its last two steps and its hints.

    >>> explain("No solution found when resolving dependencies\\n cause: Because a==1 depends on b<2 and you require "
    ...         "a==1, we can conclude that b<2. And because you require b==3, your requirements are unsatisfiable."
    ...         ).packages
    ('a', 'b')
    """
    cause = text[text.find("Because ") :] if "Because " in text else text
    cause, *hints = re.split(r"\n\s*hint: ", cause)
    steps = [" ".join(step.split()) for step in _STEP.split(cause) if step.strip()]
    short = re.sub(r"\AAnd because ", "Because ", " ".join(steps[-2:]))
    hints = [" ".join(hint.split()).partition(" Consider ")[0] for hint in hints]
    hint = next((hint for hint in hints if any(sign in hint for sign in _USEFUL_HINTS)), "")
    named = set(_PACKAGE.findall(short)) | {re.split(r"[=<>!~ ]", line)[0] for line in requirements if line in short}
    named |= set(re.findall(r"Failed to build `([a-z0-9-]+)", text)) | set(re.findall(r"\bversion of ([\w-]+)", short))
    named |= set(re.findall(r"([\w.-]+) was not found in the package registry", short))
    message = " ".join(filter(None, (_clip(short), hint)))
    return Unresolved(message, tuple(sorted(named)), text.strip())


_REFUSED = re.compile(
    r"could not be queried due to a lack of valid authentication credentials \([^)]*\)|returned a 403 Forbidden error"
)
_ABSENT = re.compile(r"\b(tensorflow|tensorflowjs) was not found in the package registry")


def resolver_fault(text: str) -> str | None:
    """What in a resolver's words is a fault of the machine, or None where it is a fact about packages.

    uv "finds no solution" also where an index refuses to show a package, or where the network is switched off.
    """
    flat = uv.unwrapped(text)
    if "No solution found" not in flat:
        return uv.machinery_fault(text)
    if "network was disabled" in flat:
        return "the network is disabled (UV_OFFLINE), so packages could not be looked up"
    shown = shown_index()
    if refused := _REFUSED.search(flat):
        return f"the package index {shown} {refused[0]}"
    if absent := _ABSENT.search(flat):
        return f"the package index {shown} has no package {absent[1]}"
    return None


def _clip(message: str, most: int = 900) -> str:
    return message if len(message) <= most else message[: most - 1].rstrip() + "…"
