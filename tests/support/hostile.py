"""Results in which every text that comes from outside is hostile: markup, escapes, links, names."""

from __future__ import annotations

import msgspec
from hypothesis import strategies as st

from support.samples import combination, parity, result, results
from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.parity import OutputParity
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results

PIECES = (
    "<script>alert(1)</script>",
    "</pre></style></title><img src=x onerror=alert(1)>",
    "\"><svg onload='x'>",
    "' onclick='x",
    "javascript:alert(1)",
    "//evil.example/x",
    "../../etc/passwd",
    "{{ 7 * 7 }}",
    "{% raw %}",
    "]]>",
    "<!--",
    "&lt;b&amp;",
    "|",
    "\\",
    "\\|",
    "`",
    "``` ",
    "[x](javascript:y)",
    "![x](y)",
    "<https://evil.example>",
    "https://evil.example",
    "www.evil.example",
    "@somebody",
    "#12",
    "$x$",
    "~~x~~",
    "**x**",
    "__x__",
    "\n\n# x\n",
    "\n| a | b |\n",
    "\n- x",
    "\r\n",
    "\x1b[31m",
    "\x1b]8;;https://evil.example\x1b\\link\x1b]8;;\x1b\\",
    "\x1b]0;title\a",
    "\x9b31m",
    "\u2066",
    "\u200f",
    "\0",
    "\x08",
    "\ud800",
    "\ufffe",
    "\u202e",
    "\u2028",
)
hostile = st.lists(st.sampled_from(PIECES) | st.text(max_size=6), max_size=5).map("".join)


@st.composite
def hostile_results(draw: st.DrawFn) -> Results:
    """Results in which every text that comes from outside is hostile."""

    def text() -> str:
        return draw(hostile)

    def texts() -> tuple[str, ...]:
        return tuple(draw(st.lists(hostile, max_size=2)))

    def case() -> CaseResult:
        verdict = draw(st.sampled_from(Verdict))
        issues = texts()
        requested = combination(
            tensorflow=text(), keras=text(), extra=texts(), constraints=texts(), as_of=text(), process_env=text()
        )
        row = OutputParity(text(), [1], text(), True, True, 1e-4, disagreement=text(), uninformative_reason=text())
        return result(
            id=text(),
            combination=requested,
            resolved={text(): text(), "keras": text()},
            lock=draw(st.none() | hostile),
            model=text(),
            route=text(),
            verdict=verdict,
            stage=draw(st.sampled_from(Stage)),
            issue=issues[0] if issues else None,
            issues=issues,
            signature=draw(st.none() | hostile),
            message=text(),
            remedies=texts(),
            expected=draw(st.none() | st.builds(Expectation, issue=hostile, keras=hostile, reason=hostile)),
            as_expected=draw(st.booleans()),
            seconds={text(): 1.0},
            parity=draw(st.none() | st.just(msgspec.structs.replace(parity(), outputs=[row]))),
            findings=(Finding(text(), text(), text()),),
            log=draw(st.none() | hostile),
            tfjs=draw(st.none() | hostile),
            runtime=draw(st.none() | hostile),
            keras_in_use=draw(st.none() | hostile),
        )

    cases = [case() for _ in range(draw(st.integers(0, 3)))]
    facts = {"system": text(), "machine": text(), "cpu": text()}
    return results(*cases, matrix=text(), tool=text(), started=text(), machine=facts, left_out=texts())
