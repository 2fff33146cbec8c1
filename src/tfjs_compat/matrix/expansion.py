"""Matrix → cases. Pure: the same matrix, releases, interpreters and models give the same cases in the same order."""

from __future__ import annotations

import fnmatch
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tfjs_compat.errors import MachineryError, RequestError, nearest
from tfjs_compat.index import interpreters as pythons
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.index.releases import Release
from tfjs_compat.matrix.cases import DEFAULT, RESOLVED, TODAY, Case, Combination, Expectation
from tfjs_compat.matrix.models import Model
from tfjs_compat.matrix.problems import missing_keys
from tfjs_compat.matrix.routes import find_route, why_unavailable
from tfjs_compat.matrix.schema import Axes, Expect, Include, Match, Matrix, texts
from tfjs_compat.matrix.versions import Choice, choose_versions, is_range, version_fits

_DEFAULTS: dict[str, list[str]] = {
    "as_of": [TODAY],
    "python": [pythons.AUTO],
    "keras": [RESOLVED],
    "extra": [""],
    "constraints": [""],
    "overrides": [""],
    "stand_ins": [""],
    "process_env": [DEFAULT],
    "tfjs_runtime": [DEFAULT],
}
VERSIONED = ("tensorflow", "tensorflowjs", "keras")


class LeftOut(msgspec.Struct, frozen=True):
    """Cases that a matrix asks for and that cannot be: what they are and why."""

    what: str
    why: str


class Expansion(msgspec.Struct, frozen=True):
    """The cases of a matrix, in order and without duplicates, and what was left out of them."""

    cases: tuple[Case, ...]
    left_out: tuple[LeftOut, ...]


def packages_asked(matrix: Matrix) -> tuple[str, ...]:
    """The packages whose releases ``expand`` has to know."""
    blocks: list[Axes] = [matrix.axes, *matrix.include]
    named = {field for block in blocks for field in VERSIONED if set(getattr(block, field) or []) - {RESOLVED}}
    return tuple(field for field in VERSIONED if field in named)


def expand(
    matrix: Matrix,
    releases: Mapping[str, Sequence[Release]],
    found: Sequence[Interpreter],
    find_model: Callable[[str], Model],
) -> Expansion:
    """All cases of a matrix.

    ``releases`` by package name (see ``packages_asked``), ``found`` the interpreters of the machine, ``find_model``
    gives the model of a reference. Raises RequestError for versions and models that do not exist, and for a matrix
    without a case; MachineryError for interpreters that are not there.
    """
    cases: dict[Case, None] = {}
    left_out: dict[LeftOut, None] = {}
    for block in (Include(), *matrix.include):
        chosen = [
            case
            for case in _block_cases(matrix, block, releases, found, find_model, left_out)
            if block != Include() or not any(matches(rule, case) for rule in matrix.exclude)
        ]
        cases.update(dict.fromkeys(chosen))
    expected = tuple(msgspec.structs.replace(case, expected=_expectation(matrix.expect, case)) for case in cases)
    if not expected:
        why = "; ".join(f"{one.what}: {one.why}" for one in left_out) or "its excludes leave nothing"
        raise RequestError(f"{matrix.name}: there is no case to run: {why}")
    return Expansion(expected, tuple(left_out))


def unused_rules(matrix: Matrix, cases: Sequence[Case]) -> list[str]:
    """The expectations that no case of the matrix matches: most often a misspelt version or model."""
    return [
        f"{matrix.name}: expect[{number}] ({rule.reason}) matches no case"
        for number, rule in enumerate(matrix.expect)
        if not any(matches(rule, case) for case in cases)
    ]


def only(expansion: Expansion, patterns: Sequence[str]) -> Expansion:
    """The cases whose id, or whose combination's short name, fits one of the shell patterns. Raises RequestError."""
    if not patterns:
        return expansion
    fitting = tuple(case for case in expansion.cases if any(_named(case, pattern) for pattern in patterns))
    if not fitting:
        slugs = list(dict.fromkeys(case.combination.slug() for case in expansion.cases))
        close = nearest(patterns[0], slugs)
        known = f"the names are such as '{slugs[0]}': `tfjs-compat plan` lists them"
        hint = close if close.startswith("did") else known
        raise RequestError(f"--only {' '.join(patterns)}: fits no case; {hint}")
    return Expansion(fitting, expansion.left_out)


def _named(case: Case, pattern: str) -> bool:
    return fnmatch.fnmatchcase(case.id, pattern) or fnmatch.fnmatchcase(case.combination.slug(), pattern)


def _block_cases(
    matrix: Matrix,
    block: Include,
    releases: Mapping[str, Sequence[Release]],
    found: Sequence[Interpreter],
    find_model: Callable[[str], Model],
    left_out: dict[LeftOut, None],
) -> Iterator[Case]:
    axes = {field: getattr(block, field) or getattr(matrix.axes, field) for field in Axes.__struct_fields__}
    for problem in missing_keys(matrix):
        raise RequestError(f"{matrix.name}: {problem}")
    models = [find_model(ref) for ref in (block.models or matrix.models)]
    routes = list(dict.fromkeys(find_route(name).name for name in (block.routes or matrix.routes)))
    for combination in _combinations(matrix, axes, releases, found):
        for model, route in itertools.product(models, map(find_route, routes)):
            reason = why_unavailable(route, combination.tensorflow, combination.tensorflowjs, model)
            if reason is not None:
                left_out.setdefault(LeftOut(f"{model.name} at {combination.slug()}", reason))
                continue
            yield Case(combination, model, route.name)


def _combinations(
    matrix: Matrix,
    axes: Mapping[str, list[str]],
    releases: Mapping[str, Sequence[Release]],
    found: Sequence[Interpreter],
) -> Iterator[Combination]:
    common = matrix.requirements
    given: dict[str, list[Any]] = {field: axes[field] or default for field, default in _DEFAULTS.items()}
    rest = [dict(zip(given, values, strict=True)) for values in itertools.product(*given.values())]

    @functools.cache
    def choices(package: str, text: str, as_of: str) -> list[Choice]:
        return _choices(package, text, as_of, releases)

    for tensorflow, tensorflowjs, one in itertools.product(axes["tensorflow"], axes["tensorflowjs"], rest):
        as_of, runtime = one["as_of"], one["tfjs_runtime"]
        for tf, tfjs, keras in itertools.product(
            choices("tensorflow", tensorflow, as_of),
            choices("tensorflowjs", tensorflowjs, as_of),
            choices("keras", one["keras"], as_of),
        ):
            yield Combination(
                python=_python(one["python"], tf.version, releases.get("tensorflow", ()), found),
                tensorflow=tf.version,
                tensorflowjs=tfjs.version,
                keras=keras.version,
                extra=(*common.extra, *texts(one["extra"])),
                constraints=(*common.constraints, *texts(one["constraints"])),
                overrides=(*common.overrides, *texts(one["overrides"])),
                stand_ins=(*common.stand_ins, *texts(one["stand_ins"])),
                as_of=as_of,
                process_env=one["process_env"],
                tfjs_runtime=tfjs.version if runtime == "converter" else runtime,
            )


def _choices(package: str, text: str, as_of: str, releases: Mapping[str, Sequence[Release]]) -> list[Choice]:
    if package == "keras" and text == RESOLVED:
        return [Choice(RESOLVED, True)]
    return choose_versions(package, text, releases[package], None if as_of == TODAY else as_of)


def _python(request: str, tensorflow: str, releases: Sequence[Release], found: Sequence[Interpreter]) -> str:
    if request != pythons.AUTO:
        chosen = pythons.choose(request, found)
        return request if request != chosen.executable else chosen.version
    tags = next((one.python_tags for one in releases if one.version == tensorflow), frozenset())
    best = pythons.choose_for(tags, found)
    if best is None:
        have = ", ".join(one.version for one in found) or "none"
        wanted = ", ".join(sorted((f"3.{tag[3:]}" for tag in tags if tag.startswith("cp3")), key=_minor)) or "none"
        hint = f"; `uv python install {wanted.rpartition(' ')[2]}` adds one" if tags else ""
        raise MachineryError(f"tensorflow {tensorflow} has wheels for Python {wanted}; this machine has {have}{hint}")
    return best.minor


def _minor(python: str) -> int:
    return int(python.partition(".")[2])


def matches(rule: Match, case: Case) -> bool:
    """Whether a rule is about a case.

    Versions match by equality, prefix (``2.16.*``) or specifier (``>=2.16``), other values by shell pattern.
    """
    asked = case.combination
    subjects = {field: getattr(asked, field) for field in Axes.__struct_fields__}
    subjects["model"], subjects["route"] = case.model.ref, case.route
    for field in Match.__struct_fields__:
        if (wanted := getattr(rule, field)) is None:
            continue
        value = subjects[field]
        patterns = [wanted] if isinstance(wanted, str) else wanted
        values = list(value) or [""] if isinstance(value, tuple) else [value]
        if not any(_fits(one, pattern) for one in values for pattern in patterns):
            return False
    return True


def _fits(value: str, pattern: str) -> bool:
    if value == pattern:
        return True
    if is_range(pattern) and not pattern.startswith("*"):
        return version_fits(value, pattern)
    return fnmatch.fnmatchcase(value, pattern)


def _expectation(rules: Sequence[Expect], case: Case) -> Expectation | None:
    """The last rule that matches a case decides, so that general rules can stand before special ones."""
    fitting = [rule for rule in rules if matches(rule, case)]
    if not fitting:
        return None
    rule = fitting[-1]
    return Expectation(rule.verdict, rule.stage, rule.issue, rule.resolved_keras, rule.reason)
