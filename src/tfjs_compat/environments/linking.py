"""Put unpacked distributions into a virtualenv by links, so that it looks installed to everything that looks.

Top-level folders become one link each; where two distributions share a folder (namespace packages such as
``google``), the folder is real and its entries are links. Bytecode goes through the links to the store: it is
compiled once for all environments. Scripts are written out, with the environment's own Python in their first line.
"""

from __future__ import annotations

import configparser
import os
import re
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

# Where wheels keep what is not code; in a virtualenv these stand beside lib, not in site-packages.
_DATA = ("share", "etc", "include", "man")
_SCRIPTS = ("bin", "Scripts")


def site_packages(venv: Path) -> Path:
    """Where a virtualenv keeps its packages."""
    windows = venv / "Lib" / "site-packages"
    return windows if windows.is_dir() else next(iter(sorted((venv / "lib").glob("python*/site-packages"))))


def is_possible(folder: Path) -> bool:
    """Whether there can be symbolic links in a folder: some file systems have none."""
    probe = folder / ".link"
    try:
        probe.symlink_to("nowhere")
        probe.unlink()
    except (OSError, NotImplementedError):
        return False
    return True


def link_all(trees: Iterable[Path], venv: Path) -> None:
    """Link the distributions unpacked at ``trees`` into a virtualenv; of two that bring one file the later wins."""
    target = site_packages(venv)
    python = venv / "bin" / "python"
    for tree in trees:
        for entry in os.scandir(tree):
            if entry.name in _SCRIPTS or entry.name == "__pycache__":
                continue
            _link(Path(entry.path), (venv if entry.name in _DATA else target) / entry.name)
        for name, content in scripts(tree, python):
            script = venv / "bin" / name
            script.write_bytes(content)
            script.chmod(script.stat().st_mode | stat.S_IXUSR | stat.S_IXGRP | stat.S_IXOTH)


def entries(venv: Path) -> tuple[str, ...]:
    """What stands in the site-packages of a virtualenv, by name; bytecode, which any import adds, left out."""
    return tuple(sorted(entry.name for entry in os.scandir(site_packages(venv)) if entry.name != "__pycache__"))


def unlinked(trees: Iterable[Path], venv: Path) -> str | None:
    """The first package of the distributions at ``trees`` that a virtualenv does not lead to; None: it leads to all."""
    try:
        target = site_packages(venv)
        real = target.resolve(strict=True)
        if not real.is_relative_to(venv.resolve()):
            return str(target)
        sources: dict[str, list[Path]] = {}
        for tree in trees:
            for entry in os.scandir(tree):
                if entry.name not in (*_SCRIPTS, *_DATA, "__pycache__"):
                    sources.setdefault(entry.name, []).append(Path(entry.path))
        found = (_elsewhere(standing, target / name) for name, standing in sources.items())
        return next((str(path) for path in found if path is not None), None)
    except (OSError, StopIteration):
        return str(venv)


def _elsewhere(sources: list[Path], target: Path) -> Path | None:
    """What of ``target`` does not lead to any of its sources; None: it is a link to one, or a folder of such links."""
    if target.is_symlink():
        return None if target.exists() and any(target.samefile(source) for source in sources) else target
    folders = [source for source in sources if source.is_dir()]
    if not target.is_dir() or len(folders) < 2:
        return target
    below: dict[str, list[Path]] = {}
    for folder in folders:
        for entry in os.scandir(folder):
            if entry.name != "__pycache__":
                below.setdefault(entry.name, []).append(Path(entry.path))
    return next((path for name in below if (path := _elsewhere(below[name], target / name)) is not None), None)


def _link(source: Path, target: Path) -> None:
    """Make ``target`` show ``source``, merged with what it shows already."""
    if not os.path.lexists(target):
        _point(target, source)
    elif source.is_dir() and target.is_dir():
        if target.is_symlink():
            standing = target.parent / target.readlink()
            target.unlink()
            target.mkdir()
            _link_entries(standing, target)
        _link_entries(source, target)
    else:
        target.unlink()
        _point(target, source)


def _point(target: Path, source: Path) -> None:
    # Relative, so that the store can be moved as a whole.
    target.symlink_to(os.path.relpath(source, target.parent))


def _link_entries(source: Path, target: Path) -> None:
    for entry in os.scandir(source):
        # Bytecode belongs to the folder that it is read from.
        if entry.name != "__pycache__":
            _link(Path(entry.path), target / entry.name)


def scripts(tree: Path, python: Path) -> Iterator[tuple[str, bytes]]:
    """The scripts of a distribution, as (name, content): its entry points, and the scripts it brings."""
    written = set()
    for info in tree.glob("*.dist-info"):
        points = configparser.RawConfigParser(delimiters=("=",), strict=False)
        points.optionxform = str  # type: ignore[assignment,method-assign]
        points.read(info / "entry_points.txt", "utf-8")
        for group in ("console_scripts", "gui_scripts"):
            for name, target in points.items(group) if points.has_section(group) else ():
                module, _, attribute = target.partition("[")[0].strip().partition(":")
                yield name, _entry_script(python, module.strip(), attribute.strip())
                written.add(name)
    for folder in _SCRIPTS:
        for path in sorted((tree / folder).glob("*")):
            if path.name not in written and path.is_file():
                yield path.name, _with_python(path.read_bytes(), python)


def _entry_script(python: Path, module: str, attribute: str) -> bytes:
    head = attribute.partition(".")[0]
    lines = [_shebang(python), "import sys", f"from {module} import {head}", "", 'if __name__ == "__main__":']
    return "\n".join([*lines, f"    sys.exit({attribute}())", ""]).encode()


def _with_python(content: bytes, python: Path) -> bytes:
    """A script with its first line (or the two that stand for one) naming the environment's Python."""
    wrapped = re.match(rb"#!/bin/sh\n'''exec' .*\n' '''\n", content)
    direct = re.match(rb"#!.*python.*\n", content)
    start = wrapped or direct
    return _shebang(python).encode() + b"\n" + content[start.end() :] if start else content


def _shebang(python: Path) -> str:
    """The first line. A path with a space, or longer than kernels read, goes through the shell."""
    if " " not in str(python) and len(str(python)) < 120:
        return f"#!{python}"
    return f"#!/bin/sh\n'''exec' \"{python}\" \"$0\" \"$@\"\n' '''"
