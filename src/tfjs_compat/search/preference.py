"""What is preferred: ranks of candidates, the smaller the better. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Literal

from packaging.version import Version

from tfjs_compat.matrix.axes import AXES
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.routes import ROUTES
from tfjs_compat.search.candidates import Candidate

Prefer = Literal["newest", "nearest", "oldest"]

_ROUTES = tuple(ROUTES)
_AXES = ("tensorflow", "tensorflowjs")
_COSTS = {axis.name: axis.cost for axis in AXES}


def ranking(prefer: Prefer, installed: Mapping[str, str]) -> Callable[[Candidate], tuple[Any, ...]]:
    """The rank of a candidate. ``installed``: the versions that the user has, which ``nearest`` stays close to.

    Versions decide first (``newest``, ``oldest``) or how many things have to change (``nearest``); then how much was
    changed to get there, then the route, in the order of ROUTES. A step is never free, so that what grows out of a
    candidate never ranks before it; the id of the case comes last, so that no two share a rank.
    """

    def rank(candidate: Candidate) -> tuple[Any, ...]:
        combination = candidate.case.combination
        if prefer == "nearest":
            distances = tuple(_distance(getattr(combination, name), installed.get(name)) for name in _AXES)
            moved = sum(_COSTS[name] for name, distance in zip(_AXES, distances, strict=True) if any(distance))
            return (moved + candidate.cost, distances, *effort(candidate))
        versions = tuple(_order(getattr(combination, name), newest=prefer == "newest") for name in _AXES)
        return (versions, *effort(candidate))

    return rank


def effort(candidate: Candidate) -> tuple[Any, ...]:
    """The effort of following a candidate: the less, the better; the id makes the order total.

    What is cheaper comes first, then what the catalogue names first, then the route that stands first in ROUTES.
    """
    return (candidate.cost, candidate.order, _route_order(candidate.case), candidate.case.id)


def _route_order(case: Case) -> tuple[int, int]:
    route = case.route
    return len(route.variants), _ROUTES.index(route.base)


def _order(version: str, *, newest: bool) -> tuple[int, ...]:
    """By major and minor version, in the order that is preferred; of one minor version the latest patch first."""
    major, minor, patch = (*Version(version).release, 0, 0)[:3]
    return (-major, -minor, -patch) if newest else (major, minor, -patch)


def _distance(version: str, installed: str | None) -> tuple[int, ...]:
    """How far a release is from the installed one, in major, minor and patch; (0, 0, 0) where none is installed."""
    if installed is None:
        return (0, 0, 0)
    ours, theirs = Version(version).release, Version(installed).release
    return tuple(abs(a - b) for a, b in zip((*ours, 0, 0)[:3], (*theirs, 0, 0)[:3], strict=True))
