"""What is converted: a builder in a file or package, a model file, a SavedModel, or an example of the zoo."""

from __future__ import annotations

import ast
import contextlib
import functools
import os
import re
import stat
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from enum import Enum
from pathlib import Path

import msgspec

from tfjs_compat.errors import RequestError, nearest
from tfjs_compat.matrix.model_files import holds_keras_model, other_format
from tfjs_compat.system.digests import digest_files
from tfjs_compat.system.files import is_of_the_system, open_regular, read_regular, require_usable

_ZOO = Path(__file__).parents[1] / "inside" / "zoo"
_LONGEST_SOURCE = 4 << 20
"""Bytes of a builder's file that are parsed: Python's parser takes a hundred times as many of memory."""
_HDF5 = b"\x89HDF\r\n\x1a\n"
_NAMED, _MOST_NAMED = 4, 1000
_MOST_FILES = 100_000
"""In a SavedModel's folder."""


class Kind(str, Enum):
    """How a model is given."""

    BUILDER = "builder"
    KERAS = "keras"
    H5 = "h5"
    SAVED_MODEL = "saved-model"

    def __str__(self) -> str:
        return self.value


class Model(msgspec.Struct, frozen=True):
    """A model that exists and looks like one.

    ``ref`` is what the user wrote; ``key`` is the reference in one spelling, relative to the matrix and so the same
    in every working folder; ``path`` is the file or folder. For a builder ``module`` is the name to import,
    ``function`` the builder, and ``search`` the folders that its imports are looked up in; for a SavedModel
    ``function`` is the signature to convert, empty for serving_default or the only one. ``digest`` is the SHA-256
    of the content: of the file, or for a builder of every Python file beside it. ``is_keras``: False for a SavedModel
    that certainly holds no Keras model.
    """

    ref: str
    name: str
    kind: Kind
    path: str
    digest: str
    module: str = ""
    function: str = ""
    search: tuple[str, ...] = ()
    key: str = ""
    is_keras: bool = True


def zoo_models() -> dict[str, str]:
    """The examples of the zoo: name → first line of the builder's docstring, sorted by name."""
    return {name: what for name, (what, _) in sorted(_zoo().items())}


@functools.cache
def _zoo() -> dict[str, tuple[str, Path]]:
    """Name → first line of the docstring and file, read without importing: TensorFlow need not be here."""
    found = {}
    for path in sorted(_ZOO.glob("[!_]*.py")):
        for node in ast.parse(path.read_text("utf-8")).body:
            if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
                found[node.name] = ((ast.get_docstring(node) or "").partition("\n")[0], path)
    return found


def find_model(ref: str, base: Path, go_on: Callable[[], None] = lambda: None) -> Model:
    """The model that ``ref`` means, relative names looked up from ``base``.

    ``zoo:NAME``, ``file.py:function``, ``package.module:function``, or the path of a ``.keras`` or ``.h5`` file or of
    a SavedModel folder, which may be followed by ``:SIGNATURE``. ``go_on`` is called while its files are read, and may
    raise to end that. Raises RequestError where there is no such thing, or where it is no model.
    """
    found = _found(ref, base, go_on)
    return msgspec.structs.replace(found, key=_key(found, base))


def _found(ref: str, base: Path, go_on: Callable[[], None]) -> Model:
    head, colon, tail = ref.rpartition(":")
    if head == "zoo":
        if tail not in _zoo():
            raise RequestError(f"model '{ref}': no such example\nhint: {nearest(tail, _zoo())}")
        path = _zoo()[tail][1]
        return _builder(ref, tail, path, tail, (str(_ZOO.parent),), f"{_ZOO.name}.{path.stem}")
    if colon and head.endswith(".py"):
        path = _existing(ref, base / head)
        return _builder(ref, f"{path.stem}:{tail}", path, tail, (str(path.parent),), path.stem)
    if colon and tail and not (base / ref).exists() and _is_saved_model(base / head):
        found = _file(ref, _existing(ref, base / head), go_on)
        return msgspec.structs.replace(found, name=f"{found.name}:{tail}", function=tail)
    if colon and re.fullmatch(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*", head) and not (base / ref).exists():
        path, root = _module(ref, head, base)
        return _builder(ref, f"{head}:{tail}", path, tail, (str(root),), head)
    if ref.endswith(".py"):
        path = _existing(ref, base / ref)
        functions = _functions(_parsed(ref, path)) if path.is_file() else []
        which = functions[0] if len(functions) == 1 else "FUNCTION"
        named = f", one of: {', '.join(functions[:_NAMED])}" if len(functions) > 1 else ""
        raise RequestError(
            f"model '{ref}': a Python file without the name of a builder\nhint: write '{ref}:{which}'{named}"
        )
    return _file(ref, _existing(ref, base / ref), go_on)


def _key(model: Model, base: Path) -> str:
    """The reference in one spelling: ``./train.py:build`` and ``train.py:build`` are one model."""
    if model.ref.startswith("zoo:"):
        return model.ref
    if model.kind is Kind.BUILDER and not model.ref.rpartition(":")[0].endswith(".py"):
        return f"{model.module}:{model.function}"
    try:
        relative = os.path.relpath(model.path, base.resolve())
    except ValueError:  # on Windows: another drive
        relative = model.path
    path = relative.replace(os.sep, "/")
    return f"{path}:{model.function}" if model.function else path


def _existing(ref: str, path: Path) -> Path:
    require_usable(f"model '{ref}'", path)
    try:
        if path.exists():
            return path.resolve()
        beside = [entry.name for entry in path.parent.iterdir() if _may_be_model(entry)] if path.parent.is_dir() else []
    except OSError as error:
        raise RequestError(f"model '{ref}': {error.strerror or error}") from None
    hint = nearest(path.name, beside) if beside else "give a .keras or .h5 file, a folder, file.py:function or zoo:NAME"
    raise RequestError(f"model '{ref}': there is no {path.name} in {path.parent}\nhint: {hint}")


def _may_be_model(path: Path) -> bool:
    return path.suffix in (".keras", ".h5", ".hdf5", ".py") or _is_saved_model(path)


def _module(ref: str, module: str, base: Path) -> tuple[Path, Path]:
    relative = Path(*module.split("."))
    for root in (base, base / "src"):
        for path in (root / relative.with_suffix(".py"), root / relative / "__init__.py"):
            if path.is_file():
                return path.resolve(), root.resolve()
    raise RequestError(f"model '{ref}': there is no module {module} in {base} or {base / 'src'}")


def _builder(ref: str, name: str, path: Path, function: str, search: tuple[str, ...], module: str) -> Model:
    if not path.is_file():
        raise RequestError(f"model '{ref}': {path} is not a file")
    tree = _parsed(ref, path)
    bound = set(_bound_names(tree))
    if "*" not in bound and function not in bound:
        raise RequestError(
            f"model '{ref}': {path.name} has no '{function}'\nhint: {nearest(function, _functions(tree))}"
        )
    require_usable(f"model '{ref}'", path)
    digest = _digest_of(ref, _python_files(path, module, Path(search[0])), Path(search[0]))
    return Model(ref, name, Kind.BUILDER, str(path), digest, module, function, search)


def _python_files(path: Path, module: str, root: Path) -> Iterable[Path]:
    """What a builder's imports may be: they are looked up from its folder, for a package from the package's root."""
    top = root / module.split(".")[0] if "." in module else path.parent
    return top.rglob("*.py") if "." in module and top.is_dir() else top.glob("*.py")


def files_of(model: Model) -> Iterator[Path]:
    """The files and folders whose content is that of a model, as they are now. Raises OSError."""
    path = Path(model.path)
    yield path
    if model.kind is Kind.BUILDER:
        yield from _python_files(path, model.module, Path(model.search[0]))
    elif model.kind is Kind.SAVED_MODEL:
        with contextlib.suppress(RequestError):
            yield from _below(model.ref, path)


def content_of(model: Model) -> dict[str, str]:
    """The files of a model by their names beside it, each with a digest; what cannot be read is left out."""
    path = Path(model.path)
    base = Path(model.search[0]) if model.kind is Kind.BUILDER else path if path.is_dir() else path.parent
    found = {}
    with contextlib.suppress(OSError):
        for file in sorted(files_of(model))[:_MOST_NAMED]:
            if file.is_file():
                found[str(file.relative_to(base))] = digest_files([("", file)])
    return found


def different(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """The names of the files that differ in content between two models, or of which one is gone: ``a.py, b.py``."""
    names = sorted(name for name in {*before, *now} if before.get(name) != now.get(name))
    return ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")


def _bound_names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            yield node.name
        elif isinstance(node, (ast.Import, ast.ImportFrom)):
            yield from ((alias.asname or alias.name).split(".")[0] for alias in node.names)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id


def _functions(tree: ast.Module) -> list[str]:
    return [node.name for node in tree.body if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")]


def _file(ref: str, path: Path, go_on: Callable[[], None]) -> Model:
    if path.is_dir():
        if not _is_saved_model(path):
            converted = (path / "model.json").is_file()
            hint = f"\nhint: `tfjs-compat check {ref}` checks a TensorFlow.js model" if converted else ""
            raise RequestError(f"model '{ref}': the folder is no SavedModel: it holds no saved_model.pb{hint}")
        digest = _digest_of(ref, _below(ref, path), path, go_on)
        return Model(ref, path.name, Kind.SAVED_MODEL, str(path), digest, is_keras=holds_keras_model(path))
    try:
        kind = _kind_by_content(ref, path)
        return Model(ref, path.name, kind, str(path), digest_files([(path.suffix, path)], go_on))
    except OSError as error:
        raise RequestError(f"model '{ref}': cannot be read: {error.strerror or error}") from None


def _below(ref: str, folder: Path) -> Iterator[Path]:
    """All that is in a SavedModel's folder. A link to a file is that file, as in the caches of hubs.

    Raises RequestError for a link to a folder, which may be any on this machine, and for more files than a model has.
    """
    to_see, number = [folder], 0
    while to_see:
        place = to_see.pop()
        try:
            entries = sorted(place.iterdir())
        except OSError as error:
            raise RequestError(f"model '{ref}': {place} cannot be read: {error.strerror or error}") from None
        for path in entries:
            number += 1
            if number > _MOST_FILES:
                raise RequestError(f"model '{ref}': the folder holds more than {_MOST_FILES} files")
            yield path
            if path.is_symlink() and is_of_the_system(path):  # a copy would give the model this process's variables
                raise RequestError(f"model '{ref}': {path} is a link to {os.path.realpath(path)}\nhint: remove it")
            if path.is_dir():
                if path.is_symlink():
                    raise RequestError(
                        f"model '{ref}': {path} is a link to a folder\nhint: put the folder itself there"
                    )
                to_see.append(path)


def _digest_of(ref: str, paths: Iterable[Path], base: Path, go_on: Callable[[], None] = lambda: None) -> str:
    """The digest of the regular files among these; by names relative to ``base``.

    A folder and a link that leads nowhere hold nothing that a model could read. Raises RequestError for a pipe or a
    device: it never ends, or is another one each time.
    """
    files: list[Path] = []
    for path in paths:
        try:
            mode = path.stat().st_mode
        except OSError:
            continue
        if stat.S_ISREG(mode):
            files.append(path)
        elif not stat.S_ISDIR(mode):
            raise RequestError(f"model '{ref}': {path} is a pipe or a device, not a file\nhint: remove it")
    try:
        return digest_files(((str(file.relative_to(base)), file) for file in sorted(files)), go_on)
    except OSError as error:
        raise RequestError(f"model '{ref}': {error.filename} cannot be read: {error.strerror or error}") from None


def _parsed(ref: str, path: Path) -> ast.Module:
    """The syntax of a builder's file. Raises RequestError."""
    try:
        return ast.parse(read_regular(path, _LONGEST_SOURCE), filename=str(path))
    except OSError as error:
        raise RequestError(f"model '{ref}': {path.name} cannot be read: {error.strerror or error}") from None
    except (RecursionError, MemoryError):  # Python's parser says either
        line, why = "", "it is nested too deeply"
    except SyntaxError as error:
        line, why = f" line {error.lineno}" if error.lineno is not None else "", error.msg
    except ValueError as error:  # a NUL
        line, why = "", str(error)
    raise RequestError(f"model '{ref}': {path.name}{line} is not valid Python: {why}")


def _is_saved_model(path: Path) -> bool:
    return any((path / name).is_file() for name in ("saved_model.pb", "saved_model.pbtxt"))


def _kind_by_content(ref: str, path: Path) -> Kind:
    with open_regular(path) as file:
        start = file.read(8)
    if not start:
        raise RequestError(f"model '{ref}': the file is empty")
    if start == _HDF5:
        return Kind.H5
    if zipfile.is_zipfile(path):
        try:
            with zipfile.ZipFile(path) as archive:
                names = tuple(archive.namelist())
            if "config.json" in names:
                return Kind.KERAS
        except zipfile.BadZipFile as error:
            raise RequestError(f"model '{ref}': the zip archive is damaged: {error}") from None
        raise _other(ref, path, start, names, "the zip archive is no .keras file: it holds no config.json")
    if path.name == "saved_model.pb":
        raise RequestError(f"model '{ref}': a part of a SavedModel, which is a folder\nhint: give '{path.parent}'")
    raise _other(ref, path, start, (), "by its content neither a .keras archive nor an HDF5 file")


def _other(ref: str, path: Path, start: bytes, members: tuple[str, ...], otherwise: str) -> RequestError:
    """What to say of a file that is no model: what it is, as far as that is known."""
    found = other_format(path, start, members)
    what, way = found or (otherwise, "give a SavedModel as its folder, a builder as file.py:function")
    return RequestError(f"model '{ref}': {what}\nhint: {way}")
