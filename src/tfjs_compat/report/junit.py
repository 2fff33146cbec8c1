"""Results → JUnit XML, as CI systems read it. Pure.

A suite for each combination, a test for each case. A case that failed as its matrix expects passes; a case that is not
as expected is a failure; a fault of the machinery is an error; nothing is skipped. A part of a run has one more test,
which is an error: a run that was interrupted or killed is never green.
"""

from __future__ import annotations

from collections.abc import Sequence
from xml.etree import ElementTree

from tfjs_compat.diagnosis.catalogue import catalogue
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.outcomes.stages import Verdict
from tfjs_compat.report import words
from tfjs_compat.report.writers import Place
from tfjs_compat.results.case_result import CaseResult, Results


def render(results: Results, _place: Place) -> str:
    """The document. Times are in seconds."""
    results = words.cleaned(results)
    groups: dict[Combination, list[CaseResult]] = {}
    for case in results.cases:
        groups.setdefault(case.combination, []).append(case)
    top = ElementTree.Element("testsuites", name=f"tfjs-compat {words.short(results.matrix)}")
    names: dict[str, int] = {}
    for combination, cases in groups.items():
        name = combination.slug()
        names[name] = names.get(name, 0) + 1
        unique = name if names[name] == 1 else f"{name} ({names[name]})"
        top.append(_suite(unique, cases, results.started))
    if part := words.incomplete(results):
        top.append(_incomplete(part, results.started))
    for attribute in ("tests", "failures", "errors"):
        top.set(attribute, str(sum(int(suite.get(attribute, "0")) for suite in top)))
    top.set("time", f"{sum(map(_time, results.cases)):.3f}")
    ElementTree.indent(top)
    return f"<?xml version='1.0' encoding='utf-8'?>\n{ElementTree.tostring(top, encoding='unicode')}\n"


def _suite(name: str, cases: Sequence[CaseResult], started: str) -> ElementTree.Element:
    suite = _empty_suite(name, started)
    errors = sum(case.verdict is Verdict.ERROR for case in cases)
    failures = sum(words.mark(case) == "unexpected" for case in cases)
    suite.set("tests", str(len(cases)))
    suite.set("failures", str(failures))
    suite.set("errors", str(errors))
    suite.set("time", f"{sum(map(_time, cases)):.3f}")
    resolved = next((case.resolved for case in cases if case.resolved), {})
    if resolved:
        properties = ElementTree.SubElement(suite, "properties")
        for package, version in resolved.items():
            ElementTree.SubElement(properties, "property", name=package, value=version)
    for case in cases:
        suite.append(_test(case))
    return suite


def _empty_suite(name: str, started: str) -> ElementTree.Element:
    # The schema's time has no zone.
    return ElementTree.Element("testsuite", name=name, skipped="0", timestamp=started[:19])


def _test(case: CaseResult) -> ElementTree.Element:
    test = ElementTree.Element("testcase", classname=case.model, name=f"{case.route} [{case.id}]")
    test.set("time", f"{_time(case):.3f}")
    result = words.result(case)
    if cause := words.cause(case, 300):
        result += f": {cause}"
    if case.verdict is Verdict.ERROR:
        child = ElementTree.SubElement(test, "error", type="machinery", message=result)
        child.text = _story(case)
    elif not case.as_expected:
        message = f"{result} (expected: {words.expectation(case)})"
        child = ElementTree.SubElement(test, "failure", type=words.result(case), message=message)
        child.text = _story(case)
    elif case.verdict is not Verdict.WORKS:
        ElementTree.SubElement(test, "system-out").text = f"as expected: {result}\n{_story(case)}"
    return test


def _story(case: CaseResult) -> str:
    """What is known of a case, for a reader who has only this."""
    lines = [case.message]
    if case.signature and case.signature not in case.message:
        lines.append(f"signature: {case.signature}")
    for issue in case.issues:
        entry = catalogue().get(issue)
        lines.append(f"{issue}: {entry.title}. {entry.explanation.strip()}" if entry else issue)
    if cures := words.cures(case):
        lines.append(f"remedies run: {cures}")
    elif case.remedies:
        lines.append(f"should cure it: {'; or '.join(case.remedies)}")
    if case.expected is not None and case.expected.reason:
        lines.append(f"reason of the expectation: {case.expected.reason}")
    lines += [f"{found.severity}: {found.id}: {found.message} ({found.path})" for found in case.findings[:50]]
    if case.log:
        lines.append(f"log: {case.log}")
    return "\n".join(filter(None, lines))


def _time(case: CaseResult) -> float:
    return sum(case.seconds.values())


def _incomplete(message: str, started: str) -> ElementTree.Element:
    """A suite of one test that says that cases are missing."""
    suite = _empty_suite("the run", started)
    suite.set("tests", "1")
    suite.set("failures", "0")
    suite.set("errors", "1")
    suite.set("time", "0.000")
    test = ElementTree.SubElement(suite, "testcase", classname="tfjs-compat", name="all cases finished", time="0.000")
    ElementTree.SubElement(test, "error", type="incomplete", message=message)
    return suite
