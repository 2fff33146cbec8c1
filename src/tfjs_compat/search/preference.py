"""What is preferred: ranks of trials, the smaller the better. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from packaging.version import Version

from tfjs_compat.matrix.routes import ROUTES, Route
from tfjs_compat.search.candidates import Trial
from tfjs_compat.search.changes import CHANGE_COSTS

Prefer = Literal["newest", "nearest", "oldest"]

_ROUTES = tuple(ROUTES)


def ranking(prefer: Prefer, have: Mapping[str, str]) -> Callable[[Trial], tuple[Any, ...]]:
    """The rank of a trial. ``have``: the versions that the user has, which ``nearest`` stays close to.

    Versions decide first (``newest``, ``oldest``) or how many things have to change (``nearest``); then how much was
    changed to get there, then the route, in the order of ROUTES. A step is never free, so that what grows out of a
    trial never ranks before it.
    """

    def rank(trial: Trial) -> tuple[Any, ...]:
        asked = trial.case.combination
        if prefer == "nearest":
            distances = tuple(_far(getattr(asked, name), have.get(name)) for name in _AXES)
            moved = sum(CHANGE_COSTS[name] for name, distance in zip(_AXES, distances, strict=True) if any(distance))
            return (moved + trial.cost, distances, *effort(trial))
        versions = tuple(_order(getattr(asked, name), newest=prefer == "newest") for name in _AXES)
        return (versions, *effort(trial))

    return rank


def effort(trial: Trial) -> tuple[Any, ...]:
    """How much a trial asks of who follows it: the less, the better; the id makes the order total.

    What is cheaper comes first, then what the catalogue names first, then the route that stands first in ROUTES.
    """
    return (trial.cost, trial.order, _route(trial.case.route), trial.case.id)


_AXES = ("tensorflow", "tensorflowjs")


def _route(route: Route) -> tuple[int, int]:
    return len(route.variants), _ROUTES.index(route.base)


def _order(version: str, *, newest: bool) -> tuple[int, ...]:
    """By major and minor version, in the order that is preferred; of one minor version the latest patch first."""
    major, minor, patch = (*Version(version).release, 0, 0)[:3]
    return (-major, -minor, -patch) if newest else (major, minor, -patch)


def _far(version: str, have: str | None) -> tuple[int, ...]:
    """How far a release is from the one that the user has: in major, minor and patch; (0, 0, 0) where none is told."""
    if have is None:
        return (0, 0, 0)
    one, other = Version(version).release, Version(have).release
    return tuple(abs(a - b) for a, b in zip((*one, 0, 0)[:3], (*other, 0, 0)[:3], strict=True))
