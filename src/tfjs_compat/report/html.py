"""Results → one HTML page that needs nothing beside itself: no script, no style sheet, no network. Pure.

Texts come from logs and models and are hostile: the template escapes everything, links lead to https pages of the
catalogue or to files under the output folder only, and the page's own policy forbids scripts.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from pathlib import PurePosixPath
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tfjs_compat.matrix.axes import DEFAULT, RESOLVED, Combination
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import words
from tfjs_compat.report.causes import Cause, causes
from tfjs_compat.report.pivot import pivot, spans
from tfjs_compat.results.case_result import CaseResult, Results

SYMBOLS: Mapping[Verdict, str] = {
    Verdict.WORKS: "✓",
    Verdict.CONVERTS: "◐",
    Verdict.MISMATCH: "≠",
    Verdict.FAILS: "✗",
    Verdict.ERROR: "!",
}
MEANINGS: Mapping[Verdict, str] = {
    Verdict.WORKS: "loads in TensorFlow.js and predicts the same numbers",
    Verdict.CONVERTS: "came as far as was asked, or loads and nothing tells whether it is right",
    Verdict.MISMATCH: "loads and predicts something else",
    Verdict.FAILS: "failed at the stage that is named",
    Verdict.ERROR: "the machine or the network failed; says nothing about the versions",
}
_LONGEST = 6000


def render(results: Results, base: str = ".") -> str:
    """The page. ``base`` is the way from the page to the output folder, as a link says it, for the links to logs."""
    results = words.cleaned(results)
    table = pivot(results.cases)
    found = causes(results.cases)
    models: dict[str, list[CaseResult]] = {}
    for case in results.cases:
        models.setdefault(case.model, []).append(case)
    mood, headline = words.headline(results)
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            results=results,
            mood=mood,
            headline=headline,
            counts=words.counts(results),
            facts=words.facts(results),
            left_out=words.left_out(results.left_out),
            pivot=table,
            levels=[spans(table.columns, level) for level in range(len(table.column_titles))],
            causes=found,
            cause_of={id(case): number for number, one in enumerate(found, 1) for case in one.cases},
            models=models,
            marks=words.marks(results.cases),
            symbols=SYMBOLS,
            meanings=MEANINGS,
            link=lambda path: _file_link(base, path),
        )
    )


@functools.cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("tfjs_compat", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.filters.update(
        ticks=_ticks,
        soft=_soft,
        cut=_cut,
        short=words.short,
        number=_number,
        seconds=_seconds,
        asked=_asked,
        web=_is_web,
    )
    made.globals.update(
        result=words.result,
        cause_text=words.cause,
        expectation=words.expectation,
        mark=words.mark,
        artifact=_artifact,
        id=id,
        heading=_heading,
    )
    return made


def _ticks(text: str) -> Markup:
    """The catalogue's `code` as <code>; everything escaped."""
    parts = re.split(r"`([^`]*)`", text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def _soft(text: str) -> Markup:
    """A name that may break behind its separators; everything escaped."""
    return Markup("<wbr>").join(re.split(r"(?<=[/_.,])(?=[^\s\d])", text))


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}\n… and {len(text) - _LONGEST} more characters"


def _number(value: float | None) -> str:
    return "–" if value is None else f"{value:.2g}"


def _seconds(value: float) -> str:
    return f"{value:.1f} s" if value >= 0.05 else f"{value * 1000:.0f} ms"


def _asked(asked: Combination) -> dict[str, str]:
    """What was asked for, without what was left to the defaults."""
    told = {
        "TensorFlow": asked.tensorflow,
        "tensorflowjs": asked.tensorflowjs,
        "Python": asked.python,
        "Keras": "" if asked.keras == RESOLVED else asked.keras,
        "as of": asked.as_of,
        "extra": " ".join(asked.extra),
        "constraints": " ".join(asked.constraints),
        "overrides": " ".join(asked.overrides),
        "stand-ins for": " ".join(asked.stand_ins),
        "process variables": "" if asked.process_env == DEFAULT else asked.process_env,
        "TensorFlow.js": "" if asked.tfjs_runtime == DEFAULT else asked.tfjs_runtime,
    }
    return {name: value for name, value in told.items() if value}


def _is_web(address: str) -> bool:
    return re.match(r"https?://[^\s]+$", address) is not None


def _artifact(case: CaseResult) -> str | None:
    """Where the converted model lies, once the conversion has ended well."""
    converted = case.stage.rank >= Stage.CHECK.rank and case.verdict is not Verdict.ERROR
    return f"{PurePosixPath(case.log).parent}/artifact/model.json" if case.log and converted else None


def _file_link(base: str, path: str | None) -> str | None:
    """A link to a file of the output folder; None for what is not in it."""
    if not path or path.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", path):
        return None
    return f"{base}/{quote(path)}"


def _heading(cause: Cause) -> str:
    """The one thing that names a cause: its id in the catalogue, else what kind it is."""
    return {"known": cause.key, "named": cause.key}.get(cause.kind, cause.title)
