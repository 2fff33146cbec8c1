"""Empty virtualenvs, made by virtualenv in this process."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tfjs_compat.errors import MachineryError
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.store import Store

# virtualenv promises nothing about threads: it keeps what it knows of an interpreter in module globals.
_ONE_AT_A_TIME = threading.Lock()


def make_virtualenv(
    venv: Path,
    interpreter: Interpreter,
    store: Store,
    create: Callable[[Sequence[str], Mapping[str, str]], object] | None = None,
) -> None:
    """Make an empty virtualenv (without pip) of an interpreter; one at a time in this process.

    ``create`` takes virtualenv's arguments and environment variables (virtualenv itself, unless given). Raises
    MachineryError where none can be made.
    """
    app_data = store.folder("virtualenv")
    arguments = [str(venv), "--python", interpreter.executable, "--no-seed", "--app-data", str(app_data), "--quiet"]
    # The caller's VIRTUALENV_… and virtualenv.ini would change what is made.
    variables = clean_environment(app_data / "home", VIRTUALENV_CONFIG_FILE=os.devnull)
    try:
        with _ONE_AT_A_TIME:
            (create or _create)(arguments, variables)
    except (RuntimeError, OSError, SystemExit) as error:
        raise MachineryError(f"no virtualenv can be made with {interpreter.executable}: {error}") from error


def _create(arguments: Sequence[str], variables: Mapping[str, str]) -> None:
    import virtualenv

    virtualenv.cli_run(list(arguments), setup_logging=False, env=dict(variables))
