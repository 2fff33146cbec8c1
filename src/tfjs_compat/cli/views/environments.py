"""The environments on disk, for a terminal and as plain values."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.text import Text

from tfjs_compat.environments.disk_usage import Size
from tfjs_compat.environments.environment import Environment, last_used
from tfjs_compat.report.grid import Column, Grid


def rows(found: Sequence[Environment], sizes: Mapping[str, Size]) -> list[dict[str, object]]:
    """One plain value an environment; sizes in bytes, ``own`` is what only it holds."""
    return [
        {
            "id": one.id,
            "python": one.python,
            "packages": one.packages,
            "last_used": _when(one),
            "bytes": sizes[one.id].whole,
            "own_bytes": sizes[one.id].own,
        }
        for one in found
    ]


def show(console: Console, found: Sequence[Environment], sizes: Mapping[str, Size], total: int) -> None:
    """Print the table and the total."""
    columns = [Column("id", [Text(one.id) for one in found])]
    columns.append(Column("Python", [Text(one.python.split("-")[1]) for one in found]))
    for title, name in (("TensorFlow", "tensorflow"), ("tfjs", "tensorflowjs"), ("Keras", "keras")):
        columns.append(Column(title, [Text(one.packages.get(name, "-")) for one in found]))
    columns.append(Column("last used", [Text(_when(one)[:10]) for one in found], wraps=False))
    columns.append(Column("MB", [Text(_mb(sizes[one.id].whole)) for one in found], right=True))
    columns.append(Column("own MB", [Text(_mb(sizes[one.id].own)) for one in found], wraps=False, right=True))
    if found:
        console.print(Grid(columns), crop=False)
    console.print(f"{len(found)} environments, {_mb(total)} MB with shared files counted once")


def _when(one: Environment) -> str:
    return datetime.datetime.fromtimestamp(last_used(one), datetime.timezone.utc).isoformat(timespec="minutes")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"
