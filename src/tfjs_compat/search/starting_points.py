"""Where a search starts and what it may change, out of a request. Pure, but for what the user has."""

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
from tfjs_compat.search.remedies import DEFAULT_ROUTES, ChangePolicy
from tfjs_compat.search.request import SearchRequest

DEFAULT_TENSORFLOW = ">=2.13"
DEFAULT_TENSORFLOWJS = ("newest", "4.17.0")
"""The newest converter, and the last one that takes tf.keras as it is: from 4.18.0 on it imports tf_keras."""

_KNOWN_PACKAGES = ("tensorflow", "tensorflowjs", "keras", "tf-keras", "tensorflow-decision-forests")


class StartingPoints(NamedTuple):
    """The cases that a search starts from, and what it may change.

    ``installed`` is what the user has, ``left_out`` what is not looked at and why, ``limits`` a sentence on what is.
    """

    roots: tuple[Case, ...]
    policy: ChangePolicy
    installed: Installed
    left_out: tuple[LeftOut, ...]
    limits: str


class _Limits(NamedTuple):
    """The lines of --require: the range of each package with releases of its own, Keras's, and the other lines."""

    ranges: Mapping[str, str]
    keras: str
    keras_lines: tuple[str, ...]
    constraints: tuple[str, ...]


def plan_search(
    request: SearchRequest,
    releases: Mapping[str, Sequence[Release]],
    interpreters: Sequence[Interpreter],
    expand: Callable[[Matrix], tuple[tuple[Case, ...], tuple[LeftOut, ...]]],
) -> StartingPoints:
    """Where a search for a request starts and what it may change.

    ``releases`` are those of tensorflow and tensorflowjs; ``expand`` gives the cases of a matrix and what it leaves
    out. Raises RequestError.
    """
    installed = read_installed(request.installed_from) if request.installed_from is not None else Installed()
    limits = _limits([_requirement(line) for line in request.require], releases)
    required = frozenset(_package(line) for line in request.required_packages)
    matrix = _matrix(request, limits, installed, releases)
    cases, not_expanded = expand(checked(matrix, "command line"))
    roots, without_wheel = _with_wheels(cases, releases["tensorflow"])
    left_out = (*not_expanded, *without_wheel)
    if not roots:
        why = "; ".join(dict.fromkeys(f"{skipped.what}: {skipped.why}" for skipped in left_out))
        raise RequestError(f"nothing to look at: {why}")
    policy = ChangePolicy.of_index(
        releases,
        interpreters,
        limits=limits.ranges,
        as_of=request.as_of,
        pythons=request.python,
        required_packages=required,
        keras=limits.keras,
        routes=frozenset(find_route(name).base for name in request.routes),
        repair=request.repair,
        rewrite=request.rewrite,
        # Every version that may be taken is a root of its own, or another patch of one.
        versions=False,
        patches=_patches(roots, releases["tensorflow"], limits.ranges["tensorflow"], request.as_of),
    )
    return StartingPoints(roots, policy, installed, left_out, _sentence(roots, request, limits.keras))


def _limits(requirements: Sequence[Requirement], releases: Mapping[str, Sequence[Release]]) -> _Limits:
    """The requirements of the user sorted by what they limit. Raises RequestError for a misspelt package."""
    by_name: dict[str, list[Requirement]] = {}
    for requirement in requirements:
        by_name.setdefault(canonicalize_name(requirement.name), []).append(requirement)
    for name in by_name:
        if name not in _KNOWN_PACKAGES and difflib.get_close_matches(name, _KNOWN_PACKAGES, n=1, cutoff=0.86):
            raise RequestError(f"--require: there is no package '{name}'\nhint: {nearest(name, _KNOWN_PACKAGES)}")
    keras = by_name.get("keras", [])
    return _Limits(
        {name: _joined([str(line.specifier) for line in by_name.get(name, [])]) for name in releases},
        _joined([str(line.specifier) for line in keras]),
        tuple(map(str, keras)),
        tuple(str(line) for line in requirements if canonicalize_name(line.name) not in (*releases, "keras")),
    )


def _matrix(
    request: SearchRequest, limits: _Limits, installed: Installed, releases: Mapping[str, Sequence[Release]]
) -> Matrix:
    """The matrix whose cases are the roots: what is looked for, and the versions that the user has."""
    own = {
        name: version
        for name, version in installed.versions.items()
        if name in releases and admits(limits.ranges[name], version) and _released(version, releases[name])
    }
    tensorflow = limits.ranges["tensorflow"] or DEFAULT_TENSORFLOW
    tensorflowjs = [limits.ranges["tensorflowjs"]] if limits.ranges["tensorflowjs"] else list(DEFAULT_TENSORFLOWJS)
    return Matrix(
        name="find",
        models=[request.model],
        routes=[find_route(name).name for name in request.routes] or list(DEFAULT_ROUTES),
        until=request.until,
        axes=Axes(
            tensorflow=list(dict.fromkeys([tensorflow, *filter(None, [own.get("tensorflow")])])),
            tensorflowjs=list(dict.fromkeys([*tensorflowjs, *filter(None, [own.get("tensorflowjs")])])),
            python=list(request.python) or [AUTO],
            as_of=[request.as_of],
        ),
        requirements=Requirements(
            extra=[*request.required_packages, *installed.requirements, *limits.keras_lines],
            constraints=list(limits.constraints),
            source_builds=request.run_options.source_builds,
        ),
    )


def _requirement(line: str) -> Requirement:
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        why = str(error).splitlines()[0]
        raise RequestError(
            f"--require: '{line}' is not a valid requirement, expected e.g. 'tensorflow>=2.19': {why}"
        ) from None
    # A limit is a range of releases. What else a line says would be lost, and the answer would be one to another
    # question.
    extra = (
        "extras" if requirement.extras else "a URL" if requirement.url else "a marker" if requirement.marker else None
    )
    if extra is not None:
        raise RequestError(
            f"--require: '{requirement.name}' is given with {extra}, which is no limit; give a range of releases"
        )
    return requirement


def _package(line: str) -> str:
    """The name of a package that has to be there. Raises RequestError for one that no index has."""
    try:
        requirement = Requirement(line)
    except InvalidRequirement as error:
        why = str(error).splitlines()[0]
        raise RequestError(f"--with: '{line}' is not a valid requirement, expected e.g. 'pillow': {why}") from None
    if requirement.url:
        raise RequestError(
            f"--with: '{requirement.name}' is given with a URL; only packages of the index can be looked at"
        )
    return canonicalize_name(requirement.name)


def _joined(specifiers: Sequence[str]) -> str:
    return ",".join(filter(None, specifiers))


def _released(version: str, releases: Sequence[Release]) -> bool:
    return any(Version(release.version) == Version(version) for release in releases)


def _with_wheels(cases: Sequence[Case], releases: Sequence[Release]) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
    """The cases whose TensorFlow has a wheel for their Python, and the others."""
    tags = {release.version: release.python_tags for release in releases}
    kept: list[Case] = []
    left_out: dict[LeftOut, None] = {}
    for case in cases:
        combination = case.combination
        minor = "".join(combination.python.split(".")[:2])
        if tags.get(combination.tensorflow) and f"cp{minor}" not in tags[combination.tensorflow]:
            what, why = f"TensorFlow {combination.tensorflow}", f"it has no wheel for Python {combination.python}"
            left_out[LeftOut(what, why)] = None
        else:
            kept.append(case)
    return tuple(kept), tuple(left_out)


def _patches(roots: Sequence[Case], releases: Sequence[Release], limits: str, as_of: str) -> dict[str, tuple[str, ...]]:
    """For each TensorFlow of the roots the other patches of its minor version, newest first."""
    there = [
        Version(release.version)
        for release in releases
        if not release.yanked and (as_of == TODAY or release.uploaded is None or release.uploaded <= as_of)
    ]
    usable = [version for version in there if not version.is_prerelease and admits(limits, str(version))]
    taken = {case.combination.tensorflow for case in roots}
    return {
        name: tuple(
            str(version)
            for version in sorted(usable, reverse=True)
            if version.release[:2] == Version(name).release[:2] and str(version) not in taken
        )
        for name in taken
    }


def _sentence(roots: Sequence[Case], request: SearchRequest, keras: str) -> str:
    """What is searched, for people."""
    order = list(ROUTES)
    routes = {case.route.name: order.index(case.route.base) for case in roots}
    parts = [
        f"{title} " + ", ".join(sorted({getattr(case.combination, axis) for case in roots}, key=Version))
        for title, axis in (("TensorFlow", "tensorflow"), ("tensorflowjs", "tensorflowjs"), ("Python", "python"))
    ]
    parts += ["routes " + ", ".join(sorted(routes, key=lambda name: (routes[name], name)))]
    parts += [f"Keras {keras}"] if keras else []
    parts += [f"as of {request.as_of}"] if request.as_of != TODAY else []
    return "; ".join(parts)
