"""Results → one HTML page that needs nothing beside itself: no style sheet, no other script, no network. Pure.

What changed stands first, then the table of all cases, then causes and the stories of cases. It says the essentials
without JavaScript; page.js, the one script that the page's own policy allows (by its hash), adds filters, search and
the story of any cell. In a long report only what stands out has its story in the open; the others are packed.

Texts come from logs and models and are hostile: the templates escape everything, and links lead to pages of the
catalogue and the matrix or to files under the output folder only.
"""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import shlex
from collections.abc import Collection, Mapping
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import axes, change_words, numbers, packed, words
from tfjs_compat.report.background import Background
from tfjs_compat.report.causes import causes
from tfjs_compat.report.headline import headline
from tfjs_compat.report.heat_map import DENSE, heat_map
from tfjs_compat.report.look import VERDICTS
from tfjs_compat.report.neighbours import nearest_working
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.change_groups import groups
from tfjs_compat.results.comparison import Kind
from tfjs_compat.results.rules import rule_notes

_OPEN = 120
"""Stories in the open of a long report: those of the first cases that stand out."""


def render(results: Results, place: Place, background: Background = Background()) -> str:
    """The page, with links to logs and models in the output folder."""
    results, background = words.cleaned(results), background.cleaned()
    found, comparison = causes(results.cases), background.comparison
    mood, sentence = headline(results, background)
    stories = _stories(results, place, background)
    news, _ = background.news_first(results)
    long = len(results.cases) > DENSE
    in_the_open = news[:_OPEN] if long else results.cases
    still = {case.id for case in in_the_open}
    models: dict[str, list[CaseResult]] = {}
    for case in in_the_open:
        models.setdefault(case.model, []).append(case)
    script = _file("page.js")
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
            groups=groups(comparison) if comparison is not None else None,
            since=change_words.moment(comparison.before) if comparison is not None else "",
            conditions=change_words.conditions(comparison.of(Kind), comparison.machine)[:8] if comparison else [],
            unexpected=news,
            map=heat_map(results, background, found),
            causes=found,
            models=models,
            stories=stories,
            still=still,
            is_packed=long,
            block_size=packed.SIZE,
            blocks=_blocks(results, stories, still) if long else [],
            marks=words.marks(results.cases),
            is_part=bool(words.incomplete(results)),
            style=Markup(_file("page.css")),
            script=Markup(script),
            script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        )
    )


def _blocks(results: Results, stories: Mapping[str, str], still: Collection[str]) -> list[str]:
    """The stories of all cases, packed in the order of the results; empty for those that stand in the open."""
    return packed.packed(["" if case.id in still else stories[case.id] for case in results.cases])


def _stories(results: Results, place: Place, background: Background) -> dict[str, Markup]:
    """What there is to say of each case, by its id."""
    template = _environment().get_template("story.html.jinja").module
    changes, neighbours = background.changes(), nearest_working(results)
    matrix = shlex.quote(results.source.file if results.source is not None else results.matrix)
    # Most cases share theirs with others.
    versions: dict[object, Markup] = {}

    def versions_of(case: CaseResult) -> Markup:
        key = case.combination, tuple(case.resolved.items())
        if key not in versions:
            versions[key] = template.versions(case)  # type: ignore[attr-defined]
        return versions[key]

    return {
        case.id: template.story(  # type: ignore[attr-defined]
            case,
            changes.get(case.id),
            neighbours.get(case.id),
            background.past(case.id),
            versions_of(case),
            f"tfjs-compat run {matrix} --only {shlex.quote(case.id)} --no-cache",
            lambda path: _file_link(place.output, path),
        )
        for case in results.cases
    }


@functools.cache
def _file(name: str) -> str:
    return (Path(__file__).parent / name).read_text("utf-8")


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
        looks=VERDICTS,
        result=words.result,
        cause_text=words.cause,
        expectation=words.expectation,
        against_expectation=words.against_expectation,
        cures=words.cures,
        proof=words.proof,
        renamed=words.renamed,
        mark=words.mark,
        artifact=_artifact,
        attempts=change_words.attempts,
        before_and_after=change_words.before_and_after,
        evidence=change_words.evidence,
        name=change_words.name,
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
