"""The matrix that a request means: a file or a shipped one, with the request's overrides."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from tfjs_compat.checks.catalogue import FINDINGS
from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.matrix.loading import checked, has_table, read_matrix
from tfjs_compat.matrix.permissions import ALL, Permissions
from tfjs_compat.matrix.problems import missing_keys
from tfjs_compat.matrix.schema import Include, Matrix
from tfjs_compat.matrix.shipped import shipped_folder, shipped_matrix
from tfjs_compat.matrix.source import Source, find_source
from tfjs_compat.system.files import require_usable
from tfjs_compat.workflows.one_lock import read_locked

_NEUTRAL = "plain.toml"


def load_matrix(request: RunRequest) -> tuple[Matrix, dict[str, Path]]:
    """The matrix of a request with its overrides, and for each model reference the folder it is relative to.

    Raises RequestError.
    """
    if request.lock is not None:
        return matrix_of_options(read_locked(request).request)
    path = matrix_path(request.matrix, neutral=request.says_what_to_run)
    shipped = path.parent == shipped_folder()
    base = Path.cwd() if shipped else path.resolve().parent
    matrix = read_matrix(path)
    matrix = with_overrides(msgspec.structs.replace(matrix, permissions=matrix.permissions.below(base)), request)
    for problem in (*missing_keys(matrix), *unknown_issues(matrix)):
        raise RequestError(f"{path}: {problem}")
    if request.matrix is None and path == shipped_folder() / _NEUTRAL:
        matrix = msgspec.structs.replace(matrix, name=_named_after(matrix.models))
    base = Path.cwd() if request.models else base
    named = {*matrix.models, *(ref for block in matrix.include for ref in block.models or [])}
    return matrix, dict.fromkeys(named, base)


def matrix_source(request: RunRequest, matrix: Matrix) -> Source | None:
    """Where the parts of a request's matrix stand; None for a shipped one, which no user edits."""
    path = matrix_path(request.matrix, neutral=request.says_what_to_run)
    return None if path.parent == shipped_folder() else find_source(path, matrix)


def unknown_issues(matrix: Matrix) -> Iterable[str]:
    """A message for each issue that is expected and that neither the catalogue nor a static check can report."""
    known = {*catalogue(), *FINDINGS}
    for number, rule in enumerate(matrix.expect):
        if rule.issue is not None and rule.issue not in known:
            hint = nearest(rule.issue, known)
            yield f"key 'expect[{number}].issue': '{rule.issue}' is no known issue\nhint: {hint}"


def matrix_of_options(request: RunRequest) -> tuple[Matrix, dict[str, Path]]:
    """The matrix that the options of a request name by themselves: an axis that has none is at its default.

    As ``load_matrix``, but without any file. For what is about one case, which a file would multiply. Raises
    RequestError.
    """
    matrix = with_overrides(Matrix(name=_named_after(request.models)), request)
    for problem in missing_keys(matrix):
        raise RequestError(f"command line: {problem}")
    return matrix, dict.fromkeys(matrix.models, Path.cwd())


def matrix_path(name: str | None, *, neutral: bool = False) -> Path:
    """The file of a matrix: a path, a shipped one's name, or the default. Raises RequestError.

    The default is [tool.tfjs-compat] of ./pyproject.toml. Where there is none it is the seed, with its model, dates
    and expectations; or, with ``neutral``, the plain matrix without any of them, for what the user names.
    """
    if name is None:
        own = Path("pyproject.toml")
        if own.is_file() and has_table(own):
            return own
        return shipped_folder() / (_NEUTRAL if neutral else "seed.toml")
    path = Path(name)
    require_usable(name, path)
    if not path.is_file() and (shipped := shipped_matrix(name)) is not None:
        return shipped
    if path.is_dir():
        raise RequestError(f"{path}: it is a folder, not a matrix file")
    return path


def _named_after(models: Sequence[str]) -> str:
    names = [ref if ref.startswith("zoo:") else Path(ref).name or ref for ref in models]
    return ", ".join(names[:3] if len(names) < 4 else names[:2]) + (f" and {len(names) - 2} more" if names[3:] else "")


def _for_models(permissions: Permissions, models: Sequence[str]) -> Permissions:
    """The permissions of a matrix whose models were replaced."""
    trust = tuple(ref for ref in permissions.trust if ref == ALL or ref in models)
    return msgspec.structs.replace(permissions, trust=trust)


def with_overrides(matrix: Matrix, request: RunRequest) -> Matrix:
    """The matrix with axes, models, routes and limits of the request in place of the file's, in its includes too.

    Raises RequestError where the result is no valid matrix.
    """
    replaced = msgspec.structs.replace
    axes = {name: values for name, values in request.axes.items() if values}
    unset: dict[str, None] = dict.fromkeys(axes)
    if request.models:
        unset["models"] = None
    if request.routes:
        unset["routes"] = None
    include: list[Include] = [replaced(block, **unset) for block in matrix.include]
    requirements = matrix.requirements
    if request.source_builds:
        requirements = replaced(requirements, source_builds=True)
    if request.seconds is not None and not 0 < request.seconds < math.inf:
        raise RequestError(f"--time-limit: {request.seconds} is not a number of seconds above 0")
    limits = replaced(matrix.limits, seconds=request.seconds) if request.seconds else matrix.limits
    changed = replaced(
        matrix,
        axes=replaced(matrix.axes, **axes),
        include=include,
        models=list(request.models) or matrix.models,
        routes=list(request.routes) or matrix.routes,
        until=request.until or matrix.until,
        requirements=requirements,
        limits=limits,
        permissions=_for_models(matrix.permissions, request.models) if request.models else matrix.permissions,
    )
    return checked(changed, "command line")
