"""How cases ended, as far as a search compares it: alike or not, and whether any version could change it. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from tfjs_compat.diagnosis.applying import fits
from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.diagnosis.signatures import normalise
from tfjs_compat.outcomes.reference import NoProof
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.results.case_result import CaseResult

_NUMBER = re.compile(r"-?\d[\d.]*(?:e[+-]?\d+)?")


def endings(result: CaseResult) -> frozenset[str]:
    """What a case that does not work ended with: two cases of one model with something in common ended alike, whatever
    the wording of their versions.

    Each known issue, with what its message names where several causes share it; else the cause in its own words.
    """
    if result.verdict is not Verdict.FAILS or not result.issues:
        return frozenset({cause_of(result)})
    return frozenset(name for issue in result.issues for name in _names(issue, result))


def _names(issue: str, result: CaseResult) -> Iterator[str]:
    entry = catalogue().get(issue)
    if entry is not None and entry.subject:
        found = re.findall(entry.subject, result.message)
        yield from (f"{issue}: {subject}" for subject in found or [cause_of(result)])
    else:
        yield issue


def cause_of(result: CaseResult) -> str:
    """The cause of a failure in its own words, its signature; for predictions how they differ, without by how much."""
    return result.signature or f"{result.issue or ''}: {_NUMBER.sub('<n>', normalise(result.message))}"


def with_what_stays_first(result: CaseResult) -> CaseResult:
    """The result with what no repair of its artifact cures in front, that finding as the message, and what may help it.

    A look at an artifact names first what TensorFlow.js trips over first, and most of that is repaired.
    """
    stays = next((issue for issue in result.issues if issue in result.unrepairable), None)
    if stays is None or stays == result.issue:
        return result
    found = next((finding for finding in result.findings if finding.id == stays), None)
    message = f"{found.path}: {found.message}" if found is not None else result.message
    known, base = catalogue().get(stays), result.route.partition("+")[0]
    remedies = [
        remedy.title
        for remedy in (known.remedies if known is not None else ())
        if fits(remedy, result, message, result.resolved) and remedy.route != base
    ]
    return msgspec.structs.replace(
        result,
        issue=stays,
        issues=(stays, *(issue for issue in result.issues if issue != stays)),
        message=message,
        remedies=tuple(remedies),
    )


def keras_generation(result: CaseResult) -> str | None:
    """``2`` or ``3``: the generation of the Keras that was in use; None where there was none."""
    return result.keras_in_use.partition(".")[0] if result.keras_in_use else None


def proves_nothing(result: CaseResult) -> bool:
    """Whether the Python model's own predictions prove nothing, whatever a conversion makes of them.

    Where a case failed, it says so only if the model could be run.
    """
    no_proof = result.reference.no_proof if result.reference is not None else None
    if no_proof is None or result.verdict is Verdict.WORKS:
        return False
    return result.verdict is Verdict.CONVERTS or no_proof is not NoProof.NO_REFERENCE


def decisive(results: Sequence[CaseResult], *, one_generation: bool = False) -> CaseResult | None:
    """The first of these failures of one model on one format of which it is certain that no version cures it; or None.

    The Python model's predictions prove nothing, its issue is in the model itself, or only another Keras might cure it
    and both generations (or none, where the model is no Keras model) ended alike; ``one_generation``: there is no other
    for this model. An issue that a remedy cured is none of these: it would not show in what got as far or further.
    """
    if unproven := [result for result in results if proves_nothing(result)]:
        return next((result for result in unproven if result.verdict is Verdict.CONVERTS), unproven[0])
    generations: dict[str, set[str | None]] = {}
    for result in results:
        for issue in (catalogue()[issue] for issue in result.issues if issue in catalogue()):
            as_far = [other for other in results if other.stage.rank >= result.stage.rank]
            if issue.independent_of == "versions" and all(issue.id in other.issues for other in as_far):
                # One that says it first: behind other issues the message is theirs.
                return next((other for other in as_far if other.issue == issue.id), result)
            if issue.independent_of == "tensorflow":
                for name in _names(issue.id, result):
                    seen = generations.setdefault(name, set())
                    seen.add(keras_generation(result))
                    if None in seen or len(seen) > 1 or one_generation:
                        return result
    return None
