"""The environments on disk, for a terminal and as plain values."""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence

import click
from rich.console import Console
from rich.text import Text

from tfjs_compat.environments.disk_usage import Size
from tfjs_compat.environments.environment import Environment, last_used
from tfjs_compat.environments.verification import Verified
from tfjs_compat.index.address import hide_credentials
from tfjs_compat.report.grid import Column, Grid


def rows(found: Sequence[Environment], sizes: Mapping[str, Size]) -> list[dict[str, object]]:
    """One plain value an environment; sizes in bytes, ``own`` is what only it holds."""
    return [
        {
            "id": environment.id,
            "python": environment.python.tag,
            "packages": environment.packages,
            "last_used": _when(environment),
            "bytes": sizes[environment.id].whole,
            "own_bytes": sizes[environment.id].own,
        }
        for environment in found
    ]


def show(console: Console, found: Sequence[Environment], sizes: Mapping[str, Size], total: int) -> None:
    """Print the table and the total."""
    columns = [Column("id", [Text(environment.id) for environment in found])]
    columns.append(Column("Python", [Text(environment.python.version) for environment in found]))
    for title, name in (("TensorFlow", "tensorflow"), ("tfjs", "tensorflowjs"), ("Keras", "keras")):
        columns.append(Column(title, [Text(environment.packages.get(name, "-")) for environment in found]))
    columns.append(Column("last used", [Text(_when(environment)[:10]) for environment in found], wraps=False))
    columns.append(Column("MB", [Text(_mb(sizes[environment.id].whole)) for environment in found], right=True))
    columns.append(
        Column("own MB", [Text(_mb(sizes[environment.id].own)) for environment in found], wraps=False, right=True)
    )
    if found:
        console.print(Grid(columns), crop=False)
    console.print(f"{len(found)} environments, {_mb(total)} MB with shared files counted once")


def show_verified(verified: Verified) -> None:
    """Print what was damaged and whether it is whole again, then how much was looked at."""
    for mended in verified.damaged:
        state = "mended" if mended.unmended is None else "damaged"
        click.echo(f"{state} {mended.name}: {mended.damage}")
        if mended.unmended is not None:
            click.echo(f"  not mended: {hide_credentials(mended.unmended)}")
    bad = sum(mended.unmended is not None for mended in verified.damaged)
    ends = f"{bad} damaged" if bad else "all whole"
    click.echo(f"{verified.wheels} unpacked wheels, {verified.environments} environments: {ends}")


def _when(environment: Environment) -> str:
    return datetime.datetime.fromtimestamp(last_used(environment), datetime.timezone.utc).isoformat(timespec="minutes")


def _mb(size: int) -> str:
    return f"{size / 1e6:,.0f}"
