"""The files of a model in a bundle: an example as one file, a builder with what it imports, a model file."""

from __future__ import annotations

import ast
import re
import shutil
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.handover.reproduction.example_code import standalone
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.system.holes import copy_file

FOLDER = "model"

MOST_DATA = 256 << 20
"""Bytes of what lies beside a builder and is named in its code: more of it is not copied."""


class ModelFiles(msgspec.Struct, frozen=True):
    """Where a bundle has its model: ``path`` in the bundle, and for a builder where its imports are looked up.

    ``left_out`` are files that the code names and that are too large to come along.
    """

    path: str
    search: str = FOLDER
    left_out: tuple[str, ...] = ()


def write_model(model: Model, folder: Path) -> ModelFiles:
    """Copy a model into the folder ``model`` of a bundle's folder. Raises OSError, RequestError."""
    target = folder / FOLDER
    target.mkdir(parents=True, exist_ok=True)
    if model.ref.startswith("zoo:"):
        path = Path(model.path)
        sources = {source.stem: source.read_text("utf-8") for source in sorted(path.parent.glob("*.py"))}
        name = f"{model.function}.py"
        (target / name).write_text(standalone(sources, path.stem, model.function), "utf-8")
        return ModelFiles(f"{FOLDER}/{name}")
    if model.kind is Kind.BUILDER:
        return _write_builder(model, target)
    # Keras goes by the ending; the name itself is the user's.
    source = Path(model.path)
    ending = {Kind.SAVED_MODEL: "", Kind.KERAS: ".keras", Kind.H5: ".h5"}[model.kind]
    name = "saved_model" if model.kind is Kind.SAVED_MODEL else f"model{ending}"
    if source.is_dir():
        _require_no_way_out(model.ref, source)
        # Its debug information holds the paths of the machine that saved it, and nothing reads it.
        unread = lambda place, _: ["debug"] if Path(place) == source else []  # noqa: E731
        shutil.copytree(source, target / name, ignore=unread, copy_function=copy_file)
    else:
        copy_file(str(source), str(target / name))
    return ModelFiles(f"{FOLDER}/{name}")


def _require_no_way_out(ref: str, folder: Path) -> None:
    """A link of a stranger's model may lead to any file of the user. Raises RequestError for one that leaves it."""
    for path in sorted(folder.rglob("*")):
        if path.is_symlink() and folder.resolve() not in path.resolve().parents:
            raise RequestError(
                f"model '{ref}': {path} is a link to a file elsewhere, which would go along\n"
                "hint: put the file itself there"
            )


def _write_builder(model: Model, target: Path) -> ModelFiles:
    root, path = Path(model.search[0]).resolve(), Path(model.path).resolve()
    sources = local_sources(path, root)
    left_out: list[str] = []
    for source in sources:
        _copy(source, root, target)
        for named in _named_files(source):
            if root not in named.parents or _is_code_or_hidden(named.relative_to(root)):
                continue
            if _size(named) > MOST_DATA:
                left_out.append(named.relative_to(root).as_posix())
            else:
                _copy(named, root, target)
    inside = PurePosixPath(path.relative_to(root).as_posix())
    return ModelFiles(f"{FOLDER}/{inside}", left_out=tuple(dict.fromkeys(left_out)))


def local_sources(path: Path, root: Path) -> list[Path]:
    """A Python file and the files below ``root`` that it imports, directly or not, packages' ``__init__`` included."""
    found: dict[Path, None] = {}
    open_files = [path]
    while open_files:
        source = open_files.pop()
        if source in found:
            continue
        found[source] = None
        for folder in source.parents:
            if root not in folder.parents:
                break
            if (folder / "__init__.py").is_file():
                open_files.append(folder / "__init__.py")
        open_files += _imports(source, root)
    return sorted(found)


def _imports(source: Path, root: Path) -> Iterator[Path]:
    try:
        tree = ast.parse(source.read_bytes())
    except (SyntaxError, ValueError):
        return
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [(root, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = source.parents[node.level - 1] if 0 < node.level <= len(source.parents) else root
            module = node.module or ""
            names = [(base, ".".join(filter(None, (module, alias.name)))) for alias in node.names]
            names.append((base, module))
        else:
            continue
        for place, name in names:
            parts = name.split(".") if name else []
            for count in range(1, len(parts) + 1):
                stem = place.joinpath(*parts[:count])
                for candidate in (stem.with_name(f"{stem.name}.py"), stem / "__init__.py"):
                    if candidate.is_file() and root in candidate.resolve().parents:
                        yield candidate.resolve()


def _named_files(source: Path) -> Iterator[Path]:
    """What lies beside a source file under a name that is a text in it: ``Path(__file__).parent / "words.txt"``."""
    for node in ast.walk(ast.parse(source.read_bytes())):
        if not (isinstance(node, ast.Constant) and isinstance(node.value, str)):
            continue
        text = node.value
        if text in ("", ".", "..") or len(text) > 200 or not re.fullmatch(r"[\w.@+ -]+(?:/[\w.@+ -]+)*", text):
            continue
        path = (source.parent / text).resolve()
        if path != source and source.parent in path.parents and path.exists():
            yield path


def _is_code_or_hidden(relative: Path) -> bool:
    return relative.suffix == ".py" or any(part.startswith(".") or part == "__pycache__" for part in relative.parts)


def _copy(source: Path, root: Path, target: Path) -> None:
    place = target / source.relative_to(root)
    place.parent.mkdir(parents=True, exist_ok=True)
    if source.is_dir():
        hidden = shutil.ignore_patterns(".*", "__pycache__")

        def ignored(place: str, names: list[str]) -> set[str]:
            # A link in a stranger's project may lead to any file of the user.
            outside = {name for name in names if root not in Path(place, name).resolve().parents}
            return hidden(place, names) | outside

        shutil.copytree(source, place, dirs_exist_ok=True, ignore=ignored, copy_function=copy_file)
    else:
        copy_file(str(source), str(place))


def _size(path: Path) -> int:
    files = [path] if path.is_file() else [each for each in path.rglob("*") if each.is_file()]
    return sum(each.stat().st_size for each in files)
