"""Remedy → changed case. Pure: what a remedy means for one case, in the matrix's own terms."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import msgspec
from packaging.utils import canonicalize_name

from tfjs_compat.diagnosis.catalogue import Remedy, catalogue
from tfjs_compat.errors import RequestError
from tfjs_compat.index.interpreters import Interpreter, choose_for
from tfjs_compat.index.releases import Release
from tfjs_compat.matrix.axes import DEFAULT, TODAY, Combination
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.routes import Route, find_route, why_unavailable
from tfjs_compat.matrix.versions import admits, choose_versions, version_fits
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.results.cures import Step
from tfjs_compat.search.candidates import Trial
from tfjs_compat.search.changes import change_cost, differences


class ChangePolicy(msgspec.Struct, frozen=True):
    """What changes may rest on.

    ``pick`` gives the release of a package that a version or range means here (None: there is none), ``python`` the
    Python for a TensorFlow release. ``wanted`` are packages that have to stay, ``keras`` what the Keras in use has to
    be (a range; empty: any), ``routes`` the base routes that may be taken (empty: any), ``repair`` whether artifacts
    may be repaired, ``versions`` whether another TensorFlow or tensorflowjs may be taken. ``patches`` are, for a
    TensorFlow release, those of the same minor version to take where it cannot be resolved.
    """

    pick: Callable[[str, str], str | None]
    python: Callable[[str], str | None]
    wanted: frozenset[str] = frozenset()
    keras: str = ""
    routes: frozenset[str] = frozenset()
    repair: bool = True
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
        """A world of these releases and interpreters.

        ``limits``: by package, the range that releases have to be in; ``pythons``: those that may be taken (any, where
        none is named). ``more`` are the other fields.
        """

        def pick(package: str, wanted: str) -> str | None:
            try:
                chosen = choose_versions(package, wanted, releases[package], None if as_of == TODAY else as_of)
            except RequestError:
                return None
            limit = (limits or {}).get(package, "")
            return next((one.version for one in reversed(chosen) if admits(limit, one.version)), None)

        def python(version: str) -> str | None:
            if pythons:
                return None
            tags = next((one.python_tags for one in releases["tensorflow"] if one.version == version), frozenset())
            chosen = choose_for(tags, found)
            return chosen.minor if chosen is not None else None

        return cls(pick=pick, python=python, **more)


def remedied_candidates(
    trial: Trial, failed: CaseResult, resolved: Mapping[str, str], world: ChangePolicy
) -> Iterator[Trial]:
    """The trials that the remedies of what it failed with make of one, those of the first issue first, none twice.

    ``resolved`` are the versions of its lock. Where there is no remedy, the other format's plain route.
    """
    seen = {trial}
    for issue in failed.issues:
        entry = catalogue().get(issue)
        for place, remedy in enumerate(entry.remedies if entry is not None else ()):
            found = _applied(trial, issue, place, remedy, resolved, world) if _fits(remedy, failed) else None
            if found is not None and found not in seen:
                seen.add(found)
                yield found
    if len(seen) == 1:
        # Nothing is known that helps: the other format shares little with this one.
        other = "layers" if trial.case.route.format == "graph" else "graph"
        found = _applied(trial, failed.issue or "", 0, Remedy(f"the {other} route", route=other), resolved, world)
        if found is not None and not _visited_route(trial, other):
            yield found


def _fits(remedy: Remedy, failed: CaseResult) -> bool:
    """Whether a remedy is for this failure of its issue: there is nothing to repair before there is an artifact."""
    if remedy.variant == "repair" and failed.stage.rank < Stage.CHECK.rank:
        return False
    return not remedy.where or re.search(remedy.where, failed.message) is not None


def _visited_route(trial: Trial, base: str) -> bool:
    """Whether the trial came from that route."""
    return any(f"instead of {base}" in change for step in trial.steps for change in step.changes)


def _applied(
    trial: Trial, issue: str, place: int, remedy: Remedy, resolved: Mapping[str, str], world: ChangePolicy
) -> Trial | None:
    case = apply(remedy, trial.case, resolved, world)
    if case is None:
        return None
    step = Step(issue, remedy.title, tuple(differences(trial.case, case)))
    cost = trial.cost + change_cost(trial.case, case)
    return Trial(case, (*trial.steps, step), cost, (*trial.order, place))


def other_patches(trial: Trial, issue: str, world: ChangePolicy) -> Iterator[Trial]:
    """The trial with each of the other patches of its TensorFlow: what was resolved for one may fit another."""
    asked = trial.case.combination
    for version in world.patches.get(asked.tensorflow, ()):
        combination = msgspec.structs.replace(asked, tensorflow=version)
        case = msgspec.structs.replace(trial.case, combination=combination)
        step = Step(issue, "another patch of this TensorFlow", tuple(differences(trial.case, case)))
        yield Trial(case, (*trial.steps, step), trial.cost + 1, (*trial.order, 0))


def apply(remedy: Remedy, case: Case, resolved: Mapping[str, str], world: ChangePolicy) -> Case | None:
    """The case with a remedy applied; None where that changes nothing, is not allowed, or cannot be.

    ``resolved`` are the versions that the case's lock gave: conditions of the remedy are about them.
    """
    if any(not version_fits(resolved.get(name, ""), wanted) for name, wanted in remedy.when.items()):
        return None
    combination = _combination(remedy, case.combination, world)
    route = _route(remedy, case.route, world) if combination is not None else None
    if combination is None or route is None:
        return None
    changed = msgspec.structs.replace(case, combination=combination, route=route, expected=None)
    if (combination, route) == (case.combination, case.route):
        return None
    legal = why_unavailable(route, combination.tensorflow, combination.tensorflowjs, case.model)
    return changed if legal is None else None


def _combination(remedy: Remedy, given: Combination, world: ChangePolicy) -> Combination | None:
    if any(canonicalize_name(name) in world.wanted for name in remedy.stand_ins):
        return None
    versions = {name: getattr(remedy, name) for name in ("tensorflow", "tensorflowjs") if getattr(remedy, name)}
    if versions and not world.versions:
        return None
    picked = {name: world.pick(name, wanted) for name, wanted in versions.items()}
    if None in picked.values():
        return None
    process_env = _joined(given.process_env, remedy.process_env)
    if "legacy-keras" in process_env.split("+") and world.keras and not version_fits("2.19.0", world.keras):
        return None
    python = given.python
    tensorflow = picked.get("tensorflow") or given.tensorflow
    if "tensorflow" in picked or remedy.python:
        found = world.python(tensorflow)
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


def _route(remedy: Remedy, route: Route, world: ChangePolicy) -> Route | None:
    """The route after the remedy. Another base route starts without the repair of the one before."""
    base = remedy.route or route.base
    if world.routes and base not in world.routes:
        return None
    kept = [name for name in route.variants if base == route.base or name != "repair"]
    try:
        changed = find_route(base).with_variants([*kept, *filter(None, [remedy.variant])])
    except RequestError:
        return None
    return changed if world.repair or not changed.repairs else None


def _joined(given: str, more: str) -> str:
    names = {*given.split("+"), *more.split("+")} - {DEFAULT, ""}
    return "+".join(sorted(names)) or DEFAULT


def _filled(lines: tuple[str, ...], tensorflow: str) -> tuple[str, ...]:
    """Lines of a remedy with ``{minor}`` standing for TensorFlow's minor version: ``tf-keras=={minor}.*``."""
    return tuple(line.replace("{minor}", ".".join(tensorflow.split(".")[:2])) for line in lines)


def _merged(given: tuple[str, ...], more: tuple[str, ...]) -> tuple[str, ...]:
    """In one order, whatever was added first: the same lines are the same combination."""
    return tuple(sorted({*given, *more})) if more else given
