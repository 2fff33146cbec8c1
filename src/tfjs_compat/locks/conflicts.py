"""The resolver's explanation of a conflict, shortened to the packages that matter."""

from __future__ import annotations

import re

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


def _clip(message: str, most: int = 900) -> str:
    return message if len(message) <= most else message[: most - 1].rstrip() + "…"
