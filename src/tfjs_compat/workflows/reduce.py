"""A failing case → the smallest model that fails in the same way, as code that was run."""

from __future__ import annotations

import contextlib
import re
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from dataclasses import replace as replaced
from pathlib import Path
from typing import Any

import msgspec
from msgspec.structs import replace

from tfjs_compat.diagnosis.diagnose import diagnose
from tfjs_compat.engine.grants import granted
from tfjs_compat.engine.options import context_of, options_of
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.engine.worker import make_worker
from tfjs_compat.environments.build import build
from tfjs_compat.environments.environment import NotInstallable, in_use
from tfjs_compat.errors import Interrupted, MachineryError, RequestError
from tfjs_compat.handover.reproduction.example_code import standalone
from tfjs_compat.index.discovery import find_interpreters
from tfjs_compat.index.interpreters import choose
from tfjs_compat.matrix.axes import AXES, Combination
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.matrix.schema import LimitsTable
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.deadline import Deadline
from tfjs_compat.search.reduction.code import NotExpressibleError, code_of
from tfjs_compat.search.reduction.keras_config import NoNetworkError, network_of
from tfjs_compat.search.reduction.network import Network
from tfjs_compat.search.reduction.shrink import shrink
from tfjs_compat.system.child_files import read_child_file
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import disk_errors, remove_tree, write_whole
from tfjs_compat.system.progress import Progress, Silent
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.trials.session import EnvironmentSession
from tfjs_compat.trials.settings import Settings
from tfjs_compat.trials.trial import convert_case, finish_case
from tfjs_compat.workflows.failing_case import FailingCase, failing_case

_FUNCTION = "build"
_MOST_DESCRIPTION = 64 << 20
_DESCRIPTIONS = Reader[dict[str, Any]](dict[str, Any])
_DESCRIPTION = "description.json"
"""In the case's folder: elsewhere it may not write."""

_DESCRIBING = """\
import tensorflow as tf
from tfjs_case import build as building
from tfjs_case import description


def build():
    model = building.build(tf, {job!r}).model
    description.write(model, {path!r})
    return model
"""


@dataclass(frozen=True)
class ReduceRequest:
    """What to reduce: ``case`` of ``results`` (the folder of a run), or what ``run_options`` say is run first.

    ``target`` is the Python file to write; ``force``: it may be there. ``seconds`` is the time after which the smallest
    model so far is taken; None: no limit.
    """

    target: Path
    case: str | None = None
    results: Path = Path(".tfjs-compat")
    force: bool = False
    seconds: float | None = 600.0
    run_options: RunRequest = field(default_factory=RunRequest)


class Size(msgspec.Struct, frozen=True):
    """How large a model is; ``parameters`` is None where it was not counted."""

    layers: int
    parameters: int | None


class ReducedCase(msgspec.Struct, frozen=True, kw_only=True):
    """The smallest model that was found. ``code`` is the content of ``file``; each candidate was run as such code.

    ``by_issue``: it has the same known issue, but not the whole signature, which names whatever else was found.
    ``minimal``: no step makes it smaller. ``ended``: why it was stopped before, ``interrupted`` or ``time``.
    ``unknown``: how many candidates had no answer, because the machine failed or a limit was passed. ``options`` are
    those of ``run`` that run it in the same environment.
    """

    case: str
    signature: str | None
    stage: Stage
    file: Path
    code: str
    before: Size
    after: Size
    trials: int
    unknown: int
    seconds: float
    by_issue: bool
    minimal: bool
    ended: str | None
    options: tuple[str, ...]


class Irreducible(msgspec.Struct, frozen=True):
    """A case whose model, made again from its configuration, does not fail in the same way: ``why``, in words."""

    case: str
    why: str


def reduce(
    request: ReduceRequest, progress: Progress | None = None, stop: threading.Event | None = None
) -> ReducedCase | Irreducible | None:
    """Reduce the model of a failing case; None where nothing that was to be run fails.

    When ``stop`` is set the smallest model so far is written. Raises RequestError where the failure has nothing to do
    with a model, or where the model has no graph of layers; MachineryError; Interrupted where nothing was found yet.
    """
    started, user_stop = time.monotonic(), stop or threading.Event()
    if request.target.exists() and not request.force:
        raise RequestError(f"--output {request.target}: it exists\nhint: --force replaces it")
    case = failing_case(request.case, request.results, request.run_options, progress, user_stop)
    if case is None:
        return None
    _require_reducible(case)
    options = request.run_options
    permissions = granted(case.permissions, case.output, options.permissions(), options.store)
    case = msgspec.structs.replace(case, permissions=permissions)
    ends = started + request.seconds if request.seconds is not None else None
    with Deadline(user_stop, ends) as deadline, _Trials(case, request.run_options, progress, deadline.stop) as runs:
        described = runs.describe(case.model)
        try:
            network = network_of(described)
        except NoNetworkError as error:
            raise RequestError(f"model '{case.result.model}': {error}, so there are no layers to leave out") from None
        imported = _keras_import(described, case.variables)
        try:
            whole = _that_fails(network, runs, imported)
        except NotExpressibleError as error:
            return Irreducible(case.result.id, f"its model cannot be written as code: it has {error}")
        if whole is None:
            why = f"made again from its configuration the model does not fail in the same way: {runs.seen}"
            return Irreducible(case.result.id, why)
        reduced = shrink(whole, lambda candidate: runs.ask(candidate, imported))
        code = code_of(reduced.network, imported)
        parameters = None
        if not user_stop.is_set():
            runs.go_on(user_stop)
            parameters = int(runs.describe(runs.model(code)).get("parameters", 0))
            alone = with_own_classes(code, case.model)
            if alone != code and runs.fails(alone):
                code = alone
        ended = None if reduced.complete or reduced.unknown else "time" if deadline.passed else "interrupted"
    write_whole(request.target, code)
    return ReducedCase(
        case=case.result.id,
        signature=case.result.signature if not runs.by_issue else case.result.issue,
        stage=case.result.stage,
        file=request.target,
        code=code,
        before=Size(network.count_layers(), int(described.get("parameters", 0))),
        after=Size(reduced.network.count_layers(), parameters),
        trials=runs.trials,
        unknown=reduced.unknown,
        seconds=round(time.monotonic() - started, 3),
        by_issue=runs.by_issue,
        minimal=reduced.complete,
        ended=ended if user_stop.is_set() or deadline.passed else None,
        options=run_options(case.result.combination, case.result.route),
    )


def run_options(combination: Combination, route: str) -> tuple[str, ...]:
    """The options of ``run`` that mean a combination and a route.

    >>> run_options(Combination("3.11", "2.16.1", "4.17.0", constraints=("setuptools<81",)), "layers")[2:]
    ('--python 3.11', "--constraint 'setuptools<81'", '--process-env default', '--route layers')
    """
    words = []
    for axis in AXES:
        value = axis.value(combination)
        # The matrix that gives the rest has values of its own for these.
        always = axis.name == "process_env"
        if not axis.option or (axis.is_default(value) and not always):
            continue
        for text in (value,) if isinstance(value, str) else value:
            quoted = text if text.replace(".", "").replace("-", "").replace("+", "").isalnum() else f"'{text}'"
            words.append(f"{axis.option} {quoted}")
    return (*words, f"--route {route}")


def with_own_classes(code: str, model: Model) -> str:
    """The code with the source of the classes that it imports from the files of a model, instead of the imports."""
    if not model.search:
        return code
    for line, name, kind in re.findall(r"(?m)^(from ([\w.]+) import (\w+)\n)", code):
        path = Path(model.search[0], *name.split(".")).with_suffix(".py")
        if not path.is_file():
            continue
        try:
            sources = {each.stem: each.read_text("utf-8") for each in path.parent.glob("*.py")}
            own = standalone(sources, path.stem, kind)
        except (OSError, UnicodeDecodeError, SyntaxError, KeyError):
            continue
        head, body = code.replace(line, "").split("\n\n\ndef build():", 1)
        lines = [each for each in head.splitlines() if each and each not in own.splitlines()]
        imports = [each for each in lines if each.startswith(("import ", "from "))]
        rest = [each for each in lines if each not in imports]
        code = "\n".join([*imports, own.rstrip(), "", "", *([*rest, "", ""] if rest else []), "def build():"]) + body
    return code


def _require_reducible(case: FailingCase) -> None:
    stage, name = case.result.stage, case.result.id
    if stage.rank < Stage.BUILD.rank:
        raise RequestError(
            f"{name}: it fails at {stage}, whatever the model\nhint: `tfjs-compat repro {name} --output DIR`"
        )
    if stage is Stage.BUILD:
        raise RequestError(
            f"{name}: it fails before there is a model\nhint: `tfjs-compat repro {name} --output DIR` hands it over as"
            " it is"
        )
    if case.model.kind is Kind.SAVED_MODEL:
        raise RequestError(
            f"{name}: a SavedModel has no layers to leave out\nhint: give the Keras model it was made of"
        )


def _keras_import(described: dict[str, Any], variables: dict[str, str]) -> str:
    """How code gets the Keras that the model is of."""
    own_keras_3 = described.get("package") == "keras" and variables.get("TF_USE_LEGACY_KERAS") == "1"
    return "import keras" if own_keras_3 else "from tensorflow import keras"


def _that_fails(network: Network, runs: _Trials, imported: str) -> Network | None:
    """The network, with random weights where it takes them, if it fails as the case did; None where it does not.

    Raises NotExpressibleError, MachineryError where that is not known, Interrupted.
    """
    for by_issue, random_weights in ((False, False), (False, True), (True, False)):
        if by_issue and not runs.may_go_by_issue():
            continue
        candidate = replace(network, random_weights=random_weights)
        code_of(candidate, imported)
        answer = runs.ask(candidate, imported)
        if answer is None:
            raise Interrupted
        if answer is Answer.UNKNOWN:
            raise MachineryError(f"the model, made again from its configuration, could not be run: {runs.seen}")
        if answer is Answer.YES:
            return candidate
    return None


class _Trials:
    """The environment of the case, with one running Python, in which candidates are run one after another."""

    def __init__(
        self, case: FailingCase, options: RunRequest, progress: Progress | None, stop: threading.Event
    ) -> None:
        self._case, self._options, self._stop = case, options, stop
        self._progress = progress or Silent()
        self._wanted = (case.result.verdict, case.result.stage, case.result.signature)
        self._what = f"reducing {case.result.id}"
        self._answers: dict[str, Answer] = {}
        self.by_issue = False
        self.trials = 0
        self.seen = ""

    def __enter__(self) -> _Trials:
        assert self._case.lock is not None, "a case that has a model has a lock"
        store = self._options.store
        parent = store.folder("scratch")
        with disk_errors(parent):
            self._entered = temporary_folder("reduce-", parent)
            self._scratch = self._entered.__enter__()
        try:
            self._open(self._stop)
        except BaseException:
            self._entered.__exit__(None, None, None)
            raise
        self._progress.begin(self._what)
        return self

    def _open(self, stop: threading.Event) -> None:
        lock = self._case.lock
        assert lock is not None
        context = context_of(self._options, LimitsTable(), 1, self._progress, stop)
        python = choose(lock.python.version, find_interpreters(context.store))
        environment = build(lock, python, context)
        if isinstance(environment, NotInstallable):
            raise MachineryError(f"the environment of {self._case.result.id} cannot be built: {environment.message}")
        until = Stage.PREDICT if self._case.result.verdict is Verdict.MISMATCH else self._case.result.stage
        worker = make_worker(options_of(self._options, until, context, self._case.permissions), context)
        self._worker, self._use = worker, in_use(environment)
        self._use.__enter__()
        self._settings: Settings = replaced(worker.settings, sample=until.rank > Stage.LOAD.rank)
        self._session = EnvironmentSession(
            environment, lock, self._case.variables, self._scratch / "server", self._settings
        )

    def __exit__(self, *_: object) -> None:
        self._close()
        self._entered.__exit__(None, None, None)
        self._progress.end(self._what, f"{self.trials} trials")

    def _close(self) -> None:
        self._session.close()
        self._worker.close()
        self._use.__exit__(None, None, None)

    def go_on(self, stop: threading.Event) -> None:
        """Go on with another stop, where the time for candidates was up."""
        if self._stop.is_set() and not stop.is_set():
            self._close()
            self._open(stop)

    def ask(self, candidate: Network, imported: str) -> Answer | None:
        """Whether a network fails as the case did; None where it was stopped before it was known."""
        try:
            code = code_of(candidate, imported)
        except NotExpressibleError:
            return Answer.NO
        if code in self._answers:
            return self._answers[code]
        try:
            outcome = self._run(self.model(code), self._settings)
        except Interrupted:
            return None
        self._answers[code] = self._answer(outcome)
        self._progress.say(self._what, f"{self.trials} trials, now {candidate.count_layers()} layers")
        return self._answers[code]

    def may_go_by_issue(self) -> bool:
        """From now on take the same known issue for the same failure; False where the failure is none."""
        self._answers.clear()
        self.by_issue = self._case.result.issue is not None
        return self.by_issue

    def fails(self, code: str) -> bool:
        """Whether code fails as the case did. Raises Interrupted."""
        return self._answer(self._run(self.model(code), self._settings)) is Answer.YES

    def _answer(self, outcome: Outcome) -> Answer:
        found = diagnose(outcome, self._settings.until)
        self.seen = f"{found.verdict} at {outcome.stage}: {found.message[:500]}".rstrip(": ")
        if outcome.machinery is not None or outcome.limited:
            return Answer.UNKNOWN
        verdict, stage, signature = self._wanted
        same = found.signature == signature or (self.by_issue and found.issues[:1] == (self._case.result.issue,))
        return Answer.YES if same and (found.verdict, outcome.stage) == (verdict, stage) else Answer.NO

    def model(self, code: str) -> Model:
        """The model that code builds, in a file of its own: Python tells files apart by name and second."""
        self.trials += 1
        path = self._scratch / f"model-{self.trials}" / "reduced.py"
        write_whole(path, code, lasting=False)
        search = (str(path.parent), *self._case.model.search)
        ref = f"reduced.py:{_FUNCTION}"
        return Model(ref, "reduced", Kind.BUILDER, str(path), "", "reduced", _FUNCTION, search, ref)

    def describe(self, model: Model) -> dict[str, Any]:
        """A model's configuration and what its classes require. Raises RequestError where it has none, Interrupted."""
        kind = {"kind": str(model.kind), "path": model.path, "module": model.module, "function": model.function}
        job = {"model": {**kind, "search": list(model.search)}, "route": {"format": "layers"}, "inputs_file": None}
        job["trusted"] = self._settings.permissions.trusts(model.ref)
        describing = self.model(_DESCRIBING.format(job=job, path=_DESCRIPTION))
        self.trials -= 1
        with self._case_folder() as folder:
            outcome = self._convert(describing, folder, replaced(self._settings, until=Stage.BUILD, web=None))
            if outcome.machinery is not None:
                raise MachineryError(outcome.machinery)
            content = read_child_file(folder / _DESCRIPTION, _MOST_DESCRIPTION)
        try:
            return _DESCRIPTIONS.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            reason = outcome.failure.message if outcome.failure is not None else "what it says cannot be read"
            raise RequestError(f"model '{model.ref}': it has no configuration to reduce: {reason}") from None

    def _run(self, model: Model, settings: Settings) -> Outcome:
        with self._case_folder() as folder:
            return self._convert(model, folder, settings)

    @contextlib.contextmanager
    def _case_folder(self) -> Iterator[Path]:
        """The folder that the next case may write to, until the block ends."""
        folder = self._scratch / f"case-{self.trials}"
        try:
            yield folder
        finally:
            remove_tree(folder)

    def _convert(self, model: Model, folder: Path, settings: Settings) -> Outcome:
        case = Case(self._case.result.combination, model, self._case.route)
        return finish_case(case, folder, convert_case(case, self._session, folder, settings), settings)
