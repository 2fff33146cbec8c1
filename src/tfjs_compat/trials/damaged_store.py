"""A failure over a damaged store says nothing about versions: what failed is looked at before it is believed."""

from __future__ import annotations

import re

import msgspec

from tfjs_compat.environments.environment import Environment
from tfjs_compat.environments.verification import damage_said
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system.context import Context

_UNREADABLE = re.compile(
    r"(^|\.)(EOFError|SyntaxError|ImportError|ModuleNotFoundError|UnicodeDecodeError|zlib\.error)$"
)
_UNREADABLE_TEXT = re.compile(r"bad marshal data|bad magic number|null bytes|unmarshal|invalid ELF|file too short")


def over_whole_store(outcome: Outcome, environment: Environment, context: Context) -> Outcome:
    """An outcome, or the fault of the machine that it is because the packages in the store are damaged.

    Looked at is a failing import, one without an end included, an exception that damaged modules cause later on, and a
    crash. Raises MachineryError, Interrupted.
    """
    failure = outcome.failure
    if failure is None or outcome.machinery is not None or not _is_suspect(failure):
        return outcome
    if outcome.limited and failure.stage is not Stage.IMPORT:
        return outcome
    # A library is large and is loaded or crashes; a module is small.
    thorough = not failure.chain or any(".so" in raised.message for raised in failure.chain)
    found = damage_said(environment, context, thorough=thorough)
    if found is None:
        return outcome
    message = f"the store is damaged, which `tfjs-compat env verify` mends: {found}"
    return msgspec.structs.replace(outcome, machinery=message)


def _is_suspect(failure: Failure) -> bool:
    return (
        failure.stage is Stage.IMPORT
        or not failure.chain
        or any(_UNREADABLE.search(raised.type) or _UNREADABLE_TEXT.search(raised.message) for raised in failure.chain)
    )
