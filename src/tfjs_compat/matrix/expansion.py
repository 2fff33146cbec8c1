"""Matrix → cases. Pure: the same matrix, releases, interpreters and models give the same cases in the same order."""

from __future__ import annotations

import fnmatch
import functools
import itertools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec

from tfjs_compat.errors import MachineryError, RequestError, nearest
from tfjs_compat.index.interpreters import Interpreter, choose, choose_for
from tfjs_compat.index.releases import Release
from tfjs_compat.matrix.axes import AUTO, AXES, LONGEST_PATTERN, RESOLVED, TODAY, Axes, Combination, Match, Texts, texts
from tfjs_compat.matrix.cases import Case, Expectation
from tfjs_compat.matrix.models import Model
from tfjs_compat.matrix.problems import missing_keys
from tfjs_compat.matrix.routes import find_route, why_unavailable
from tfjs_compat.matrix.schema import Expect, Include, Matrix
from tfjs_compat.matrix.size import listed, require_feasible
from tfjs_compat.matrix.versions import choose_versions, is_range, version_fits


class LeftOut(msgspec.Struct, frozen=True):
    """Cases that a matrix names and that cannot exist: which (``mlp at tf2.16.1-…``), and why."""

    what: str
    why: str


class Expansion(msgspec.Struct, frozen=True):
    """The cases of a matrix, in order and without duplicates, and what was left out of them."""

    cases: tuple[Case, ...]
    left_out: tuple[LeftOut, ...]


def packages_needed(matrix: Matrix) -> tuple[str, ...]:
    """The packages whose releases ``expand`` needs: the release axes with another value than their default."""
    blocks: list[Axes] = [matrix.axes, *matrix.include]
    return tuple(
        axis.name
        for axis in AXES
        if axis.kind == "release" and any(set(getattr(block, axis.name) or []) - {axis.default} for block in blocks)
    )


def expand(
    matrix: Matrix,
    releases: Mapping[str, Sequence[Release]],
    found: Sequence[Interpreter],
    find_model: Callable[[str], Model],
    today: str = "",
    step: Callable[[], object] = lambda: None,
) -> Expansion:
    """All cases of a matrix.

    ``releases`` maps each of ``packages_needed`` to its releases, ``found`` are the interpreters of the machine,
    ``find_model`` gives the model of a reference, ``today`` (an ISO date) decides which expectations have expired.
    ``step`` is called again and again, and ends the expansion by what it raises. Raises RequestError for versions and
    models that do not exist, for a matrix without a case and for one of too many; MachineryError for interpreters that
    are not there.
    """
    for problem in missing_keys(matrix):
        raise RequestError(f"{matrix.name}: {problem}")
    versions_of = functools.cache(functools.partial(_versions, releases))
    require_feasible(matrix, lambda package, text, as_of: len(versions_of(package, text, as_of)))
    cases: dict[str, Case] = {}
    left_out: dict[LeftOut, None] = {}
    for block in (Include(), *matrix.include):
        chosen = [
            case
            for case in _block_cases(matrix, block, releases, found, find_model, versions_of, step, left_out)
            if block != Include() or not any(matches(rule, case) for rule in matrix.exclude)
        ]
        for case in chosen:
            cases.setdefault(case.id, case)
    expected = []
    for case in cases.values():
        step()
        expected.append(msgspec.structs.replace(case, expected=_expectation(matrix.expect, case, today)))
    if not expected:
        why = "; ".join(f"{left.what}: {left.why}" for left in left_out) or "its excludes leave nothing"
        raise RequestError(f"{matrix.name}: there is no case to run: {why}")
    return Expansion(tuple(expected), tuple(left_out))


def unused_rules(matrix: Matrix, cases: Sequence[Case]) -> list[str]:
    """A message for each expectation that matches none of the cases: most often it misspells a version or model."""
    return [
        f"{matrix.name}: expect[{number}] ({rule.reason}) matches no case"
        for number, rule in enumerate(matrix.expect)
        if not any(matches(rule, case) for case in cases)
    ]


def only(expansion: Expansion, patterns: Sequence[str]) -> Expansion:
    """The cases whose id, or whose combination's short name, fits one of the shell patterns. Raises RequestError."""
    if not patterns:
        return expansion
    if max(map(len, patterns)) > LONGEST_PATTERN:
        raise RequestError(f"--only: a pattern has more than {LONGEST_PATTERN} characters")
    fitting = tuple(case for case in expansion.cases if any(_named(case, pattern) for pattern in patterns))
    if not fitting:
        slugs = list(dict.fromkeys(case.combination.slug() for case in expansion.cases))
        close = nearest(patterns[0], slugs)
        hint = close if close.startswith("did") else f"`tfjs-compat plan` lists them, the first is '{slugs[0]}'"
        raise RequestError(f"--only {' '.join(patterns)}: no case has such an id or combination\nhint: {hint}")
    return Expansion(fitting, expansion.left_out)


def _named(case: Case, pattern: str) -> bool:
    return fnmatch.fnmatchcase(case.id, pattern) or fnmatch.fnmatchcase(case.combination.slug(), pattern)


def _block_cases(
    matrix: Matrix,
    block: Include,
    releases: Mapping[str, Sequence[Release]],
    found: Sequence[Interpreter],
    find_model: Callable[[str], Model],
    versions_of: Callable[[str, str, str], list[str]],
    step: Callable[[], object],
    left_out: dict[LeftOut, None],
) -> Iterator[Case]:
    models = [find_model(ref) for ref in (block.models or matrix.models)]
    routes = list(dict.fromkeys(find_route(name) for name in (block.routes or matrix.routes)))
    for combination in _combinations(matrix, block, releases, found, versions_of):
        step()
        for model, route in itertools.product(models, routes):
            reason = why_unavailable(route, combination.tensorflow, combination.tensorflowjs, model)
            if reason is not None:
                left_out.setdefault(LeftOut(f"{model.name} at {combination.slug()}", reason))
                continue
            yield Case(combination, model, route)


def _combinations(
    matrix: Matrix,
    block: Include,
    releases: Mapping[str, Sequence[Release]],
    found: Sequence[Interpreter],
    versions_of: Callable[[str, str, str], list[str]],
) -> Iterator[Combination]:
    """The product of the axes. The date stands before the others, because it decides what a range of releases means."""
    ordered = sorted(AXES, key=lambda axis: (axis.default is not None, axis.kind != "date"))
    for values in itertools.product(*(listed(axis, block, matrix) for axis in ordered)):
        given = {axis.name: value for axis, value in zip(ordered, values, strict=True)}
        released = [versions_of(axis.name, given[axis.name], given["as_of"]) for axis in _RELEASED]
        for versions in itertools.product(*released):
            yield _combination(matrix, {**given, **dict(zip(_NAMES, versions, strict=True))}, releases, found)


_RELEASED = tuple(axis for axis in AXES if axis.kind == "release")
_NAMES = tuple(axis.name for axis in _RELEASED)


def _combination(
    matrix: Matrix, given: Mapping[str, Any], releases: Mapping[str, Sequence[Release]], found: Sequence[Interpreter]
) -> Combination:
    """One combination of exact releases, with the requirements that the matrix adds to each."""
    chosen: dict[str, Any] = dict(given)
    for axis in AXES:
        if axis.is_list:
            chosen[axis.name] = (*getattr(matrix.requirements, axis.name, ()), *texts(given[axis.name]))
    chosen["python"] = _python(given["python"], given["tensorflow"], releases.get("tensorflow", ()), found)
    if given["tfjs_runtime"] == "converter":
        chosen["tfjs_runtime"] = given["tensorflowjs"]
    return Combination(**chosen)


def _versions(releases: Mapping[str, Sequence[Release]], package: str, text: str, as_of: str) -> list[str]:
    if package == "keras" and text == RESOLVED:
        return [RESOLVED]
    chosen = choose_versions(package, text, releases[package], None if as_of == TODAY else as_of)
    return [release.version for release in chosen]


def _python(request: str, tensorflow: str, releases: Sequence[Release], found: Sequence[Interpreter]) -> str:
    if request != AUTO:
        chosen = choose(request, found)
        return request if request != chosen.executable else chosen.version
    tags = next((release.python_tags for release in releases if release.version == tensorflow), frozenset())
    best = choose_for(tags, found)
    if best is None:
        have = ", ".join(interpreter.version for interpreter in found) or "none"
        wanted = ", ".join(sorted((f"3.{tag[3:]}" for tag in tags if tag.startswith("cp3")), key=_minor)) or "none"
        hint = f"\nhint: `uv python install {wanted.rpartition(' ')[2]}` adds one" if wanted != "none" else ""
        raise MachineryError(
            f"tensorflow {tensorflow} cannot be installed: it has wheels for Python {wanted}, this machine has Python "
            f"{have}{hint}"
        )
    return best.minor


def _minor(python: str) -> int:
    return int(python.partition(".")[2])


def matches(rule: Match, case: Case) -> bool:
    """Whether a rule is about a case.

    Versions match by equality, prefix (``2.16.*``) or specifier (``>=2.16``), other values by shell pattern.
    """
    return all(
        _matches_field(wanted, field, case)
        for field in Match.__struct_fields__
        if (wanted := getattr(rule, field)) is not None
    )


def _matches_field(wanted: Texts, field: str, case: Case) -> bool:
    of_case = {"model": case.model.ref, "route": case.route.name}
    value = of_case[field] if field in of_case else getattr(case.combination, field)
    values = (value or ("",)) if isinstance(value, tuple) else (value,)
    patterns = (wanted,) if isinstance(wanted, str) else wanted
    return any(_fits(item, pattern) for item in values for pattern in patterns)


@functools.lru_cache(maxsize=1 << 16)
def _fits(value: str, pattern: str) -> bool:
    if value == pattern:
        return True
    if is_range(pattern) and not pattern.startswith("*"):
        return version_fits(value, pattern)
    return fnmatch.fnmatchcase(value, pattern)


def _expectation(rules: Sequence[Expect], case: Case, today: str) -> Expectation | None:
    """The last rule that matches a case decides, so that general rules can stand before special ones."""
    number = next((number for number in reversed(range(len(rules))) if matches(rules[number], case)), None)
    if number is None:
        return None
    rule = rules[number]
    return Expectation(
        verdict=rule.verdict,
        stage=rule.stage,
        issue=rule.issue,
        keras=rule.resolved_keras,
        reason=rule.reason,
        rule=number,
        expires=rule.expires,
        expired=rule.expires is not None and rule.expires <= today,
        link=rule.link,
    )
