"""Remedy → changed case. Pure: what a remedy means for one case, in the matrix's own terms."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from tfjs_compat.diagnosis.applying import fits
from tfjs_compat.diagnosis.catalogue import Remedy, catalogue, unknown_failures
from tfjs_compat.errors import RequestError
from tfjs_compat.index.interpreters import Interpreter, choose_for
from tfjs_compat.index.releases import Release
from tfjs_compat.matrix.axes import DEFAULT, TODAY, Combination
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.routes import ROUTES, Route, find_route, why_unavailable
from tfjs_compat.matrix.versions import admits, choose_versions, version_fits
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.remedies import Step
from tfjs_compat.search.candidates import Candidate
from tfjs_compat.search.changes import change_cost, differences

DEFAULT_ROUTES = ("layers", "graph")
"""The route of each format that is taken where none is named."""


class ChangePolicy(msgspec.Struct, frozen=True):
    """What changes may rest on.

    ``pick`` gives the release of a package that a version or range means here (None: there is none), ``python`` the
    Python for a TensorFlow release. ``required_packages`` have to stay, ``keras`` is what the Keras in use has to be
    (a range; empty: any), ``routes`` the base routes that may be taken (empty: any), ``repair`` whether artifacts
    may be repaired, ``rewrite`` whether models may be rewritten, ``versions`` whether another TensorFlow or
    tensorflowjs may be taken. ``patches`` are, for a TensorFlow release, those of the same minor version to take where
    it cannot be resolved.
    """

    pick: Callable[[str, str], str | None]
    python: Callable[[str], str | None]
    required_packages: frozenset[str] = frozenset()
    keras: str = ""
    routes: frozenset[str] = frozenset()
    repair: bool = True
    rewrite: bool = True
    versions: bool = True
    patches: Mapping[str, Sequence[str]] = {}

    @classmethod
    def of_index(
        cls,
        releases: Mapping[str, Sequence[Release]],
        found: Sequence[Interpreter],
        *,
        limits: Mapping[str, str] | None = None,
        as_of: str = TODAY,
        pythons: Sequence[str] = (),
        **more: Any,
    ) -> ChangePolicy:
        """A policy that takes from these releases and interpreters.

        ``limits``: by package, the range that releases have to be in; ``pythons``: those that may be taken (any, where
        none is named). ``more`` are the other fields.
        """

        def pick(package: str, wanted: str) -> str | None:
            try:
                chosen = choose_versions(package, wanted, releases[package], None if as_of == TODAY else as_of)
            except RequestError:
                return None
            limit = (limits or {}).get(package, "")
            return next((release.version for release in reversed(chosen) if admits(limit, release.version)), None)

        def python(version: str) -> str | None:
            if pythons:
                return None
            tags = next(
                (release.python_tags for release in releases["tensorflow"] if release.version == version), frozenset()
            )
            chosen = choose_for(tags, found)
            return chosen.minor if chosen is not None else None

        return cls(pick=pick, python=python, **more)


def remedied_candidates(
    candidate: Candidate, failed: CaseResult, resolved: Mapping[str, str], policy: ChangePolicy
) -> Iterator[Candidate]:
    """What the remedies of a candidate's issues make of it, those of its first issue first, none twice.

    ``failed`` is what the candidate came to, ``resolved`` are the versions of its lock. Where there is no remedy: what
    may help against an unknown failure, and the plain route of another format, unless the candidate came from there.
    Nothing where no version of anything changes the issue, and nothing if what decided is for a person to change.
    """
    decided = catalogue().get(failed.issue or "")
    if decided is not None and decided.for_a_person:
        return
    seen = {candidate}
    for issue in failed.issues:
        entry = catalogue().get(issue)
        for place, remedy in enumerate(entry.remedies if entry is not None else ()):
            if not fits(remedy, failed, failed.message, resolved):
                continue
            found = _remedied(candidate, issue, place, remedy, resolved, policy)
            if found is not None and found not in seen:
                seen.add(found)
                yield found
    if len(seen) > 1:
        return
    if any(issue in catalogue() and catalogue()[issue].independent_of == "versions" for issue in failed.issues):
        return
    may_help = unknown_failures().remedies
    if failed.stage in unknown_failures().stages:
        for place, remedy in enumerate(may_help):
            if not fits(remedy, failed, failed.message, resolved):
                continue
            found = _remedied(candidate, failed.issue or "", place, remedy, resolved, policy)
            if found is not None:
                yield found
    # Another format shares little with this one.
    present = candidate.case.route.format
    for base in (name for name in DEFAULT_ROUTES if ROUTES[name].format != present):
        remedy = Remedy(f"the {base} route", route=base)
        found = _remedied(candidate, failed.issue or "", len(may_help), remedy, resolved, policy)
        if found is not None and base not in candidate.left_routes:
            yield found


def _remedied(
    candidate: Candidate, issue: str, place: int, remedy: Remedy, resolved: Mapping[str, str], policy: ChangePolicy
) -> Candidate | None:
    case = apply(remedy, candidate.case, resolved, policy)
    if case is None:
        return None
    step = Step(issue, remedy.title, tuple(differences(candidate.case, case)))
    return candidate.with_step(case, step, change_cost(candidate.case, case), place)


def other_patches(candidate: Candidate, issue: str, policy: ChangePolicy) -> Iterator[Candidate]:
    """The candidate with each of the other patches of its TensorFlow: what was resolved for one may fit another."""
    combination = candidate.case.combination
    for version in policy.patches.get(combination.tensorflow, ()):
        case = msgspec.structs.replace(
            candidate.case, combination=msgspec.structs.replace(combination, tensorflow=version)
        )
        step = Step(issue, "another patch of this TensorFlow", tuple(differences(candidate.case, case)))
        yield candidate.with_step(case, step, 1, 0)


def apply(remedy: Remedy, case: Case, resolved: Mapping[str, str], policy: ChangePolicy) -> Case | None:
    """The case with a remedy applied; None where that changes nothing, is not allowed, or cannot be.

    ``resolved`` are the versions that the case's lock gave: conditions of the remedy are about them.
    """
    if any(not version_fits(resolved.get(name, ""), wanted) for name, wanted in remedy.when.items()):
        return None
    combination = _combination(remedy, case.combination, policy)
    route = _route(remedy, case.route, policy) if combination is not None else None
    if combination is None or route is None:
        return None
    changed = msgspec.structs.replace(case, combination=combination, route=route, expected=None)
    if (combination, route) == (case.combination, case.route):
        return None
    unavailable = why_unavailable(route, combination.tensorflow, combination.tensorflowjs, case.model)
    return changed if unavailable is None else None


def _combination(remedy: Remedy, given: Combination, policy: ChangePolicy) -> Combination | None:
    if any(canonicalize_name(name) in policy.required_packages for name in remedy.stand_ins):
        return None
    versions = {name: getattr(remedy, name) for name in ("tensorflow", "tensorflowjs") if getattr(remedy, name)}
    if versions and not policy.versions:
        return None
    picked = {name: policy.pick(name, wanted) for name, wanted in versions.items()}
    if None in picked.values():
        return None
    process_env = _joined(given.process_env, remedy.process_env)
    if "legacy-keras" in process_env.split("+") and policy.keras and not version_fits("2.19.0", policy.keras):
        return None
    python = given.python
    tensorflow = picked.get("tensorflow") or given.tensorflow
    if "tensorflow" in picked or remedy.python:
        found = policy.python(tensorflow)
        if found is None:
            return None
        python = found
    return msgspec.structs.replace(
        given,
        **picked,
        python=python,
        keras=remedy.keras or given.keras,
        extra=_merged(given.extra, _filled(remedy.extra, tensorflow)),
        constraints=_merged(given.constraints, _filled(remedy.constraints, tensorflow)),
        overrides=_merged(given.overrides, remedy.overrides),
        stand_ins=_merged(given.stand_ins, remedy.stand_ins),
        process_env=process_env,
    )


def _route(remedy: Remedy, route: Route, policy: ChangePolicy) -> Route | None:
    """The route after the remedy. Another base route starts without the repair of the one before."""
    base = remedy.route or route.base
    if policy.routes and base not in policy.routes:
        return None
    kept = [name for name in route.variants if base == route.base or name != "repair"]
    try:
        changed = find_route(base).with_variants([*kept, *filter(None, remedy.variant.split("+"))])
    except RequestError:
        return None
    allowed = (policy.repair or not changed.repairs) and (policy.rewrite or not changed.rewrites)
    return changed if allowed else None


def _joined(given: str, more: str) -> str:
    names = {*given.split("+"), *more.split("+")} - {DEFAULT, ""}
    return "+".join(sorted(names)) or DEFAULT


def _filled(lines: tuple[str, ...], tensorflow: str) -> tuple[str, ...]:
    """Lines of a remedy with ``{minor}`` standing for TensorFlow's minor version: ``tf-keras=={minor}.*``."""
    return tuple(line.replace("{minor}", ".".join(tensorflow.split(".")[:2])) for line in lines)


def _merged(given: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """In one order, whatever was added first: the same lines are the same combination."""
    return tuple(sorted({*given, *more})) if more else given
