"""results.json: written whole, read with errors that help."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.results.case_result import SCHEMA, Results
from tfjs_compat.system.files import write_whole


def write_results(results: Results, output: Path) -> Path:
    """Write OUTPUT/results.json, whole or not at all."""
    path = output / "results.json"
    write_whole(path, msgspec.json.format(msgspec.json.encode(results), indent=2) + b"\n")
    return path


class _Head(msgspec.Struct):
    schema: int


def read_results(path: Path) -> Results:
    """The results of a run: ``path`` is its output folder or the file itself. Raises RequestError."""
    file = path / "results.json" if path.is_dir() else path
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        hint = "`tfjs-compat run` writes one when it ends" if file != path else "give the output folder of a run"
        raise RequestError(f"{file}: there is no such file or folder; {hint}") from None
    except OSError as error:
        raise RequestError(f"{file}: cannot be read: {error.strerror or error}") from None
    try:
        schema = msgspec.json.decode(content, type=_Head).schema
        if schema != SCHEMA:
            older = schema < SCHEMA
            hint = "run the matrix again" if older else "a newer tfjs-compat wrote it; upgrade this one"
            raise RequestError(f"{file}: key 'schema': is {schema}, this tfjs-compat reads {SCHEMA}; {hint}")
        return msgspec.json.decode(content, type=Results)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{file}: damaged, or no results.json of tfjs-compat: {error}") from None
