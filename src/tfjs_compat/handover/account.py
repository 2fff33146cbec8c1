"""CONVERSION.json: how a model came to be and what proves it."""

from __future__ import annotations

import msgspec

from tfjs_compat.matrix.axes import Combination
from tfjs_compat.outcomes.outcome import Applied
from tfjs_compat.outcomes.parity import Parity
from tfjs_compat.results.cures import Step


class InputsTold(msgspec.Struct, frozen=True):
    """One input that predictions were compared on."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class Account(msgspec.Struct, frozen=True):
    """CONVERSION.json: how a model came to be and what proves it.

    ``steps`` are the remedies it took, ``repairs`` what was changed in the artifact after the converter; ``parity``
    holds the numbers that agreed, on ``inputs`` (``inputs_from``: generated, or a file). ``digest`` is that of the
    model's files, ``packages`` every version of the environment, whose lock has the id ``lock``.
    """

    schema: int
    tool: str
    created: str
    model: str
    model_digest: str
    combination: Combination
    resolved: dict[str, str]
    keras_in_use: str | None
    route: str
    process_env: dict[str, str]
    steps: tuple[Step, ...]
    repairs: tuple[Applied, ...]
    lock: str | None
    packages: tuple[str, ...]
    tfjs: str | None
    runtime: str | None
    parity: Parity
    inputs: tuple[InputsTold, ...]
    inputs_from: str
    files: tuple[str, ...]
    digest: str
