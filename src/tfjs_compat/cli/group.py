"""The command group, which knows the nearest command for a mistyped one."""

from __future__ import annotations

import click

from tfjs_compat.errors import nearest
from tfjs_compat.version import __version__


class CommandGroup(click.Group):
    """A group of commands."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """The command that the arguments name. Raises click.UsageError with the nearest name for an unknown one."""
        if args and self.get_command(ctx, args[0]) is None and not args[0].startswith("-"):
            ctx.fail(f"no such command '{args[0]}'\nhint: {nearest(args[0], self.commands)}")
        return super().resolve_command(ctx, args)


@click.group(cls=CommandGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="tfjs-compat")
def cli() -> None:
    """Find out, by running it, which versions convert a Keras model to TensorFlow.js, and whether the result works."""
