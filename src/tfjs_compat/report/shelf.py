"""The environments on disk, for a terminal and as plain values."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

from rich.console import Console
from rich.table import Table

from tfjs_compat.environments import Environment, last_used
from tfjs_compat.usage import Size


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
    table = Table(box=None, pad_edge=False)
    for title in ("id", "Python", "TensorFlow", "tfjs", "Keras", "last used"):
        table.add_column(title)
    table.add_column("MB", justify="right")
    table.add_column("own MB", justify="right")
    for one in found:
        versions = [one.packages.get(name, "-") for name in ("tensorflow", "tensorflowjs", "keras")]
        size = sizes[one.id]
        table.add_row(one.id, one.python.split("-")[1], *versions, _when(one)[:10], _mb(size.whole), _mb(size.own))
    if found:
        console.print(table)
    console.print(f"{len(found)} environments, {_mb(total)} MB with shared files counted once")


def _when(one: Environment) -> str:
    return datetime.datetime.fromtimestamp(last_used(one), datetime.timezone.utc).isoformat(timespec="minutes")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"
