"""The matrices that ship with the tool: ``envs/*.toml``."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parents[1]


def shipped_folder() -> Path:
    """Their folder: ``envs`` in the installed package, or beside ``src`` in a clone."""
    installed = _PACKAGE / "envs"
    return installed if installed.is_dir() else _PACKAGE.parents[1] / "envs"


def shipped_matrix(name: str) -> Path | None:
    """The file of a shipped matrix, or None where there is none of that name."""
    return next((path for path in shipped_folder().glob("*.toml") if path.stem == name), None)


def shipped_names() -> list[str]:
    """The names of the shipped matrices (``seed``), sorted."""
    return sorted(path.stem for path in shipped_folder().glob("*.toml"))
