"""Results → JUnit XML, as CI systems read it. Pure.

A suite for each combination, a test for each case. A case fails if it makes the run fail (``results/news.py``): it is
not as its matrix expects, or changed since the baseline. A fault of the machinery is an error; nothing is skipped. What
is known to fail passes, and the suite's output says so; it also says what each case that works rests on. A part of a
run has one more test, which is an error: a run that was interrupted or killed is never green.

The document is valid by both schemas that readers go by: Ant's (github.com/windyroad/JUnit-Schema), which demands
``hostname``, ``package``, ``id`` and both outputs of a suite and allows no attribute on ``testsuites`` and no output of
a test, and that of Jenkins (junit-10.xsd of its xunit-plugin). ``tests/data/junit.xsd`` is what both allow.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import change_words, words
from tfjs_compat.report.background import Background
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.comparison import Change, Kind

_NO_TIME = "1970-01-01T00:00:00"


def render(results: Results, _place: Place, background: Background = Background()) -> str:
    """The document. Times are in seconds."""
    results, background = words.cleaned(results), background.cleaned()
    changes, failing = background.changes(), background.failures(results)
    groups: dict[Combination, list[CaseResult]] = {}
    for case in results.cases:
        groups.setdefault(case.combination, []).append(case)
    top = ElementTree.Element("testsuites")
    names: dict[str, int] = {}
    for combination, cases in groups.items():
        name = combination.slug() or "default"
        names[name] = names.get(name, 0) + 1
        unique = name if names[name] == 1 else f"{name} ({names[name]})"
        tests = [_test(case, case.id in failing, changes.get(case.id)) for case in cases]
        resolved = next((case.resolved for case in cases if case.resolved), {})
        known = [_known(case) for case in cases if case.id not in failing and _is_worth_a_line(case)]
        proofs = [_proof(case) for case in cases if case.verdict is Verdict.WORKS and words.proof(case)]
        _suite(top, results, unique, tests, resolved, [*known, *proofs])
    gone = [change for change in changes.values() if change.after is None and change.case in failing]
    if gone:
        _suite(top, results, "cases that are gone", [_gone(change) for change in gone])
    if part := words.incomplete(results) or ("" if results.cases else "No case finished."):
        _suite(top, results, "the run", [_incomplete(part)])
    ElementTree.indent(top)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ElementTree.tostring(top, encoding='unicode')}\n"


def _suite(
    top: ElementTree.Element,
    results: Results,
    name: str,
    tests: Sequence[ElementTree.Element],
    properties: dict[str, str] | None = None,
    known: Iterable[str] = (),
) -> None:
    """Append a suite. Its elements stand in the order that Ant's schema demands."""
    suite = ElementTree.SubElement(top, "testsuite", name=name, package=words.short(results.matrix), id=str(len(top)))
    # The schema's time has no zone.
    started = results.started[:19]
    is_time = re.fullmatch(r"\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-5]\d", started)
    suite.set("timestamp", started if is_time else _NO_TIME)
    suite.set("hostname", "localhost")
    suite.set("tests", str(len(tests)))
    suite.set("failures", str(sum(test.find("failure") is not None for test in tests)))
    suite.set("errors", str(sum(test.find("error") is not None for test in tests)))
    suite.set("skipped", "0")
    suite.set("time", f"{sum(float(test.get('time', '0')) for test in tests):.3f}")
    listed = ElementTree.SubElement(suite, "properties")
    for package, version in (properties or {}).items():
        ElementTree.SubElement(listed, "property", name=package.strip() or "unnamed", value=version)
    suite.extend(tests)
    ElementTree.SubElement(suite, "system-out").text = "\n".join(known)
    ElementTree.SubElement(suite, "system-err")


def _test(case: CaseResult, is_failure: bool, change: Change | None) -> ElementTree.Element:
    test = _named(case)
    result = words.result(case)
    if cause := words.cause(case, 300):
        result += f": {cause}"
    if case.verdict is Verdict.ERROR:
        _end(test, "error", "machinery", result, _story(case, change))
    elif is_failure and change is not None and change.before is not None:
        message = f"{change_words.phrase(change.kind)}: {result} (before: {words.result(change.before)})"
        _end(test, "failure", str(change.kind), message, _story(case, change))
    elif is_failure:
        message = f"{result} (expected: {words.expectation(case)})"
        _end(test, "failure", words.result(case), message, _story(case, change))
    return test


def _named(case: CaseResult) -> ElementTree.Element:
    time = f"{sum(case.seconds.values()):.3f}"
    return ElementTree.Element("testcase", classname=case.model, name=f"{case.route} [{case.id}]", time=time)


def _end(test: ElementTree.Element, tag: str, type: str, message: str, story: str = "") -> ElementTree.Element:
    ElementTree.SubElement(test, tag, type=type, message=message).text = story
    return test


def _is_worth_a_line(case: CaseResult) -> bool:
    return case.flaky or case.verdict not in (Verdict.WORKS, Verdict.ERROR)


def _known(case: CaseResult) -> str:
    """What a suite's output says of a case that passes although it does not work."""
    how = f"flaky ({change_words.attempts(case)})" if case.flaky else ""
    how = how or ("as expected" if case.as_expected else "as in the baseline")
    return f"{case.route} [{case.id}]: {how}: {words.result(case)}: {words.cause(case, 300)}\n{_story(case, None)}\n"


def _proof(case: CaseResult) -> str:
    return f"{case.route} [{case.id}]: works by {words.proof(case)}"


def _story(case: CaseResult, change: Change | None) -> str:
    """What is known of a case, for a reader who has only this."""
    lines = [case.message]
    if case.signature and case.signature not in case.message:
        lines.append(f"signature: {case.signature}")
    if change is not None and change.kind is not Kind.SAME:
        lines.append(f"since the baseline: {change_words.before_and_after(change)}")
        lines += [f"changed: {change_words.versions(name, pair)}" for name, pair in list(change.packages.items())[:50]]
    for issue in case.issues:
        entry = catalogue().get(issue)
        lines.append(f"{issue}: {entry.title}. {entry.explanation.strip()}" if entry else issue)
    if cures := words.cures(case):
        lines.append(f"remedies run: {cures}")
    elif case.remedies:
        lines.append(f"should cure it: {'; or '.join(case.remedies)}")
    if case.expected is not None and case.expected.reason:
        lines.append(f"reason of the expectation: {case.expected.reason}")
    if case.expected is not None and case.expected.link:
        lines.append(f"tracked: {case.expected.link}")
    lines += [f"{found.severity}: {found.id}: {found.message} ({found.path})" for found in case.findings[:50]]
    if case.log:
        lines.append(f"log: {case.log}")
    return "\n".join(words.cut(line) for line in lines if line)


def _gone(change: Change) -> ElementTree.Element:
    """A test for a case that the baseline has and this run no longer, where that counts as a failure."""
    assert change.before is not None
    test = _named(change.before)
    test.set("time", "0.000")
    message = f"{change_words.phrase(change.kind)}: {change_words.name(change.before)}"
    return _end(test, "failure", str(change.kind), message)


def _incomplete(message: str) -> ElementTree.Element:
    """A test that says that cases are missing."""
    test = ElementTree.Element("testcase", classname="tfjs-compat", name="all cases finished", time="0.000")
    return _end(test, "error", "incomplete", message)
