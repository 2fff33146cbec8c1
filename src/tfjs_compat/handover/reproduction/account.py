"""reproduction.json: what a bundle is to show, and under which conditions it was seen."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.matrix.routes import Format
from tfjs_compat.outcomes.parity import Tolerance
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import read_regular

ACCOUNT = "reproduction.json"
SCHEMA = 1


class Shown(msgspec.Struct, frozen=True):
    """What whoever runs the bundle sees: the stage that fails, how it says so, and the normalised first cause.

    ``signature`` is None where predictions differ.
    """

    stage: Stage
    message: str
    signature: str | None


class Reproduction(msgspec.Struct, frozen=True, kw_only=True):
    """reproduction.json.

    ``shown`` is what a run of the bundle ends with. It is not where the case ended (``stage``, ``signature``) if a look
    at the artifact had proven what TensorFlow.js would trip over. ``process_variables`` are set by the script,
    ``inputs_given``: the user gave the inputs,
    ``python`` is the full version that it was seen with; ``lock`` is None where nothing could be resolved; ``seconds``
    and ``memory`` (bytes) are the limits of one run.
    """

    schema: int
    tool: str
    case: str
    verdict: Verdict
    stage: Stage
    signature: str | None
    issue: str | None
    message: str
    shown: Shown
    combination: Combination
    model: str
    route: str
    format: Format
    resolved: dict[str, str]
    keras_in_use: str | None
    tfjs: str | None
    runtime: str | None
    process_variables: dict[str, str]
    inputs_given: bool
    python: str
    lock: str | None
    machine: dict[str, str]
    tolerance: Tolerance
    started: str

    def to_json(self) -> bytes:
        """The content of reproduction.json."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2) + b"\n"


_READER = Reader[Reproduction](Reproduction)


def read_account(folder: Path) -> Reproduction:
    """The account of a bundle. Raises RequestError where the folder is none, or of another schema."""
    path = folder / ACCOUNT
    try:
        found = _READER.decode(read_regular(path))
    except FileNotFoundError:
        raise RequestError(
            f"{folder}: it is no reproduction: it holds no {ACCOUNT}\nhint: `tfjs-compat repro CASE --output DIR`"
            " writes one"
        ) from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror or error}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{path}: damaged, or written by another tfjs-compat: {error}") from None
    if found.schema != SCHEMA:
        raise RequestError(f"{path}: key 'schema': is {found.schema}, this tfjs-compat reads {SCHEMA}")
    return found
