"""Which files of this package can change an outcome, worked out from the package itself.

The rule. An outcome is made in the room ``trials`` and by the modules of the engine that call it. So these decide:

- every module of ``trials``, the modules of ``engine`` that import ``trials.trial``, and ``engine/cache.py``, which
  keeps outcomes and gives them out;
- every module of the package that one of these imports, directly or through others, with the ``__init__`` of each
  folder on the way; but not through a room that only works on outcomes (``_AFTER_TRIALS``): a diagnosis or a report is
  made anew from the kept outcome each time;
- every other file (a table, a script) in the folder of such a module, or below it where no modules are;
- every file of ``inside``, which other interpreters run.

A module that is imported from there tomorrow decides tomorrow: no list has to be edited. What comes before (expansion,
resolver, index) decides through its result alone, which stands in the cache key: the lock, the model, the route.
Imports below ``if TYPE_CHECKING`` and those that a façade makes by name at the first use (``importlib``) do not count.
"""

from __future__ import annotations

import ast
import contextlib
import functools
import hashlib
import os
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath

import msgspec

from tfjs_compat.errors import MachineryError
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.digests import digest_files
from tfjs_compat.system.files import disk_errors, write_whole
from tfjs_compat.system.store import Store

PACKAGE = Path(__file__).parents[1]
_NAME = "tfjs_compat"
_TRIAL = "trials.trial"
_CACHE = "engine.cache"
_AFTER_TRIALS = frozenset(
    ("cli", "api", "workflows", "handover", "search", "report", "engine", "results", "diagnosis", "__main__")
)


class _Digest(msgspec.Struct):
    """``state`` stands for the files as they were when ``digest`` was worked out."""

    state: str
    digest: str


_DIGEST = Reader[_Digest](_Digest)


def code_digest(store: Store, package: Path = PACKAGE) -> str:
    """A digest of the names and contents of all files that decide.

    To read and parse them takes 80 ms; so the store keeps the digest, one of each installation, for as long as no file
    of the package has another size or was written since. Raises MachineryError where the package cannot be read.
    """
    with disk_errors(package):
        state = _state(package)
        place = hashlib.sha256(str(package).encode()).hexdigest()[:16]
        with contextlib.suppress(OSError):
            kept = _DIGEST.read(store.root / "code" / f"{place}.json")
            if kept.state == state:
                return kept.digest
        digest = digest_files((name, package / name) for name in deciding_files(package))
    with contextlib.suppress(MachineryError):
        write_whole(store.folder("code") / f"{place}.json", msgspec.json.encode(_Digest(state, digest)), lasting=False)
    return digest


def deciding_files(package: Path = PACKAGE) -> list[str]:
    """The files that decide, by the rule above, as sorted paths with ``/``, relative to the package."""
    files = sorted(path for path, _ in _files(package))
    modules = {_module_name(path): path for path in files if path.endswith(".py") and not path.startswith("inside/")}
    deciding = {modules[name] for name in _reached(modules, package)}
    folders = {str(PurePosixPath(path).parent) for path in deciding} - {"."}
    with_modules = {str(PurePosixPath(path).parent) for path in modules.values()}
    for path in files:
        if path.startswith("inside/") or (not path.endswith(".py") and _home(path, with_modules) in folders):
            deciding.add(path)
    return sorted(deciding)


def _reached(modules: Mapping[str, str], package: Path) -> set[str]:
    """The names of the modules that decide. ``modules``: name → path."""

    def imported(name: str) -> frozenset[str]:
        return _imported((package / modules[name]).read_bytes(), _folder_of(name, modules[name]))

    to_see = [name for name in modules if _room(name) == "trials" or name == _CACHE]
    to_see += [name for name in modules if _room(name) == "engine" and _TRIAL in imported(name)]
    reached: set[str] = set()
    while to_see:
        name = to_see.pop()
        if name not in reached:
            reached.add(name)
            parents = name.split(".")[:-1]
            to_see += [".".join(parents[:depth]) for depth in range(len(parents) + 1) if name]
            to_see += [other for other in imported(name) if other in modules and _room(other) not in _AFTER_TRIALS]
    return reached


def _home(path: str, with_modules: set[str]) -> str:
    """The nearest folder above a file that has modules in it."""
    return next((str(parent) for parent in PurePosixPath(path).parents if str(parent) in with_modules), ".")


def _room(module: str) -> str:
    return module.partition(".")[0]


def _module_name(path: str) -> str:
    """``trials/job.py`` → ``trials.job``, ``trials/__init__.py`` → ``trials``, ``__init__.py`` → nothing."""
    return ".".join(part for part in path.removesuffix(".py").split("/") if part != "__init__")


def _folder_of(module: str, path: str) -> str:
    """The dotted name of the folder that a module is in; of an ``__init__`` its own name."""
    return module if path.endswith("__init__.py") else module.rpartition(".")[0]


@functools.lru_cache(maxsize=1024)
def _imported(source: bytes, folder: str) -> frozenset[str]:
    """What of this package a module imports, without the package's name; of ``from a import b`` both a and a.b."""
    try:
        statements = list(_statements(ast.parse(source)))
    except (SyntaxError, ValueError):
        # Nothing that runs imports it.
        return frozenset()
    found: set[str] = set()
    for statement in statements:
        if isinstance(statement, ast.Import):
            found |= {alias.name for alias in statement.names}
        elif isinstance(statement, ast.ImportFrom):
            origin = _absolute(statement, folder)
            found |= {origin, *(f"{origin}.{alias.name}" for alias in statement.names)}
    return frozenset(name.removeprefix(f"{_NAME}.") for name in found if name.startswith(f"{_NAME}."))


def _absolute(statement: ast.ImportFrom, folder: str) -> str:
    """The module that ``from … import`` names; dots are counted from the folder of the module that has it."""
    if not statement.level:
        return statement.module or ""
    above = [_NAME, *filter(None, folder.split("."))]
    kept = above[: len(above) - statement.level + 1]
    return ".".join([*kept, *filter(None, [statement.module])])


def _statements(node: ast.AST) -> Iterator[ast.AST]:
    """A tree's nodes, without what only a type checker sees."""
    yield node
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.If) and ast.unparse(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            for other in child.orelse:
                yield from _statements(other)
        else:
            yield from _statements(child)


def _state(package: Path) -> str:
    """Another text whenever a file was added, removed or written.

    The time of change (ctime) counts too: a copy, or an archive, can bring the other one along.
    """
    facts = sorted((path, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns) for path, stat in _files(package))
    return hashlib.sha256(repr(facts).encode()).hexdigest()


def _files(folder: Path, prefix: str = "") -> Iterator[tuple[str, os.stat_result]]:
    """Every file of the package that is not made from another, or by an editor: its path and its facts."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or entry.name == "__pycache__" or entry.name.endswith((".pyc", "~")):
                continue
            if entry.is_dir():
                yield from _files(Path(entry.path), f"{prefix}{entry.name}/")
            else:
                yield prefix + entry.name, entry.stat()
