"""A matrix file: TOML in, a typed value out, with errors that name the file, the key and the nearest right name."""

from __future__ import annotations

import datetime
import re
from pathlib import Path
from typing import Any

import msgspec
import tomli

from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.matrix.axes import Axes, Match
from tfjs_compat.matrix.permissions import Permissions
from tfjs_compat.matrix.problems import problems
from tfjs_compat.matrix.schema import Expect, Include, LimitsTable, Matrix, Requirements
from tfjs_compat.matrix.shipped import shipped_names
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import read_regular

_MATRICES = Reader[Matrix](Matrix)

TABLE = "tfjs-compat"

_LARGEST = 16 << 20
"""Bytes of a matrix file that are read: a hundred thousand cases, each with an expectation of its own, are less."""


_OF_MODELS = re.compile(r"(zoo|.*\.py|[\w.]+):\w+|.*\.(keras|h5|hdf5|py)")


def _meant(path: Path) -> str:
    """What to type instead of a matrix file that is not there: a name that is near, or the option that takes it."""
    if path.parent == Path() and _OF_MODELS.fullmatch(str(path)):
        return f"a model is given by --model {path}"
    there = [str(path.with_name(file.name)) for file in path.parent.glob("*.toml")] if path.suffix else shipped_names()
    if (near := nearest(str(path), there)).startswith("did you mean"):
        return near
    return "" if path.suffix else f"use one that ships with the tool: {', '.join(shipped_names())}"


def read_matrix(path: Path) -> Matrix:
    """The matrix in a TOML file, or in the table [tool.tfjs-compat] of a pyproject.toml.

    Raises RequestError with file, key, what was expected and the nearest known key.
    """
    try:
        content = tomli.loads(read_regular(path, _LARGEST).decode("utf-8"))
    except FileNotFoundError:
        hint = _meant(path)
        raise RequestError(f"{path}: there is no such matrix file" + (f"\nhint: {hint}" if hint else "")) from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:  # of TOML, of UTF-8, of a number with too many digits
        raise RequestError(f"{path}: not valid TOML: {error}") from None
    if path.name == "pyproject.toml":
        tool = content.get("tool")
        content = tool.get(TABLE, {}) if isinstance(tool, dict) else {}
        if not isinstance(content, dict):
            raise RequestError(f"{path}: key 'tool.{TABLE}': expected a table")
        content.setdefault("name", path.resolve().parent.name)
    content.setdefault("name", path.stem)
    return decode(content, str(path))


def has_table(path: Path) -> bool:
    """Whether a pyproject.toml holds a matrix: the table [tool.tfjs-compat].

    In a file that is not valid TOML the heading of the table counts: reading it then raises the error.
    """
    try:
        content = read_regular(path, _LARGEST).decode("utf-8", "replace")
    except OSError:
        return False
    try:
        tool = tomli.loads(content).get("tool")
    except (ValueError, RecursionError):
        return re.search(rf"(?m)^\s*\[\s*tool\.{TABLE}\s*\]", content) is not None
    return isinstance(tool, dict) and TABLE in tool


def decode(content: dict[str, Any], source: str) -> Matrix:
    """A checked matrix from TOML's plain values. ``source`` is the file's name in messages. Raises RequestError."""
    try:
        matrix = _MATRICES.convert(_dates_as_text(content))
    except msgspec.ValidationError as error:
        raise RequestError(f"{source}: {_explain(str(error))}") from None
    return checked(matrix, source)


def checked(matrix: Matrix, source: str) -> Matrix:
    """The same matrix, after ``problems`` found nothing. Raises RequestError with the first problem."""
    for problem in problems(matrix):
        raise RequestError(f"{source}: {problem}")
    return matrix


def _dates_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _dates_as_text(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(item) for item in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


_PLACES: dict[str, type[msgspec.Struct]] = {
    "": Matrix,
    "axes": Axes,
    "requirements": Requirements,
    "limits": LimitsTable,
    "permissions": Permissions,
    "include": Include,
    "exclude": Match,
    "expect": Expect,
}
_TOML_NAMES = {"array": "a list", "str": "a text in quotes", "object": "a table", "bool": "true or false"}
_TOML_NAMES |= {"int": "a number", "float": "a number", "null": "nothing"}


def _explain(message: str) -> str:
    """msgspec's message in a matrix author's words."""
    what, _, where = message.partition(" - at `")
    path = where.rstrip("`").removeprefix("$").removeprefix(".")
    place = re.sub(r"\[[^]]*\]", "", path)
    if unknown := re.fullmatch(r"Object contains unknown field `(.*)`", what):
        fields = _PLACES[place].__struct_fields__ if place in _PLACES else ()
        key = f"{path}.{unknown[1]}" if path else unknown[1]
        return f"unknown key '{key}'\nhint: {nearest(unknown[1], fields)}"
    if wrong := re.fullmatch(r"Expected `(.*)`, got `(.*)`", what):
        options = [option for option in wrong[1].split(" | ") if option != "null"]
        expected = " or ".join(_TOML_NAMES.get(option, option) for option in options)
        hint = ""
        if wrong[2] in ("float", "int") and "str" in options:
            hint = "\nhint: versions are texts, write them in quotes"
        elif wrong[2] == "str" and options == ["array"]:
            hint = '\nhint: write ["…"]'
        return f"key '{path}': expected {expected}, got {_TOML_NAMES.get(wrong[2], wrong[2])}{hint}"
    if value := re.fullmatch(r"Invalid enum value '(.*)'", what):
        enum = Stage if place.endswith(("stage", "until")) else Verdict
        return f"key '{path}': unknown value '{value[1]}'\nhint: {nearest(value[1], [str(member) for member in enum])}"
    return f"key '{path}': {what}" if path else what
