"""CONVERSION.json: how a model came to be and what proves it."""

from __future__ import annotations

import datetime
import hashlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.artifact.tensors import read_tensors
from tfjs_compat.handover.recipe import REQUIREMENTS, Recipe
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.outcomes.interface import Interface
from tfjs_compat.outcomes.outcome import Applied
from tfjs_compat.outcomes.parity import Parity
from tfjs_compat.outcomes.reference import Reference
from tfjs_compat.outcomes.rewriting import Rewriting
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.remedies import Step
from tfjs_compat.system.digests import digest_files
from tfjs_compat.version import __version__


class InputTensor(msgspec.Struct, frozen=True):
    """One input that predictions were compared on."""

    name: str
    dtype: str
    shape: tuple[int, ...]


class Account(msgspec.Struct, frozen=True):
    """CONVERSION.json: how a model came to be and what proves it.

    ``steps`` are the remedies it took, ``rewriting`` what was changed in the model before the converter, ``repairs``
    what in the artifact after it; ``parity`` holds the numbers that agreed with those of the model as it was given, on
    ``inputs`` (``inputs_from``: generated, or a file); ``reference`` says how they were chosen and how much of the
    model shows in them. ``interface`` says which input and output of the artifact is which of the model. ``digest`` is
    that of the model's files, ``packages`` every version of the environment, whose lock has the id ``lock``. ``beside``
    are the files that were written beside the model, each with its SHA-256.
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
    inputs: tuple[InputTensor, ...]
    inputs_from: str
    files: tuple[str, ...]
    digest: str
    reference: Reference | None = None
    interface: Interface | None = None
    beside: dict[str, str] = {}
    rewriting: Rewriting | None = None

    def to_json(self) -> bytes:
        """The content of CONVERSION.json."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


def account_of(
    case: CaseResult,
    steps: tuple[Step, ...],
    recipe: Recipe,
    model_digest: str,
    folder: Path,
    inputs: Path | None,
    beside: Mapping[str, bytes] = {},
) -> Account:
    """The account of a case that works, which left its artifact and its inputs in ``folder``.

    ``steps`` led to it, ``inputs`` is the file that the user gave them in, ``beside`` (name → content) is written
    beside the model. Raises OSError for a file that is not there.
    """
    assert case.parity is not None, "what works was compared"
    files = sorted(path for path in (folder / "artifact").iterdir() if path.is_file())
    first = [tensor for tensor in read_tensors(folder / "inputs") if tensor.batch == 0]
    return Account(
        schema=1,
        tool=__version__,
        created=datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        model=case.model,
        model_digest=model_digest,
        combination=case.combination,
        resolved=case.resolved,
        keras_in_use=case.keras_in_use,
        route=case.route,
        process_env=recipe.process_env,
        steps=steps,
        repairs=case.repairs,
        lock=case.lock,
        packages=tuple(_pins(recipe.files[REQUIREMENTS])),
        tfjs=case.tfjs,
        runtime=case.runtime,
        parity=case.parity,
        inputs=tuple(InputTensor(each.name, _dtype(each.values), tuple(each.values.shape)) for each in first),
        inputs_from=str(inputs) if inputs is not None else "generated from the model's signature",
        files=tuple(path.name for path in files),
        digest=digest_files((path.name, path) for path in files),
        reference=case.reference,
        interface=case.interface,
        rewriting=case.rewriting,
        beside={name: hashlib.sha256(content).hexdigest() for name, content in beside.items()},
    )


def _dtype(values: Any) -> str:
    return "string" if values.dtype.kind in "OSU" else str(values.dtype)


def _pins(lock: str) -> Iterable[str]:
    return (line.partition(" ")[0] for line in lock.splitlines() if "==" in line and not line.startswith((" ", "#")))
