"""OUTPUT/runs: earlier runs by date, compressed, of which the newest are kept; and how each case ended in them."""

from __future__ import annotations

import contextlib
import gzip
import itertools
import re
import statistics
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from tfjs_compat.errors import RequestError
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.files import LARGEST, read_results
from tfjs_compat.system.decoding import Reader
from tfjs_compat.system.files import read_packed, write_whole

RUNS = "runs"
KEPT_RUNS = 30
_SUFFIX = ".json.gz"


class PastEnd(msgspec.Struct, frozen=True):
    """How a case ended in one run that ``started`` at an ISO time: its ``seconds`` are those of all stages together."""

    started: str
    verdict: Verdict
    stage: Stage
    cause: str
    seconds: float
    flaky: bool = False

    @property
    def end(self) -> tuple[Verdict, Stage, str]:
        """What makes two ends different. A case that works has no cause."""
        return self.verdict, self.stage, self.cause


class CaseHistory(msgspec.Struct, frozen=True):
    """A case over the kept runs, oldest first. Ends that the machinery decided count neither as changes nor as seconds.

    ``changed`` is the time of the run in which it last ended unlike before, None where it never did; ``changes`` how
    often it did, ``flaky`` in how many runs it was; ``seconds`` the median of what it took.
    """

    case: str
    ends: tuple[PastEnd, ...]
    changed: str | None
    changes: int
    flaky: int
    seconds: float | None


class _Attempt(msgspec.Struct, frozen=True):
    verdict: Verdict
    stage: Stage
    issue: str | None = None
    signature: str | None = None


class _Case(_Attempt, frozen=True):
    id: str = ""
    seconds: dict[str, float] = {}
    attempts: tuple[_Attempt, ...] = ()


class _Run(msgspec.Struct, frozen=True):
    """As much of a results.json as a history needs: the rest is skipped, which is ten times as fast."""

    started: str
    cases: tuple[_Case, ...]


_RUNS = Reader[_Run](_Run)
_UNREADABLE = (OSError, EOFError, zlib.error, msgspec.DecodeError, UnicodeDecodeError, RecursionError)


def keep_run(results: Results, output: Path, keep: int = KEPT_RUNS) -> None:
    """Keep a run in OUTPUT/runs, and remove the oldest beyond ``keep``; 0 keeps none. Raises MachineryError."""
    if keep > 0 and results.cases:
        content = gzip.compress(msgspec.json.encode(results), compresslevel=5, mtime=0)
        write_whole(_free(output / RUNS, _file_name(results.started)), content, lasting=False)
    for path in kept_runs(output)[: -keep or None]:
        with contextlib.suppress(OSError):
            path.unlink()


def _free(folder: Path, name: str) -> Path:
    """A file for a run; two that started within a second stand in their order (``_`` sorts behind the suffix's dot)."""
    taken = len([*folder.glob(f"{name}{_SUFFIX}"), *folder.glob(f"{name}_*{_SUFFIX}")])
    return folder / f"{name}{f'_{taken + 1}' if taken else ''}{_SUFFIX}"


def _file_name(started: str) -> str:
    """A run's time fit for a file name.

    >>> _file_name("2026-11-23T03:00:00+00:00")
    '2026-11-23T030000Z'
    """
    return re.sub(r"[^0-9A-Za-z.-]", "", started.replace("+00:00", "Z").replace(":", "")).lstrip(".-")[:40] or "run"


def kept_runs(output: Path) -> list[Path]:
    """The files of the kept runs, oldest first."""
    return sorted((output / RUNS).glob(f"[!.]*{_SUFFIX}"))


def last_complete_run(output: Path) -> Results | None:
    """The newest kept run that came to its end; what cannot be read is none."""
    for path in reversed(kept_runs(output)):
        with contextlib.suppress(RequestError):
            if (found := read_results(path)).complete:
                return found
    return None


def with_last_answers(results: Results, output: Path) -> Results:
    """The same results, with the last answer that the kept runs have for each case that the machinery failed for."""
    asked = {case.id for case in results.cases if case.verdict is Verdict.ERROR}
    found: dict[str, CaseResult] = {}
    locks: dict[str, dict[str, str]] = {}
    for path in reversed(kept_runs(output)):
        if not asked - found.keys():
            break
        with contextlib.suppress(RequestError):
            earlier = read_results(path)
            answers = {case.id: case for case in earlier.cases if case.verdict is not Verdict.ERROR}
            found = {name: answers[name] for name in asked & answers.keys()} | found
            locks = earlier.locks | locks
    cases = tuple(found.get(case.id, case) for case in results.cases)
    return msgspec.structs.replace(results, cases=cases, locks=locks | results.locks)


def read_history(output: Path, most: int = KEPT_RUNS) -> dict[str, CaseHistory]:
    """Every case of the newest ``most`` kept runs, by its id; runs that cannot be read are left out."""
    ends: dict[str, list[PastEnd]] = {}
    for path in kept_runs(output)[-most:]:
        with contextlib.suppress(*_UNREADABLE):
            run = _RUNS.decode(read_packed(path, LARGEST))
            for case in run.cases:
                ends.setdefault(case.id, []).append(_past_end(case, run.started))
    return {name: _history(name, past) for name, past in ends.items()}


def _past_end(case: _Case, started: str) -> PastEnd:
    cause = "" if case.verdict is Verdict.WORKS else case.issue or case.signature or ""
    known = {(end.verdict, end.stage, end.issue or end.signature) for end in case.attempts}
    flaky = len([end for end in known if end[0] is not Verdict.ERROR]) > 1
    return PastEnd(started, case.verdict, case.stage, cause, round(sum(case.seconds.values()), 3), flaky)


def _history(name: str, past: Sequence[PastEnd]) -> CaseHistory:
    known = [end for end in past if end.verdict is not Verdict.ERROR]
    turns = [later for earlier, later in itertools.pairwise(known) if later.end != earlier.end]
    return CaseHistory(
        case=name,
        ends=tuple(past),
        changed=turns[-1].started if turns else None,
        changes=len(turns),
        flaky=sum(end.flaky for end in past),
        seconds=statistics.median(end.seconds for end in known) if known else None,
    )


def by_last_change(histories: Mapping[str, CaseHistory]) -> list[CaseHistory]:
    """The cases that changed last first, then the flaky ones, then the rest in their order."""
    return sorted(histories.values(), key=lambda history: (history.changed or "", history.flaky), reverse=True)
