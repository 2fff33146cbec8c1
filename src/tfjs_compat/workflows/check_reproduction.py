"""A bundle → whether it shows its failure in an environment that is made for it and nothing else."""

from __future__ import annotations

import os
import shutil
import threading
import time
from pathlib import Path

import msgspec

from tfjs_compat.artifact.tensors import DamagedTensorsError, read_tensors
from tfjs_compat.diagnosis.diagnose import diagnose
from tfjs_compat.engine.options import memory_limit
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.environments.build import build
from tfjs_compat.environments.environment import Environment, NotInstallable
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.handover.reproduction.account import Reproduction, Shown, read_account
from tfjs_compat.handover.reproduction.script import SCRIPT
from tfjs_compat.handover.reproduction.side_files import CONSTRAINTS, INPUT, LOCK, OVERRIDES, PACKAGE_JSON
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import Interpreter, choose
from tfjs_compat.locks.lock import Lock, read_lock
from tfjs_compat.locks.resolver import ResolveRequest, resolve
from tfjs_compat.outcomes.failures import Failure
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.child_files import read_child_file
from tfjs_compat.system.context import Context
from tfjs_compat.system.files import disk_errors, read_regular
from tfjs_compat.system.holes import copy_file
from tfjs_compat.system.process import ExitStatus, Limits
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.system.store import Store
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.system.text import plain
from tfjs_compat.trials.comparison import compare
from tfjs_compat.trials.record import read_outcome
from tfjs_compat.trials.runtimes.bundle import install_packages
from tfjs_compat.trials.runtimes.exits import TfjsExit
from tfjs_compat.trials.runtimes.node import Node, find_node
from tfjs_compat.trials.runtimes.record import read_record
from tfjs_compat.trials.tfjs_check import read_run

_SECONDS = 900.0
_LOG_TAIL = 6000
_MISSING = 2
"""The exit code of a bundle's script that lacks Node or a package of npm."""


class Checked(msgspec.Struct, frozen=True):
    """What a bundle showed: ``seen``, or None where nothing failed. ``confirmed``: that is what it is to show."""

    folder: Path
    confirmed: bool
    expected: Shown
    seen: Shown | None
    log: str
    seconds: float


def check_reproduction(
    folder: Path, options: RunRequest, progress: Progress | None = None, stop: threading.Event | None = None
) -> Checked:
    """Run a copy of a bundle in a fresh environment, with TensorFlow.js from npm where it goes so far.

    Raises RequestError where the folder is no bundle, MachineryError, Interrupted.
    """
    started = time.monotonic()
    account = read_account(folder)
    reporter = progress or Silent()
    limits = Limits(seconds=_SECONDS, memory=memory_limit(1))
    context = Context(options.store, stop or threading.Event(), reporter, limits)
    what = f"running {folder.name}"
    reporter.begin(what)
    scratch_root = options.store.folder("scratch")
    with disk_errors(scratch_root), temporary_folder("reproduction-", scratch_root) as scratch:
        outcome, log = _outcome(account, folder, scratch, options, context)
    if outcome.machinery is not None:
        raise MachineryError(outcome.machinery)
    seen = _shown(outcome)
    confirmed = seen is not None and (seen.stage, seen.signature) == (account.shown.stage, account.shown.signature)
    reporter.end(what, "the failure shows" if confirmed else "the failure does not show")
    return Checked(folder, confirmed, account.shown, seen, plain(log), round(time.monotonic() - started, 3))


def _shown(outcome: Outcome) -> Shown | None:
    found = diagnose(outcome, Stage.PREDICT)
    if found.verdict not in (Verdict.FAILS, Verdict.MISMATCH):
        return None
    return Shown(outcome.stage, found.message, found.signature)


def _outcome(
    account: Reproduction, folder: Path, scratch: Path, options: RunRequest, context: Context
) -> tuple[Outcome, str]:
    """What the bundle came to, and its log."""
    python = choose(account.python, _with_minor(account.python, options.store))
    if account.shown.stage is Stage.RESOLVE:
        return _resolved(account, folder, python, context)
    lock = _lock(folder)
    # Its own module in place of a package that is left out is to be found.
    lock = msgspec.structs.replace(lock, stand_ins=())
    fresh = Context(Store(scratch / "store"), context.stop, context.progress, context.limits)
    environment = build(lock, python, fresh, layout="flat")
    if isinstance(environment, NotInstallable):
        failure = Failure(Stage.INSTALL, environment.message, text=environment.text)
        return Outcome(Stage.INSTALL, failure), environment.text
    if account.shown.stage is Stage.INSTALL:
        return Outcome(Stage.INSTALL), ""
    copy = scratch / "bundle"
    try:
        shutil.copytree(folder, copy, ignore=shutil.ignore_patterns("work", "node_modules"), copy_function=copy_file)
    except shutil.Error as error:
        source, _, why = error.args[0][0]
        raise RequestError(f"{source}: cannot be copied: {why}") from None
    node = None
    if (copy / PACKAGE_JSON).is_file():
        node = find_node(options.node, options.store)
        context.progress.say(f"running {folder.name}", "npm install")
        install_packages(copy, node, context)
    return _run(account, copy, environment, node, context)


def _with_minor(version: str, store: Store) -> list[Interpreter]:
    """This machine's Pythons, those of the same minor version under the full version that is looked for."""
    minor = ".".join(version.split(".")[:2])
    found = find_interpreters(store)
    if any(python.version == version for python in found) or version == minor:
        return list(found)
    return [msgspec.structs.replace(each, version=version) if each.minor == minor else each for each in found]


def _lock(folder: Path) -> Lock:
    try:
        return read_lock(read_regular(folder / LOCK).decode("utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise RequestError(f"{folder / LOCK}: cannot be read: {error}") from None
    except RequestError as error:
        raise RequestError(f"{folder / LOCK}: {error}") from None


def _resolved(account: Reproduction, folder: Path, python: Interpreter, context: Context) -> tuple[Outcome, str]:
    def lines(name: str) -> tuple[str, ...]:
        path = folder / name
        return tuple(path.read_text("utf-8").split("\n"))[:-1] if path.is_file() else ()

    request = ResolveRequest(
        requirements=lines(INPUT),
        constraints=lines(CONSTRAINTS),
        overrides=lines(OVERRIDES),
        stand_ins=(),
        as_of=account.combination.as_of,
        source_builds=False,
        python=python,
    )
    answer = resolve(request, context, fresh=True)
    if isinstance(answer, Lock):
        return Outcome(Stage.RESOLVE), ""
    failure = Failure(Stage.RESOLVE, answer.message, packages=answer.packages, text=answer.text)
    return Outcome(Stage.RESOLVE, failure), answer.text


def _run(
    account: Reproduction, copy: Path, environment: Environment, node: Node | None, context: Context
) -> tuple[Outcome, str]:
    scrubbed = clean_environment(copy.parent / "home")
    programs = [str(environment.bin), *([str(node.path.parent)] if node is not None else [])]
    variables = {
        **scrubbed,
        "PATH": os.pathsep.join([*programs, scrubbed["PATH"]]),
        "KERAS_HOME": str(context.store.folder("keras")),
    }
    log = copy.parent / "log.txt"
    command = [str(environment.executable), SCRIPT]
    ended = process.run(command, env=variables, cwd=copy, log=log, limits=context.limits, stop=context.stop)
    text = read_child_file(log, _LOG_TAIL, tail=True).decode("utf-8", "replace")
    if ended.exit_code == _MISSING:
        raise MachineryError(f"{SCRIPT} could not run: {(text.strip().splitlines() or [''])[-1]}")
    return _read(account, copy / "work", ended, text), text


def _read(account: Reproduction, work: Path, ended: ExitStatus, log: str) -> Outcome:
    """The outcome of what the script left in its folder."""
    events = read_record(work / "record.jsonl")
    in_tfjs = read_record(work / "tfjs.jsonl")
    if not in_tfjs:
        if any(event.get("event") == "done" for event in events):
            return Outcome(Stage.CONVERT)
        return read_outcome(events, ended, log, Stage.CONVERT)
    exit_status = TfjsExit(ExitStatus(0, None, ended.seconds, ended.peak_memory))
    outcome = read_run(in_tfjs, exit_status, Outcome(Stage.CONVERT, tfjs=account.tfjs), "node")
    if outcome.failure is not None or outcome.machinery is not None or not (work / "outputs").is_dir():
        return outcome
    expected = work / "expected" if (work / "expected").is_dir() else work.parent / "expected"
    try:
        parity = compare(read_tensors(expected), read_tensors(work / "outputs"), account.tolerance)
    except DamagedTensorsError as error:
        return msgspec.structs.replace(outcome, failure=Failure(Stage.PREDICT, f"no readable predictions: {error}"))
    return msgspec.structs.replace(outcome, parity=parity)
