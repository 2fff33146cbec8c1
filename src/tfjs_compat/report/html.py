"""Results → one HTML page that needs nothing beside itself: no script, no style sheet, no network. Pure.

Texts come from logs and models and are hostile: the template escapes everything, links lead to https pages of the
catalogue or to files under the output folder only, and the page's own policy forbids scripts.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import axes, numbers, words
from tfjs_compat.report.background import Background
from tfjs_compat.report.causes import causes
from tfjs_compat.report.headline import headline
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.pivot import pivot, spans
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.rules import rule_notes


def render(results: Results, place: Place, background: Background = Background()) -> str:
    """The page, with links to logs and models in the output folder."""
    results, background = words.cleaned(results), background.cleaned()
    table = pivot(results.cases)
    found = causes(results.cases)
    models: dict[str, list[CaseResult]] = {}
    for case in results.cases:
        models.setdefault(case.model, []).append(case)
    mood, sentence = headline(results, background)
    return (
        _environment()
        .get_template("report.html.jinja")
        .render(
            results=results,
            mood=mood,
            headline=sentence,
            counts=words.counts(results),
            facts=words.facts(results),
            left_out=words.left_out(results.left_out),
            rule_notes=[words.rule_note(note) for note in rule_notes(results)],
            pivot=table,
            levels=[spans(table.columns, level) for level in range(len(table.column_titles))],
            causes=found,
            cause_of={id(case): number for number, cause in enumerate(found, 1) for case in cause.cases},
            models=models,
            marks=words.marks(results.cases),
            is_part=bool(words.incomplete(results)),
            looks=VERDICTS,
            link=lambda path: _file_link(place.output, path),
        )
    )


@functools.cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tfjs_compat", "report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(
        ticks=_ticks,
        soft=_soft,
        cut=words.cut,
        short=words.short,
        number=numbers.number,
        duration=numbers.duration,
        axes=axes.facts,
        web=_is_web,
    )
    environment.globals.update(
        result=words.result,
        cause_text=words.cause,
        expectation=words.expectation,
        against_expectation=words.against_expectation,
        cures=words.cures,
        proof=words.proof,
        renamed=words.renamed,
        mark=words.mark,
        artifact=_artifact,
        id=id,
    )
    return environment


def _ticks(text: str) -> Markup:
    """The catalogue's `code` as <code>; everything escaped."""
    parts = re.split(r"`([^`]*)`", text)
    return Markup("").join(Markup("<code>{}</code>").format(part) if i % 2 else part for i, part in enumerate(parts))


def _soft(text: str) -> Markup:
    """A name that may break behind its separators; everything escaped."""
    return Markup("<wbr>").join(re.split(r"(?<=[/_.,])(?=[^\s\d])", text))


def _is_web(address: str) -> bool:
    return re.match(r"https?://[^\s]+$", address) is not None


def _artifact(case: CaseResult) -> str | None:
    """Where the converted model lies, once the conversion has ended well."""
    converted = case.stage.rank >= Stage.CHECK.rank and case.verdict is not Verdict.ERROR
    return f"{PurePosixPath(case.log).parent}/artifact/model.json" if case.log and converted else None


def _file_link(output: Path, path: str | None) -> str | None:
    """A link to a file of the output folder; None for what is not in it."""
    if not path or path.startswith(("/", "\\")) or ".." in re.split(r"[/\\]", path):
        return None
    # A browser takes "a:b" for an address: "./" says that it is a path.
    base = output.as_uri() if output.is_absolute() else quote(output.as_posix())
    return f"{base if base.startswith(('.', 'file:')) else f'./{base}'}/{quote(path)}"
