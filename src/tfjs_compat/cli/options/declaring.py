"""How options are declared."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

Option = Callable[[Any], Any]
Command = TypeVar("Command", bound=Callable[..., Any])

AXIS = "axis_"
"""What the name of a parameter begins with that sets an axis."""


class FiniteRange(click.FloatRange):
    """A number from a range, neither NaN nor infinite."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. Raises click.BadParameter."""
        number = super().convert(value, param, ctx)
        if not math.isfinite(number):
            self.fail(f"{value} is not a finite number", param, ctx)
        return number


class NamedPath(click.Path):
    """A path that has a name: the empty text, which a variable without a value gives, is none."""

    def __init__(self, *, allow_dash: bool = False, dir_okay: bool = True) -> None:
        super().__init__(path_type=Path, allow_dash=allow_dash, dir_okay=dir_okay)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The path. Raises click.BadParameter."""
        if not str(value):
            self.fail("it is empty: give the name of a file or folder", param, ctx)
        return super().convert(value, param, ctx)


def with_options(*options: Option) -> Callable[[Command], Command]:
    """Add options to a command, in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def many(flag: str, name: str, metavar: str, text: str) -> Option:
    """An option that can be given several times."""
    return click.option(flag, name, multiple=True, metavar=metavar, help=f"{text} Repeatable.")


def axis(flag: str, axis: str, metavar: str, text: str) -> Option:
    """An option whose values are those of an axis."""
    return many(flag, f"{AXIS}{axis}", metavar, text)


def require(text: str) -> Option:
    """``--require``; its values limit the packages of environments, for what the text says."""
    return many("--require", "require", "REQ", text)


def file(flag: str, name: str, **more: Any) -> Option:
    """An option that names a file or folder."""
    return click.option(flag, name, type=NamedPath(), **more)


def inverted(_context: click.Context, _option: click.Parameter, value: bool) -> bool:
    """For ``--no-…``: the callback of a flag that sets its field to false."""
    return not value
