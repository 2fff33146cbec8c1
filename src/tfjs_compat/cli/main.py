"""The command line: parse, call the library, print, exit code. Nothing else."""

from __future__ import annotations

import os
import sys
import traceback

import click

from tfjs_compat.cli import catalogue_commands, env_commands, run_commands, search_commands  # noqa: F401 (they add their commands)
from tfjs_compat.cli.group import cli
from tfjs_compat.errors import Interrupted, MachineryError, RequestError

for _command in (search_commands.find, search_commands.convert, search_commands.repair):
    cli.add_command(_command)


def main() -> None:
    """The console script: every error that is not ours becomes one message and its exit code."""
    try:
        cli.main(standalone_mode=False)
    except click.exceptions.Abort:
        sys.exit(130)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except RequestError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(2)
    except MachineryError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(3)
    except (Interrupted, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader of our output went away, as `| head` does: not an error worth a word.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(1)
    except OSError as error:
        # What could be foreseen was turned into the errors above; a full disk under stdout, a folder that is gone.
        click.echo(f"error: {error}", err=True)
        sys.exit(3)
    except Exception:
        # Exit code 1 would say that a case did not end as expected.
        traceback.print_exc()
        click.echo("error: a fault of tfjs-compat itself: please report it with the lines above", err=True)
        sys.exit(3)


if __name__ == "__main__":
    main()
