"""Find versions, remedies and a route with which a model works: wish → the best verified way, or why there is none."""

from __future__ import annotations

import difflib
import math
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec
from packaging.requirements import InvalidRequirement, Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from tfjs_compat.cases import TODAY, Case, asked_versions
from tfjs_compat.errors import Interrupted, MachineryError, RequestError, nearest
from tfjs_compat.expand import LeftOut
from tfjs_compat.index import Release, fetch_releases
from tfjs_compat.interpreters import AUTO, Interpreter, find_interpreters
from tfjs_compat.matrix import Axes, Matrix, Requirements, checked, process_variables
from tfjs_compat.outcomes import Stage
from tfjs_compat.plan import expand_live, gather
from tfjs_compat.progress import Progress, Silent
from tfjs_compat.results import CaseResult, Step
from tfjs_compat.routes import ROUTES, find_route
from tfjs_compat.search.baseline import Baseline, read_baseline
from tfjs_compat.search.best_first import best_first
from tfjs_compat.search.changes import Trial, World, admits, grown, other_patches
from tfjs_compat.search.laboratory import Answer, Laboratory
from tfjs_compat.search.preference import Prefer, ranking
from tfjs_compat.search.recipe import Recipe, write_recipe
from tfjs_compat.session import Request, owned, settings_of, threads
from tfjs_compat.store import remove_tree, write_whole

DEFAULT_TENSORFLOW = ">=2.13"
DEFAULT_TENSORFLOWJS = ("newest", "4.17.0")
"""The newest converter, and the last one that takes tf.keras as it is (from 4.18.0 it takes tf_keras [S])."""
DEFAULT_ROUTES = ("layers", "graph")
_MOST_STEPS = 8
_AT_ONCE = 4
_INTERRUPTED = "when it was interrupted"


@dataclass(frozen=True)
class Wish:
    """What to look for, and within which limits.

    ``require``: requirements such as ``tensorflow>=2.19``; ``wanted``: packages that must be there (and be real);
    ``source``: a requirements file, a uv.lock or ``active``: what the user has; ``repair``: whether artifacts may be
    repaired. ``until`` is the stage that has to be reached; ``how`` says how cases run.
    """

    model: str
    require: tuple[str, ...] = ()
    python: tuple[str, ...] = ()
    routes: tuple[str, ...] = ()
    wanted: tuple[str, ...] = ()
    as_of: str = TODAY
    source: str | None = None
    prefer: Prefer = "newest"
    repair: bool = True
    exhaustive: bool = False
    max_trials: int | None = None
    seconds: float | None = None
    until: Stage = Stage.PREDICT
    how: Request = field(default_factory=Request)


class Tried(msgspec.Struct, frozen=True):
    """A case that was looked at: the remedies that led to it, and what it came to; ``tried``: it was run."""

    steps: tuple[Step, ...]
    case: CaseResult
    tried: bool


class Found(msgspec.Struct, frozen=True):
    """What a search came to.

    ``recipe``, ``case`` and ``steps`` are those of the best case that works. ``trials`` were run (``kept`` of them by
    an earlier run), ``hopeless`` were not: no lock, or a lock whose versions tell the end. ``ended``: why the search
    stopped before its end, else None. ``limits`` says what it ranged over, ``left_out`` what it did not look at.
    """

    found: bool
    recipe: Recipe | None
    case: CaseResult | None
    steps: tuple[Step, ...]
    trials: int
    kept: int
    hopeless: int
    seconds: float
    limits: str
    ended: str | None
    left_out: tuple[LeftOut, ...]
    tried: tuple[Tried, ...]

    @property
    def interrupted(self) -> bool:
        """Whether the user ended it."""
        return self.ended == _INTERRUPTED

    def failures(self) -> list[CaseResult]:
        """The results of what does not work, in the order in which they were found."""
        return [one.case for one in self.tried if one.case.id != (self.case.id if self.case else None)]


class _Halt(threading.Event):
    """Set when the user's event is, and when the time is up: then also what is being built or run has to end."""

    def __init__(self, asked: threading.Event, ends: float) -> None:
        super().__init__()
        self._asked, self._ends = asked, ends

    @property
    def late(self) -> bool:
        """Whether the time is up, and nobody asked to stop."""
        return time.monotonic() > self._ends and not self._asked.is_set()

    def is_set(self) -> bool:
        """Whether to stop, for either reason."""
        return super().is_set() or self._asked.is_set() or time.monotonic() > self._ends


class Ground(NamedTuple):
    """What a search stands on: where it starts, and what may be changed."""

    roots: tuple[Case, ...]
    world: World
    baseline: Baseline
    left_out: tuple[LeftOut, ...]
    limits: str


def find(wish: Wish, progress: Progress | None = None, stop: threading.Event | None = None) -> Found:
    """Search until the best case that works is known, or nothing is left. Writes OUTPUT/recipe/.

    Raises RequestError, and MachineryError where the machine kept it from an answer. When ``stop`` is set, or at the
    wish's own limits, the best answer so far is given.
    """
    told, halt, started = progress or Silent(), stop or threading.Event(), time.monotonic()
    how, output = wish.how, wish.how.output.absolute()
    if how.inputs is not None and not how.inputs.is_file():
        raise RequestError(f"--inputs: there is no file {how.inputs}")
    with owned(output), threads(how) as (executor, jobs):
        found = find_interpreters(how.store)
        packages = ("tensorflow", "tensorflowjs")
        fetched = gather(executor, lambda name: fetch_releases(str(name), how.store), packages, halt)
        ground = survey(
            wish, dict(zip(packages, fetched, strict=True)), found, lambda m: _expanded(m, wish, found, halt)
        )
        limited = _Halt(halt, started + wish.seconds if wish.seconds is not None else math.inf)
        laboratory = Laboratory(
            settings_of(how, wish.until, Matrix().limits, jobs, told, limited),
            output,
            executor,
            jobs,
            found,
            prune=not wish.exhaustive,
            preferences=ground.baseline.pins() if wish.prefer == "nearest" else (),
        )
        best, tried, ended = _search(wish, ground, laboratory, limited, _at_once(wish, jobs))
    if best is None and laboratory.faults:
        raise MachineryError(laboratory.faults[0])
    recipe = _recipe(*best) if best is not None else None
    if recipe is not None or not halt.is_set():
        # That of an earlier search would look like the answer of this one.
        remove_tree(output / "recipe")
    if recipe is not None:
        for name, content in recipe.files.items():
            write_whole(output / "recipe" / name, content)
    return Found(
        found=best is not None,
        recipe=recipe,
        case=best[1].result if best is not None else None,
        steps=best[0].steps if best is not None else (),
        trials=laboratory.trials,
        kept=laboratory.kept,
        hopeless=laboratory.hopeless,
        seconds=round(time.monotonic() - started, 3),
        limits=ground.limits,
        ended=ended,
        left_out=ground.left_out,
        tried=tuple(tried),
    )


def _at_once(wish: Wish, jobs: int) -> int:
    """How many cases are asked about together. One after the other where they are counted: which ones are run must not
    depend on the number of jobs."""
    return min(jobs, _AT_ONCE) if wish.max_trials is None else 1


def _search(
    wish: Wish, ground: Ground, laboratory: Laboratory, halt: _Halt, at_once: int
) -> tuple[tuple[Trial, Answer] | None, list[Tried], str | None]:
    """Drive the pure search with the laboratory: the best trial, all that was tried, and why it ended early."""
    late = f"after {wish.seconds or 0:g} s (--time)"

    def grow(trial: Trial, answer: Answer) -> list[Trial]:
        signature = answer.result.signature
        if len(trial.steps) >= _MOST_STEPS or (not wish.exhaustive and trial.changed_nothing(signature)):
            return []
        resolved = answer.lock.packages if answer.lock is not None else asked_versions(trial.case)
        found = list(grown(trial, answer.result, resolved, ground.world))
        if answer.result.stage is Stage.RESOLVE:
            found += other_patches(trial, answer.result.issue or "", ground.world)
        return [msgspec.structs.replace(one, after=signature) for one in found]

    rank = ranking(wish.prefer, ground.baseline.versions)
    roots = [Trial(case) for case in ground.roots]
    core = best_first(
        roots, rank=rank, grow=grow, works=lambda answer: answer.works, at_once=at_once, exhaustive=wish.exhaustive
    )
    best: tuple[Trial, Answer] | None = None
    tried: list[Tried] = []
    batch: tuple[Trial, ...] = ()

    def note(asked: Sequence[Trial]) -> None:
        nonlocal best
        for trial in asked:
            if (answer := laboratory.heard.get(trial.case.id)) is not None:
                tried.append(Tried(trial.steps, answer.result, answer.tried))
                if answer.works and (best is None or rank(trial) < rank(best[0])):
                    best = (trial, answer)

    try:
        batch = next(core)
        while True:
            if wish.max_trials is not None and laboratory.trials >= wish.max_trials:
                return best, tried, f"after {laboratory.trials} trial{'s' * (laboratory.trials > 1)} (--max-trials)"
            if halt.late:
                return best, tried, late
            answers = laboratory.ask([trial.case for trial in batch])
            note(batch)
            batch = core.send(answers)
    except StopIteration as end:
        return end.value, tried, None
    except (Interrupted, KeyboardInterrupt):
        # What of the batch had ended is an answer too.
        note(batch)
        return best, tried, late if halt.late else _INTERRUPTED


def _recipe(trial: Trial, answer: Answer) -> Recipe | None:
    if answer.lock is None:
        return None
    variables = process_variables(trial.case.combination.process_env, {})
    return write_recipe(trial.case, answer.lock, variables, answer.result.keras_in_use)


def survey(
    wish: Wish,
    releases: Mapping[str, Sequence[Release]],
    found: Sequence[Interpreter],
    expand: Callable[[Matrix], tuple[tuple[Case, ...], tuple[LeftOut, ...]]],
) -> Ground:
    """Where a search starts and what it may change, out of a wish. Raises RequestError."""
    baseline = read_baseline(wish.source) if wish.source is not None else Baseline()
    asked = [_requirement(line) for line in wish.require]
    wanted = frozenset(_package(line) for line in wish.wanted)
    ranges = {name: [str(one.specifier) for one in asked if canonicalize_name(one.name) == name] for name in releases}
    tensorflow = _joined(ranges["tensorflow"]) or DEFAULT_TENSORFLOW
    tensorflowjs = [_joined(ranges["tensorflowjs"])] if ranges["tensorflowjs"] else list(DEFAULT_TENSORFLOWJS)
    others = [one for one in asked if canonicalize_name(one.name) not in releases]
    for one in others:
        known = ("tensorflow", "tensorflowjs", "keras", "tf-keras", "tensorflow-decision-forests")
        if one.name not in known and difflib.get_close_matches(canonicalize_name(one.name), known, n=1, cutoff=0.86):
            raise RequestError(f"--require: there is no package '{one.name}'; {nearest(one.name, known)}")
    keras = _joined([str(one.specifier) for one in others if canonicalize_name(one.name) == "keras"])
    own = {
        name: version
        for name, version in baseline.versions.items()
        if name in releases and admits(_joined(ranges[name]), version) and _known(version, releases[name])
    }
    axes = Axes(
        tensorflow=list(dict.fromkeys([tensorflow, *filter(None, [own.get("tensorflow")])])),
        tensorflowjs=list(dict.fromkeys([*tensorflowjs, *filter(None, [own.get("tensorflowjs")])])),
        python=list(wish.python) or [AUTO],
        as_of=[wish.as_of],
    )
    extra = [*wish.wanted, *baseline.requirements]
    extra += [str(one) for one in others if canonicalize_name(one.name) == "keras"]
    constraints = [str(one) for one in others if canonicalize_name(one.name) != "keras"]
    routes = [find_route(name).name for name in wish.routes] or list(DEFAULT_ROUTES)
    matrix = Matrix(
        name="find",
        models=[wish.model],
        routes=routes,
        until=wish.until,
        axes=axes,
        requirements=Requirements(extra=extra, constraints=constraints, source_builds=wish.how.source_builds),
    )
    cases, left_out = expand(checked(matrix, "command line"))
    roots, without = _with_wheels(cases, releases["tensorflow"])
    if not roots:
        why = "; ".join(dict.fromkeys(f"{one.what}: {one.why}" for one in (*left_out, *without)))
        raise RequestError(f"nothing to look at: {why}")
    world = World.of_index(
        releases,
        found,
        limits={name: _joined(given) for name, given in ranges.items()},
        as_of=wish.as_of,
        pythons=wish.python,
        wanted=wanted,
        keras=keras,
        routes=frozenset(find_route(name).base for name in wish.routes),
        repair=wish.repair,
        # Every version that may be taken is a root of its own, or another patch of one.
        versions=False,
        patches=_patches(roots, releases["tensorflow"], _joined(ranges["tensorflow"]), wish.as_of),
    )
    return Ground(roots, world, baseline, (*left_out, *without), _limits(roots, wish, keras))


def _expanded(
    matrix: Matrix, wish: Wish, found: Sequence[Interpreter], stop: threading.Event
) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
    with threads(wish.how) as (executor, _):
        bases = {wish.model: Path.cwd()}
        expansion = expand_live(matrix, bases, found, wish.how.store, executor, (), stop)
        return expansion.cases, expansion.left_out


def _requirement(line: str) -> Requirement:
    try:
        asked = Requirement(line)
    except InvalidRequirement as error:
        told = str(error).splitlines()[0]
        raise RequestError(f"--require: '{line}' is no requirement such as 'tensorflow>=2.19': {told}") from None
    # A limit is a range of releases. What else a line says would be lost, and the answer would not be what was asked.
    extra = "extras" if asked.extras else "a URL" if asked.url else "a marker" if asked.marker else None
    if extra is not None:
        raise RequestError(
            f"--require: '{asked.name}' is given with {extra}, which is no limit; give a range of releases"
        )
    return asked


def _package(line: str) -> str:
    """The name of a package that has to be there. Raises RequestError for one that no index has."""
    try:
        asked = Requirement(line)
    except InvalidRequirement as error:
        told = str(error).splitlines()[0]
        raise RequestError(f"--with: '{line}' is no requirement such as 'pillow': {told}") from None
    if asked.url:
        raise RequestError(f"--with: '{asked.name}' is given with a URL; only packages of the index can be looked at")
    return canonicalize_name(asked.name)


def _joined(specifiers: Sequence[str]) -> str:
    return ",".join(filter(None, specifiers))


def _known(version: str, releases: Sequence[Release]) -> bool:
    return any(Version(one.version) == Version(version) for one in releases)


def _with_wheels(cases: Sequence[Case], releases: Sequence[Release]) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
    """The cases whose TensorFlow has a wheel for their Python, and the others."""
    tags = {one.version: one.python_tags for one in releases}
    kept: list[Case] = []
    left_out: dict[LeftOut, None] = {}
    for case in cases:
        asked = case.combination
        minor = "".join(asked.python.split(".")[:2])
        if tags.get(asked.tensorflow) and f"cp{minor}" not in tags[asked.tensorflow]:
            left_out[LeftOut(f"TensorFlow {asked.tensorflow}", f"it has no wheel for Python {asked.python}")] = None
        else:
            kept.append(case)
    return tuple(kept), tuple(left_out)


def _patches(roots: Sequence[Case], releases: Sequence[Release], limits: str, as_of: str) -> dict[str, tuple[str, ...]]:
    """For each TensorFlow of the roots the other patches of its minor version, newest first."""
    there = [
        Version(one.version)
        for one in releases
        if not one.yanked and (as_of == TODAY or one.uploaded is None or one.uploaded <= as_of)
    ]
    usable = sorted((one for one in there if not one.is_prerelease and admits(limits, str(one))), reverse=True)
    asked = {one.combination.tensorflow for one in roots}
    return {
        name: tuple(
            str(one) for one in usable if one.release[:2] == Version(name).release[:2] and str(one) not in asked
        )
        for name in asked
    }


def _limits(roots: Sequence[Case], wish: Wish, keras: str) -> str:
    """What is searched, in a sentence."""
    tensorflow = sorted({one.combination.tensorflow for one in roots}, key=Version)
    tensorflowjs = sorted({one.combination.tensorflowjs for one in roots}, key=Version)
    parts = [
        "TensorFlow " + ", ".join(tensorflow),
        "tensorflowjs " + ", ".join(tensorflowjs),
        "Python " + ", ".join(sorted({one.combination.python for one in roots}, key=Version)),
        "routes "
        + ", ".join(sorted({one.route for one in roots}, key=lambda name: list(ROUTES).index(name.split("+")[0]))),
    ]
    parts += [f"Keras {keras}"] if keras else []
    parts += [f"as of {wish.as_of}"] if wish.as_of != TODAY else []
    return "; ".join(parts)
