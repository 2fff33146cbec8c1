"""Which remedies of an issue are for one case of it: conditions hold, and it is not as they would make it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Protocol

from tfjs_compat.diagnosis.catalogue import NUMBERS_DIFFER, Remedy, catalogue
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind
from tfjs_compat.matrix.routes import VARIANTS, find_route
from tfjs_compat.matrix.versions import version_fits
from tfjs_compat.outcomes.reference import Reference
from tfjs_compat.outcomes.stages import Stage


class Ended(Protocol):
    """What decides of a failure whether a remedy is for it; an outcome and a result both say it."""

    @property
    def stage(self) -> Stage:
        """The last one reached."""

    @property
    def rewritable(self) -> tuple[str, ...]:
        """The rewrites that fit layers of the model."""

    @property
    def reference(self) -> Reference | None:
        """What the Python model was asked."""

    @property
    def unrepairable(self) -> tuple[str, ...]:
        """The errors of the artifact that its repair leaves."""


def fits(remedy: Remedy, ended: Ended, message: str, resolved: Mapping[str, str]) -> bool:
    """Whether a remedy is for a failure of its issue, by how it ended, its message and the lock's versions.

    There is nothing to repair before there is an artifact, a repair that leaves an error is no remedy, and there is
    nothing to rewrite in a model without such layers.
    """
    if remedy.variant == "repair" and (ended.stage.rank < Stage.CHECK.rank or ended.unrepairable):
        return False
    if "rewrite" in remedy.variant.split("+") and not ended.rewritable:
        return False
    if any(not version_fits(resolved.get(name, ""), wanted) for name, wanted in remedy.when.items()):
        return False
    return not remedy.where or re.search(remedy.where, message) is not None


def applicable(
    issues: tuple[str, ...], case: Case, ended: Ended, message: str, resolved: Mapping[str, str]
) -> tuple[str, ...]:
    """The titles of the remedies of a case's decisive issue that may help it: none of what it has already.

    That numbers differ says what happened and not why: what was suspicious of the artifact goes before it.
    """
    decisive = [*issues[1:], *issues[:1]] if issues[:1] == (NUMBERS_DIFFER,) else issues[:1]
    for entry in (catalogue()[issue] for issue in decisive if issue in catalogue()):
        found = tuple(
            remedy.title
            for remedy in entry.remedies
            if fits(remedy, ended, message, resolved) and _changes_something(remedy, case, ended)
        )
        if found:
            return found
    return ()


def _changes_something(remedy: Remedy, case: Case, ended: Ended) -> bool:
    """Whether a remedy asks for something that the case does not have, as far as names tell it, and can have."""
    combination, route = case.combination, case.route
    if remedy.route and case.model.kind not in find_route(remedy.route).kinds:
        return False
    other = find_route(remedy.route) if remedy.route else route
    # What a builder makes and that is converted by one of its functions, a tf.Module, has no layers.
    is_function = ended.reference is not None and ended.reference.signature and case.model.kind is Kind.BUILDER
    if is_function and other.format == "layers":
        return False
    if any(other.format not in VARIANTS[name].formats for name in remedy.variant.split("+") if name):
        return False
    wanted = [
        remedy.process_env and remedy.process_env not in combination.process_env.split("+"),
        remedy.route and remedy.route != route.base,
        remedy.variant and not set(remedy.variant.split("+")) <= set(route.variants),
        set(remedy.constraints) - set(combination.constraints),
        set(remedy.extra) - set(combination.extra),
        set(remedy.overrides) - set(combination.overrides),
        set(remedy.stand_ins) - set(combination.stand_ins),
        remedy.tensorflow,
        remedy.tensorflowjs,
        remedy.keras and remedy.keras != combination.keras,
        remedy.python,
    ]
    return remedy.for_a_person or any(wanted)
