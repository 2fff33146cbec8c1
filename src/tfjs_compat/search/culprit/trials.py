"""The trials of a culprit search: run by the engine, counted, none twice, those of an interrupted search taken over."""

from __future__ import annotations

import contextlib
import dataclasses
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from types import TracebackType

import msgspec

from tfjs_compat.engine.coordinator import run_trials
from tfjs_compat.engine.engine import Engine
from tfjs_compat.engine.plan import Planned
from tfjs_compat.environments.build import build
from tfjs_compat.environments.environment import Environment
from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.locks.lock import Lock
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult, trial_id

Run = Callable[[Sequence[Planned], bool], Sequence[CaseResult]]
"""Results of trials; some are missing where it was stopped. True: nothing that is kept is used."""


class Trials:
    """Runs trials for a search. ``earlier`` are the results of the same search, should it have been interrupted.

    ``count`` is how many trials answered, ``kept`` of them by an earlier run. Use as a context: what is prepared in the
    background ends with it.
    """

    def __init__(
        self,
        run: Run,
        earlier: Iterable[CaseResult] = (),
        *,
        prepare: Callable[[Planned], None] = lambda _: None,
        most: int | None = None,
    ) -> None:
        self._run, self._prepare, self._most = run, prepare, most
        self._known: dict[str, CaseResult] = {}
        self._earlier: dict[str, deque[CaseResult]] = defaultdict(deque)
        for result in earlier:
            if result.verdict is not Verdict.ERROR:
                self._earlier[result.trial].append(result)
        self._background = ThreadPoolExecutor(1, thread_name_prefix="tfjs-compat-prepare")
        self.count = self.kept = 0

    def __enter__(self) -> Trials:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._background.shutdown(wait=True, cancel_futures=True)

    @property
    def exhausted(self) -> bool:
        """Whether no more trials may be run."""
        return self._most is not None and self.count >= self._most

    def ask(self, planned: Sequence[Planned], *, again: bool = False) -> list[CaseResult | None]:
        """The result of each trial, in order; None where the search was stopped before it ended.

        A trial that was run is not run again, unless ``again``: then it is, afresh. One on which the machinery failed
        is run once more, for most faults of a network pass. Raises MachineryError where nothing can be run at all.
        """
        found = {name: self._known[name] for name in map(trial_of, planned) if not again and name in self._known}
        todo = {name: item for item in planned if (name := trial_of(item)) not in found}
        for name in list(todo):
            if self._earlier[name]:
                found[name] = self._took(self._earlier[name].popleft(), kept=True)
                del todo[name]
        for _ in range(2):
            if not todo or self.exhausted:
                break
            for result in self._run(list(todo.values()), again):
                found[result.trial] = self._took(result, kept=result.cached)
            todo = {name: item for name, item in todo.items() if name in found and found[name].verdict is Verdict.ERROR}
        return [found.get(trial_of(item)) for item in planned]

    def prepare(self, candidates: Iterable[Callable[[], Planned | None]]) -> None:
        """Resolve and build, in the background, what may be asked for next. Faults show when it is asked for."""
        self._background.submit(self._prepare_all, list(candidates))

    def _prepare_all(self, candidates: Sequence[Callable[[], Planned | None]]) -> None:
        for candidate in candidates:
            with contextlib.suppress(MachineryError, Interrupted, OSError):
                planned = candidate()
                if planned is not None and trial_of(planned) not in self._known:
                    self._prepare(planned)

    def _took(self, result: CaseResult, *, kept: bool) -> CaseResult:
        if result.verdict is not Verdict.ERROR:
            self.count += 1
            self.kept += kept
            self._known[result.trial] = result
        return result


def trial_of(planned: Planned) -> str:
    """The name of a planned trial, as its result has it."""
    return trial_id(planned.case.id, planned.lock.id if isinstance(planned.lock, Lock) else None)


def engine_trials(
    engine: Engine, ended: Callable[[CaseResult], None], earlier: Iterable[CaseResult] = (), most: int | None = None
) -> Trials:
    """Trials over an engine. ``ended`` is called with each result as it comes."""

    def run(planned: Sequence[Planned], again: bool) -> Sequence[CaseResult]:
        options = msgspec.structs.replace(engine.options, fresh=engine.options.fresh or again)
        results: list[CaseResult] = []
        for distinct in _by_case(planned):
            results += run_trials(distinct, dataclasses.replace(engine, options=options), ended).results.values()
        return results

    def prepare(planned: Planned) -> None:
        if isinstance(planned.lock, Lock):
            built(planned, engine)

    return Trials(run, () if engine.options.fresh else earlier, prepare=prepare, most=most)


def _by_case(planned: Sequence[Planned]) -> list[list[Planned]]:
    """Trials in rounds, none of which has a case twice: a run knows its results by their cases."""
    rounds: list[list[Planned]] = []
    seen: Counter[str] = Counter()
    for one in planned:
        if seen[one.case.id] == len(rounds):
            rounds.append([])
        rounds[seen[one.case.id]].append(one)
        seen[one.case.id] += 1
    return rounds


def built(planned: Planned, engine: Engine) -> Environment | None:
    """The environment of a trial, built if it is not there; None where it has no lock or cannot be installed.

    Raises MachineryError, Interrupted.
    """
    if not isinstance(planned.lock, Lock):
        return None
    made = build(planned.lock, planned.python, engine.context, layout=engine.options.layout)
    return made if isinstance(made, Environment) else None
