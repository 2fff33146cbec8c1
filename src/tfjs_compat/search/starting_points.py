"""Where a search starts and what it may change, out of what is wanted. Pure, but for what the user has."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.index.interpreters import AUTO, Interpreter
from tfjs_compat.index.releases import Release
from tfjs_compat.matrix.axes import TODAY, Axes
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.expansion import LeftOut
from tfjs_compat.matrix.loading import checked
from tfjs_compat.matrix.routes import ROUTES, find_route
from tfjs_compat.matrix.schema import Matrix, Requirements
from tfjs_compat.matrix.versions import admits
from tfjs_compat.search.installed import Installed, read_installed
from tfjs_compat.search.remedies import ChangePolicy
from tfjs_compat.search.request import SearchRequest

DEFAULT_TENSORFLOW = ">=2.13"
DEFAULT_TENSORFLOWJS = ("newest", "4.17.0")
"""The newest converter, and the last one that takes tf.keras as it is (from 4.18.0 it takes tf_keras [S])."""
DEFAULT_ROUTES = ("layers", "graph")


class StartingPoints(NamedTuple):
    """What a search stands on: where it starts, and what may be changed."""

    roots: tuple[Case, ...]
    world: ChangePolicy
    baseline: Installed
    left_out: tuple[LeftOut, ...]
    limits: str


def plan_search(
    wish: SearchRequest,
    releases: Mapping[str, Sequence[Release]],
    found: Sequence[Interpreter],
    expand: Callable[[Matrix], tuple[tuple[Case, ...], tuple[LeftOut, ...]]],
) -> StartingPoints:
    """Where a search starts and what it may change, out of a wish. Raises RequestError."""
    baseline = read_installed(wish.source) if wish.source is not None else Installed()
    asked = [_requirement(line) for line in wish.require]
    wanted = frozenset(_package(line) for line in wish.wanted)
    ranges = {name: [str(one.specifier) for one in asked if canonicalize_name(one.name) == name] for name in releases}
    tensorflow = _joined(ranges["tensorflow"]) or DEFAULT_TENSORFLOW
    tensorflowjs = [_joined(ranges["tensorflowjs"])] if ranges["tensorflowjs"] else list(DEFAULT_TENSORFLOWJS)
    others = [one for one in asked if canonicalize_name(one.name) not in releases]
    for one in others:
        known = ("tensorflow", "tensorflowjs", "keras", "tf-keras", "tensorflow-decision-forests")
        if one.name not in known and difflib.get_close_matches(canonicalize_name(one.name), known, n=1, cutoff=0.86):
            raise RequestError(f"--require: there is no package '{one.name}'; {nearest(one.name, known)}")
    keras = _joined([str(one.specifier) for one in others if canonicalize_name(one.name) == "keras"])
    own = {
        name: version
        for name, version in baseline.versions.items()
        if name in releases and admits(_joined(ranges[name]), version) and _known(version, releases[name])
    }
    axes = Axes(
        tensorflow=list(dict.fromkeys([tensorflow, *filter(None, [own.get("tensorflow")])])),
        tensorflowjs=list(dict.fromkeys([*tensorflowjs, *filter(None, [own.get("tensorflowjs")])])),
        python=list(wish.python) or [AUTO],
        as_of=[wish.as_of],
    )
    extra = [*wish.wanted, *baseline.requirements]
    extra += [str(one) for one in others if canonicalize_name(one.name) == "keras"]
    constraints = [str(one) for one in others if canonicalize_name(one.name) != "keras"]
    routes = [find_route(name).name for name in wish.routes] or list(DEFAULT_ROUTES)
    matrix = Matrix(
        name="find",
        models=[wish.model],
        routes=routes,
        until=wish.until,
        axes=axes,
        requirements=Requirements(extra=extra, constraints=constraints, source_builds=wish.how.source_builds),
    )
    cases, left_out = expand(checked(matrix, "command line"))
    roots, without = _with_wheels(cases, releases["tensorflow"])
    if not roots:
        why = "; ".join(dict.fromkeys(f"{one.what}: {one.why}" for one in (*left_out, *without)))
        raise RequestError(f"nothing to look at: {why}")
    world = ChangePolicy.of_index(
        releases,
        found,
        limits={name: _joined(given) for name, given in ranges.items()},
        as_of=wish.as_of,
        pythons=wish.python,
        wanted=wanted,
        keras=keras,
        routes=frozenset(find_route(name).base for name in wish.routes),
        repair=wish.repair,
        # Every version that may be taken is a root of its own, or another patch of one.
        versions=False,
        patches=_patches(roots, releases["tensorflow"], _joined(ranges["tensorflow"]), wish.as_of),
    )
    return StartingPoints(roots, world, baseline, (*left_out, *without), _limits(roots, wish, keras))


def _requirement(line: str) -> Requirement:
    try:
        asked = Requirement(line)
    except InvalidRequirement as error:
        told = str(error).splitlines()[0]
        raise RequestError(f"--require: '{line}' is no requirement such as 'tensorflow>=2.19': {told}") from None
    # A limit is a range of releases. What else a line says would be lost, and the answer would not be what was asked.
    extra = "extras" if asked.extras else "a URL" if asked.url else "a marker" if asked.marker else None
    if extra is not None:
        raise RequestError(
            f"--require: '{asked.name}' is given with {extra}, which is no limit; give a range of releases"
        )
    return asked


def _package(line: str) -> str:
    """The name of a package that has to be there. Raises RequestError for one that no index has."""
    try:
        asked = Requirement(line)
    except InvalidRequirement as error:
        told = str(error).splitlines()[0]
        raise RequestError(f"--with: '{line}' is no requirement such as 'pillow': {told}") from None
    if asked.url:
        raise RequestError(f"--with: '{asked.name}' is given with a URL; only packages of the index can be looked at")
    return canonicalize_name(asked.name)


def _joined(specifiers: Sequence[str]) -> str:
    return ",".join(filter(None, specifiers))


def _known(version: str, releases: Sequence[Release]) -> bool:
    return any(Version(one.version) == Version(version) for one in releases)


def _with_wheels(cases: Sequence[Case], releases: Sequence[Release]) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
    """The cases whose TensorFlow has a wheel for their Python, and the others."""
    tags = {one.version: one.python_tags for one in releases}
    kept: list[Case] = []
    left_out: dict[LeftOut, None] = {}
    for case in cases:
        asked = case.combination
        minor = "".join(asked.python.split(".")[:2])
        if tags.get(asked.tensorflow) and f"cp{minor}" not in tags[asked.tensorflow]:
            left_out[LeftOut(f"TensorFlow {asked.tensorflow}", f"it has no wheel for Python {asked.python}")] = None
        else:
            kept.append(case)
    return tuple(kept), tuple(left_out)


def _patches(roots: Sequence[Case], releases: Sequence[Release], limits: str, as_of: str) -> dict[str, tuple[str, ...]]:
    """For each TensorFlow of the roots the other patches of its minor version, newest first."""
    there = [
        Version(one.version)
        for one in releases
        if not one.yanked and (as_of == TODAY or one.uploaded is None or one.uploaded <= as_of)
    ]
    usable = sorted((one for one in there if not one.is_prerelease and admits(limits, str(one))), reverse=True)
    asked = {one.combination.tensorflow for one in roots}
    return {
        name: tuple(
            str(one) for one in usable if one.release[:2] == Version(name).release[:2] and str(one) not in asked
        )
        for name in asked
    }


def _limits(roots: Sequence[Case], wish: SearchRequest, keras: str) -> str:
    """What is searched, in a sentence."""
    tensorflow = sorted({one.combination.tensorflow for one in roots}, key=Version)
    tensorflowjs = sorted({one.combination.tensorflowjs for one in roots}, key=Version)
    parts = [
        "TensorFlow " + ", ".join(tensorflow),
        "tensorflowjs " + ", ".join(tensorflowjs),
        "Python " + ", ".join(sorted({one.combination.python for one in roots}, key=Version)),
        "routes "
        + ", ".join(sorted({one.route.name for one in roots}, key=lambda name: list(ROUTES).index(name.split("+")[0]))),
    ]
    parts += [f"Keras {keras}"] if keras else []
    parts += [f"as of {wish.as_of}"] if wish.as_of != TODAY else []
    return "; ".join(parts)
