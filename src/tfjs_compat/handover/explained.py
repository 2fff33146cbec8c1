"""An explanation as the text of a bug report: a paragraph for a terminal, Markdown for an issue. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.matrix.axes import RESOLVED
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report.markdown_text import code
from tfjs_compat.report.numbers import clock
from tfjs_compat.report.words import count, plain, short
from tfjs_compat.results.case_result import CaseResult
from tfjs_compat.search.answer import Answer
from tfjs_compat.search.culprit.account import caps
from tfjs_compat.search.culprit.changes import Change
from tfjs_compat.search.culprit.explanation import Culprit, Explanation
from tfjs_compat.search.culprit.releases import package_of
from tfjs_compat.search.oracle import answer_of

_MOST_MESSAGE = 240
_SHOWN = 12


def explanation_text(found: Explanation) -> str:
    """The answer in plain sentences, a line each for what it is, why, what helps, and how far it is proven."""
    if not found.reproduced or not found.culprits:
        return plain(f"{_nothing(found)} {_effort(found)}")
    lines = [f"{' with '.join(map(culprit_text, found.culprits))}: {_what_happens(found)}"]
    if found.chain:
        lines[0] += f" Chain: {' → '.join(found.chain)}."
    lines[0] += f" {_claim(found)} {_effort(found)}"
    lines += [_unsure(found), _since(found), _why_chosen(found), _also(found), _remedy(found)]
    lines += [f"{name}: {url}" for name, url in found.links.items()]
    return plain("\n".join(filter(None, lines)))


def culprit_text(culprit: Culprit) -> str:
    """``setuptools 81.0.0 → 82.0.0 (released 2026-02-08)``."""
    shown = str(Change(culprit.kind, culprit.name, culprit.good, culprit.bad))
    return shown + (f" (released {culprit.released})" if culprit.released else "")


def _nothing(found: Explanation) -> str:
    if not found.reproduced:
        return f"Could not reproduce: {found.reason}."
    ended = f" The search ended {found.ended}." if found.ended else ""
    return f"No culprit was found among {count(len(found.changes), 'change')}.{ended} {found.reason}".rstrip()


def _what_happens(found: Explanation) -> str:
    bad = found.bad
    assert bad is not None
    what = _FAILS.get(bad.stage, f"{bad.stage} fails")
    if bad.verdict is Verdict.MISMATCH:
        what = "the predictions differ"
    elif bad.stage is Stage.IMPORT and found.chain:
        what = f"import of {found.chain[0]} fails"
    text = f"{what}{': ' if bad.stage is Stage.CHECK else ' with '}`{_message(bad)}`."
    if found.good is not None and answer_of(found.good) is not Answer.YES:
        text += f" The good end does not work either: it fails at {found.good.stage} with `{_message(found.good)}`."
    return text


_FAILS = {
    Stage.RESOLVE: "no lock can be resolved",
    Stage.INSTALL: "the packages cannot be installed",
    Stage.IMPORT: "import of tensorflow and tensorflowjs fails",
    Stage.BUILD: "building the model fails",
    Stage.SERIALIZE: "saving the model fails",
    Stage.CONVERT: "the conversion fails",
    Stage.CHECK: "the converted model cannot be loaded in TensorFlow.js",
    Stage.LOAD: "loading in TensorFlow.js fails",
    Stage.PREDICT: "predicting in TensorFlow.js fails",
}


def _message(result: CaseResult) -> str:
    return short((result.message or result.signature or str(result.verdict)).replace("`", "'"), _MOST_MESSAGE)


def _claim(found: Explanation) -> str:
    """How far the answer is proven, no more than it is."""
    parts = [("1-minimal over " if found.minimal else "Of ") + count(len(found.changes), "change")]
    between = sum(culprit.between for culprit in found.culprits)
    if between:
        parts.append(f"{count(between, 'release')} between the two could not be tested")
    elsewhere = found.unknown - between
    if elsewhere > 0:
        parts.append(f"{count(elsewhere, 'other candidate')} could not be decided")
    if found.exact:
        parts.append("decided by a mixture of packages that no resolver gives")
    if found.flaky:
        parts.append(f"the trials are flaky, so that they were repeated: confidence {found.confidence:.0%}")
    if found.ended:
        parts.append(f"the search ended {found.ended}, so that it may be narrower")
    return "; ".join(parts) + "."


def _effort(found: Explanation) -> str:
    kept = f" ({found.kept} known from earlier runs)" if found.kept else ""
    return f"{count(found.trials, 'trial')}{kept}, {clock(found.seconds)}."


def _why_chosen(found: Explanation) -> str:
    """Why the resolver chose the bad version: who asks for it, and who caps it."""
    culprit = found.culprits[0]
    if culprit.kind != "package" or culprit.bad is None or "+" in culprit.name:
        return ""
    if (requested := _requested(culprit.name, found.bad)) is not None:
        return f"The case itself asks for {requested}."
    if not found.requirers and found.ended:
        return ""
    if not found.requirers:
        return f"No installed package requires {culprit.name}; it is requested directly."
    named = [f"{r.package} {r.version} ({r.range or 'any version'})" for r in found.requirers[:_SHOWN]]
    more = f" and {len(found.requirers) - _SHOWN} more" if len(found.requirers) > _SHOWN else ""
    capping = [r.package for r in found.requirers if caps(r)]
    cap = f"Capped by {', '.join(capping)}." if capping else "Nobody caps it, so the resolver takes the newest."
    return f"{culprit.name} is required by {', '.join(named)}{more}. {cap}"


def _requested(package: str, bad: CaseResult | None) -> str | None:
    """What the bad end's own request says of a package, None where it says nothing."""
    if bad is None:
        return None
    combination = bad.combination
    pinned = {
        "tensorflow": combination.tensorflow,
        "tensorflowjs": combination.tensorflowjs,
        "keras": combination.keras,
    }
    if pinned.get(package, RESOLVED) != RESOLVED:
        return f"{package} {pinned[package]}"
    lines = [line for line in (*combination.constraints, *combination.extra) if package_of(line) == package]
    return ", ".join(lines) or None


def _unsure(found: Explanation) -> str:
    if not found.unsure:
        return ""
    named = ", ".join(map(str, found.unsure[:_SHOWN]))
    return f"Made as well: {named}. Without it the case fails in yet another way, so that it is not known to be needed."


def _since(found: Explanation) -> str:
    if found.days is None:
        return ""
    moved = [str(change) for change in found.changes]
    more = f" and {len(moved) - _SHOWN} more" if len(moved) > _SHOWN else ""
    good, bad = found.days
    return (
        f"Good with the packages of {good}, bad with those of {bad}; between them: {', '.join(moved[:_SHOWN])}{more}."
    )


def _also(found: Explanation) -> str:
    if not found.also:
        return ""
    named = ", ".join(
        f"{change.name} {change.old or 'none'} → {change.new or 'none'}" for change in found.also[:_SHOWN]
    )
    return f"The last two locks also differ in {named}."


def _remedy(found: Explanation) -> str:
    remedy = found.remedy
    if remedy is None:
        return ""
    if remedy.works is None:
        return f"Remedy, not tested: {remedy.change}."
    tested = "tested: works" if remedy.works else f"tested, and not enough: {remedy.message}"
    return f"Remedy: {remedy.change} ({tested})."


def explanation_markdown(found: Explanation) -> str:
    """The answer as the text of an issue."""
    return "\n".join(_markdown(found)) + "\n"


def _markdown(found: Explanation) -> Iterator[str]:
    if not found.reproduced or not found.culprits:
        yield plain(_nothing(found))
        return
    title = " with ".join(map(culprit_text, found.culprits))
    yield f"### {plain(title)}"
    yield ""
    yield plain(_what_happens(found))
    yield ""
    if found.chain:
        yield f"* import chain: {' → '.join(code(name) for name in found.chain)}"
    for line in (_unsure(found), _since(found), _why_chosen(found), _also(found), _remedy(found)):
        if line:
            yield f"* {plain(line)}"
    for name, url in found.links.items():
        yield f"* {name}: <{url}>"
    entry = catalogue().get(found.issue or "")
    for url in entry.links if entry is not None else ():
        yield f"* known upstream: <{url}>"
    yield ""
    yield from _table(found)
    yield ""
    yield plain(f"{_claim(found)} {_effort(found)}")


def _table(found: Explanation) -> Iterator[str]:
    ends = (found.good, found.bad)
    yield (
        "| | works | fails |" if found.good is not None and answer_of(found.good) is Answer.YES else "| | good | bad |"
    )
    yield "|---|---|---|"
    names = list(dict.fromkeys(name for end in ends if end is not None for name in end.resolved))
    for name in names:
        values = [end.resolved.get(name, "none") if end is not None else "" for end in ends]
        yield f"| {name} | {values[0]} | {values[1]} |"
