"""A matrix file: TOML in, a typed value out, with errors that name the file, the key and the nearest right name."""

from __future__ import annotations

import datetime
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import msgspec
import tomli
from packaging.requirements import InvalidRequirement, Requirement

from tfjs_compat import versions
from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.outcomes import Stage, Verdict
from tfjs_compat.routes import find_route

TABLE = "tfjs-compat"
SHIPPED = ("seed", "frontier", "plain", "repairs", "zoo")

PROCESS_ENVS: dict[str, dict[str, str]] = {
    "default": {},
    # tensorflow reads this at import: tf.keras becomes tf_keras (tensorflow/python/util/lazy_loader.py).
    "legacy-keras": {"TF_USE_LEGACY_KERAS": "1"},
    # Without oneDNN grappler leaves out the _Mkl and most of the _Fused ops that TensorFlow.js does not have.
    "no-onednn": {"TF_ENABLE_ONEDNN_OPTS": "0"},
}

Texts = str | list[str]


class Axes(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The choices on each axis; None where the file says nothing."""

    python: list[str] | None = None
    tensorflow: list[str] | None = None
    tensorflowjs: list[str] | None = None
    keras: list[str] | None = None
    extra: list[Texts] | None = None
    constraints: list[Texts] | None = None
    overrides: list[Texts] | None = None
    stand_ins: list[Texts] | None = None
    as_of: list[str] | None = None
    process_env: list[str] | None = None
    tfjs_runtime: list[str] | None = None


class Requirements(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What every combination adds.

    ``stand_ins`` are packages to leave out, an empty module in the place of each; ``source_builds`` lets the installer
    build packages that have no wheel.
    """

    extra: list[str] = []
    constraints: list[str] = []
    overrides: list[str] = []
    stand_ins: list[str] = []
    source_builds: bool = False


class Match(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which cases a rule is about: every key given must match; a list matches where one of its values does."""

    python: Texts | None = None
    tensorflow: Texts | None = None
    tensorflowjs: Texts | None = None
    keras: Texts | None = None
    constraints: Texts | None = None
    as_of: Texts | None = None
    process_env: Texts | None = None
    tfjs_runtime: Texts | None = None
    model: Texts | None = None
    route: Texts | None = None


class Include(Axes, frozen=True, forbid_unknown_fields=True):
    """One more block: the axes it names replace the matrix's, the others stay; so do models and routes."""

    models: list[str] | None = None
    routes: list[str] | None = None


class Expect(Match, frozen=True, forbid_unknown_fields=True):
    """What the cases that match come to. ``resolved_keras`` is the version that the lock gives (``3.2.1``, ``3.*``)."""

    verdict: Verdict | None = None
    stage: Stage | None = None
    issue: str | None = None
    resolved_keras: str | None = None
    reason: str = ""


class LimitsTable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one case may use: seconds per case, memory in GiB (None: by what the machine has)."""

    seconds: Annotated[float, msgspec.Meta(gt=0)] = 600.0
    memory: Annotated[float, msgspec.Meta(gt=0)] | None = None


class Matrix(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a matrix file says, its names and versions checked, nothing expanded."""

    name: str = "matrix"
    models: list[str] = []
    routes: list[str] = msgspec.field(default_factory=lambda: ["layers"])
    until: Stage = Stage.PREDICT
    axes: Axes = Axes()
    requirements: Requirements = Requirements()
    limits: LimitsTable = LimitsTable()
    process_env: dict[str, dict[str, str]] = {}
    include: list[Include] = []
    exclude: list[Match] = []
    expect: list[Expect] = []


def read_matrix(path: Path) -> Matrix:
    """The matrix in a TOML file, or in the table [tool.tfjs-compat] of a pyproject.toml.

    Raises RequestError with file, key, what was expected and the nearest known key.
    """
    try:
        content = tomli.loads(path.read_bytes().decode("utf-8"))
    except FileNotFoundError:
        shipped = f"; shipped with the tool: {', '.join(SHIPPED)}" if not path.suffix else ""
        raise RequestError(f"{path}: there is no such matrix file{shipped}") from None
    except OSError as error:
        raise RequestError(f"{path}: cannot be read: {error.strerror}") from None
    except (tomli.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        raise RequestError(f"{path}: not valid TOML: {error}") from None
    if path.name == "pyproject.toml":
        tool = content.get("tool")
        content = tool.get(TABLE, {}) if isinstance(tool, dict) else {}
        if not isinstance(content, dict):
            raise RequestError(f"{path}: key 'tool.{TABLE}': expected a table")
        content.setdefault("name", path.resolve().parent.name)
    content.setdefault("name", path.stem)
    return decode(content, str(path))


def decode(content: dict[str, Any], source: str) -> Matrix:
    """A matrix out of plain values. ``source`` is what messages call the file. Raises RequestError."""
    try:
        matrix = msgspec.convert(_dates_as_text(content), Matrix)
    except msgspec.ValidationError as error:
        raise RequestError(f"{source}: {_explain(str(error))}") from None
    return checked(matrix, source)


def checked(matrix: Matrix, source: str) -> Matrix:
    """The matrix itself, its names and versions looked through. Raises RequestError for the first that is wrong."""
    for problem in _problems(matrix):
        raise RequestError(f"{source}: {problem}")
    return matrix


def missing_keys(matrix: Matrix) -> Iterable[str]:
    """What a matrix lacks to have cases; a file may lack what the command line gives."""
    for field, example in (("tensorflow", "2.19.0"), ("tensorflowjs", "4.22.0")):
        if not getattr(matrix.axes, field):
            yield f"key 'axes.{field}': missing: list the versions to try, e.g. ['{example}']"
    if not matrix.models:
        yield "key 'models': missing: list models, e.g. ['zoo:seed'], or give --model"


def process_variables(name: str, own: dict[str, dict[str, str]]) -> dict[str, str]:
    """The variables that a name, or several joined by ``+``, stands for. Raises RequestError."""
    known = {**PROCESS_ENVS, **own}
    merged: dict[str, str] = {}
    for part in name.split("+"):
        if part not in known:
            raise RequestError(f"process_env '{part}': no such set of variables; {nearest(part, known)}")
        merged.update(known[part])
    return merged


def texts(value: Texts | None) -> tuple[str, ...]:
    """One or several texts as a tuple; an empty text is none."""
    return tuple(filter(None, [value] if isinstance(value, str) else value or []))


def _dates_as_text(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _dates_as_text(one) for key, one in value.items()}
    if isinstance(value, list):
        return [_dates_as_text(one) for one in value]
    return value.isoformat() if isinstance(value, datetime.date) else value


_PLACES: dict[str, type[msgspec.Struct]] = {
    "": Matrix,
    "axes": Axes,
    "requirements": Requirements,
    "limits": LimitsTable,
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
        return f"unknown key '{key}'; {nearest(unknown[1], fields)}"
    if wrong := re.fullmatch(r"Expected `(.*)`, got `(.*)`", what):
        options = [one for one in wrong[1].split(" | ") if one != "null"]
        expected = " or ".join(_TOML_NAMES.get(one, one) for one in options)
        hint = "; versions are texts: write them in quotes" if wrong[2] in ("float", "int") and "str" in options else ""
        hint = hint or ('; write ["…"]' if options == ["array"] and wrong[2] == "str" else "")
        return f"key '{path}': expected {expected}, got {_TOML_NAMES.get(wrong[2], wrong[2])}{hint}"
    if value := re.fullmatch(r"Invalid enum value '(.*)'", what):
        enum = Stage if place.endswith(("stage", "until")) else Verdict
        return f"key '{path}': unknown value '{value[1]}'; {nearest(value[1], [str(one) for one in enum])}"
    return f"key '{path}': {what}" if path else what


def _problems(matrix: Matrix) -> Iterable[str]:
    for route in matrix.routes:
        yield from _route_problems("routes", route)
    envs = {**PROCESS_ENVS, **matrix.process_env}
    blocks: list[tuple[str, Axes]] = [("axes", matrix.axes)]
    blocks += [(f"include[{number}]", block) for number, block in enumerate(matrix.include)]
    for place, block in blocks:
        if isinstance(block, Include):
            for route in block.routes or []:
                yield from _route_problems(f"{place}.routes", route)
        yield from _axis_problems(place, block, envs)
    yield from _variable_problems(matrix.process_env)
    requirements = matrix.requirements
    for key in ("extra", "constraints", "overrides"):
        yield from _requirement_problems(f"requirements.{key}", getattr(requirements, key))
    yield from _package_problems("requirements.stand_ins", requirements.stand_ins)
    for number, rule in enumerate(matrix.expect):
        if rule.verdict is None and rule.stage is None and rule.issue is None:
            yield f"key 'expect[{number}]': says nothing: give 'verdict', 'stage' or 'issue'"
        if not rule.reason:
            yield f"key 'expect[{number}].reason': say why this is expected"


def _axis_problems(place: str, block: Axes, envs: Iterable[str]) -> Iterable[str]:
    for field in Axes.__struct_fields__:
        values = getattr(block, field)
        if values is None:
            continue
        if not values:
            yield f"key '{place}.{field}': the list is empty; leave the key out to use its default"
        for value in values:
            key = f"{place}.{field}"
            if field in ("extra", "constraints", "overrides"):
                yield from _requirement_problems(key, texts(value))
            elif field == "stand_ins":
                yield from _package_problems(key, texts(value))
            elif field in ("tensorflow", "tensorflowjs") or (field == "keras" and value != "resolved"):
                if problem := versions.check_syntax(value):
                    yield f"key '{key}': {problem}"
            elif field == "as_of" and value != "today" and not _is_date(value):
                yield f"key '{key}': '{value}' is neither a date such as 2024-04-10 nor 'today'"
            elif field == "process_env":
                for part in value.split("+"):
                    yield from _unknown(key, part, envs)


def _variable_problems(process_env: dict[str, dict[str, str]]) -> Iterable[str]:
    for name, variables in process_env.items():
        for variable, value in variables.items():
            if not variable or "=" in variable or "\0" in variable:
                yield f"key 'process_env.{name}': '{variable}' cannot be the name of a variable"
            if "\0" in value:
                yield f"key 'process_env.{name}.{variable}': a variable cannot hold a NUL"


def _route_problems(key: str, name: str) -> Iterable[str]:
    try:
        find_route(name)
    except RequestError as error:
        yield f"key '{key}': {error}"


def _unknown(key: str, name: str, known: Iterable[str]) -> Iterable[str]:
    if name not in known:
        yield f"key '{key}': unknown name '{name}'; {nearest(name, known)}"


def _requirement_problems(key: str, lines: Iterable[str]) -> Iterable[str]:
    for line in lines:
        try:
            Requirement(line)
        except InvalidRequirement as error:
            yield f"key '{key}': '{line}' is no requirement such as 'setuptools<81': {str(error).splitlines()[0]}"


def _package_problems(key: str, names: Iterable[str]) -> Iterable[str]:
    for name in names:
        if not re.fullmatch(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?", name):
            yield f"key '{key}': '{name}' is no package name such as 'tensorflow-decision-forests'"


def _is_date(text: str) -> bool:
    try:
        return datetime.date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False
