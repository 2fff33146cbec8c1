"""The sentences that a reader looks for first: is the run whole, did the machinery hold, what changed. Pure."""

from __future__ import annotations

from typing import Literal, NamedTuple

from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import change_words, words
from tfjs_compat.report.background import Background
from tfjs_compat.report.words import count
from tfjs_compat.results.case_result import Results
from tfjs_compat.results.comparison import Kind

Mood = Literal["good", "bad", "error", "part"]


class Sentence(NamedTuple):
    """One sentence and what it means for the reader."""

    mood: Mood
    text: str


def headline(results: Results, background: Background) -> tuple[Mood, str]:
    """The sentences as one text, with the gravest mood of them."""
    found = sentences(results, background)
    moods = {sentence.mood for sentence in found}
    order: tuple[Mood, ...] = ("error", "bad", "part", "good")
    return next(mood for mood in order if mood in moods), " ".join(sentence.text for sentence in found)


def sentences(results: Results, background: Background) -> list[Sentence]:
    """What is to be said of a run, in this order: that it is a part, that the machinery failed, what changed."""
    cases, part = results.cases, words.incomplete(results)
    errors = [case for case in cases if case.verdict is Verdict.ERROR]
    found = [Sentence("part", part)] if part else []
    if not cases and not part:
        found.append(Sentence("part", "No case finished."))
    if errors:
        message = words.short(errors[0].message, 200)
        times = f"{len(errors)} of {count(len(cases), 'case')}"
        found.append(Sentence("error", f"The machinery failed for {times}: {message}"))
    if background.comparison is not None:
        return [*found, *_against_baseline(results, background)]
    if surprises := len(background.failures(results)):
        found.append(Sentence("bad", f"{surprises} of {count(len(cases), 'case')} did not end as expected."))
    elif cases and not errors and not part:
        stop = "" if results.until is Stage.PREDICT else f" (until {results.until})"
        found.append(Sentence("good", f"All as expected{stop}."))
    return found


def _against_baseline(results: Results, background: Background) -> list[Sentence]:
    comparison = background.comparison
    assert comparison is not None
    failing = background.failures(results)
    found = [Sentence("bad" if failing else "good", change_words.sentence(comparison))]
    new = {change.case for change in comparison.changes if change.before is None} & failing
    if new and Kind.NEW not in background.fail_on:
        found.append(Sentence("bad", f"{count(len(new), 'case')} that the baseline lacks did not end as expected."))
    return found
