"""What click finds wrong with the arguments, said as every other error is: one message, then what to type."""

from __future__ import annotations

import click

from tfjs_compat.errors import nearest

_LIMITED = ("find", "convert")
_PACKAGES = ("--tensorflow", "--tensorflowjs", "--keras")


def said(error: click.ClickException) -> str:
    """The lines ``error: …`` and ``hint: …`` of a mistake in the arguments. A message may bring a hint of its own."""
    message = _message(error)
    text = f"error: {message[:1].lower()}{message[1:]}\n"
    hint = "" if "\nhint: " in message else _hint(error)
    return f"{text}hint: {hint}\n" if hint else text


def _message(error: click.ClickException) -> str:
    if isinstance(error, click.NoSuchOption):
        return f"no such option '{error.option_name}'"
    if isinstance(error, click.BadParameter) and not isinstance(error, click.MissingParameter) and error.param:
        name = error.param.opts[0] if isinstance(error.param, click.Option) else error.param.human_readable_name
        return f"{name}: {error.message.rstrip('.')}"
    return error.format_message().rstrip(".")


def _hint(error: click.ClickException) -> str:
    context = error.ctx if isinstance(error, click.UsageError) else None
    command = context.info_name if context is not None else None
    if isinstance(error, click.NoSuchOption):
        if command in _LIMITED and error.option_name in _PACKAGES:
            # `find` and `convert` are given limits, not an axis.
            package = error.option_name.removeprefix("--")
            return f"--require '{package}==VERSION', or a range: '{package}>=VERSION'"
        if error.possibilities:
            return nearest(error.option_name, error.possibilities)
    if isinstance(error, click.BadParameter) and error.param and isinstance(error.param.type, click.Choice):
        wrong = error.message.split("'")[1] if "'" in error.message else ""
        close = nearest(wrong, map(str, error.param.type.choices))
        if close.startswith("did you mean"):
            return close
    return f"`{context.command_path} --help` says what there is" if context is not None else ""
