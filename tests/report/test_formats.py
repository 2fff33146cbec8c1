from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from support.samples import combination, parity, result, results
from support.tools import Said, run_here

from tfjs_compat.diagnosis.catalogue import KnownIssue, Remedy
from tfjs_compat.errors import RequestError
from tfjs_compat.matrix.cases import Expectation
from tfjs_compat.outcomes.failures import Finding
from tfjs_compat.outcomes.parity import OutputParity
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.report import causes as causes_room
from tfjs_compat.report import formats, html, junit, markdown, words
from tfjs_compat.report.causes import causes
from tfjs_compat.report.pivot import label, pivot, spans
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.results.files import read_results, write_results

FAILED = {
    "verdict": Verdict.FAILS,
    "stage": Stage.CONVERT,
    "issue": "duplicate-weight-name",
    "issues": ("duplicate-weight-name",),
    "signature": "Exception: duplicate weight name kernel",
    "message": "Exception: Error dumping weights, duplicate weight name kernel",
    "parity": None,
}
FORESEEN = Expectation(verdict=Verdict.FAILS, stage=Stage.CONVERT, reason="bare weight names")
UNKNOWN = {**FAILED, "issue": None, "issues": ()}
NEWER = combination(tensorflow="2.17.1")


def failed(**changed: object) -> CaseResult:
    return result(**{**FAILED, "as_expected": False, **changed})


# The table


def test_rows_are_models_and_columns_combinations_and_routes() -> None:
    cases = [
        result(model=model, route=route, combination=combination(tensorflow=tensorflow))
        for model in ("zoo:a", "zoo:b", "zoo:c", "zoo:d")
        for tensorflow in ("2.15.0", "2.16.1")
        for route in ("layers", "graph")
    ]
    table = pivot(cases)
    assert table.row_titles == ("model",)
    assert table.column_titles == ("TF", "route")
    assert table.columns == (("2.15.0", "layers"), ("2.15.0", "graph"), ("2.16.1", "layers"), ("2.16.1", "graph"))
    assert [row.heads for row in table.rows] == [("zoo:a",), ("zoo:b",), ("zoo:c",), ("zoo:d",)]
    assert [cell[0].id for cell in table.rows[0].cells] == [case.id for case in cases[:4]]
    assert table.caption == ("tensorflowjs 4.17.0", "Python 3.11", "Keras 3.2.1", "as of today")
    assert table.sums == ("4 of 4",) * 4
    assert [(one.text, one.width) for one in spans(table.columns, 0)] == [("2.15.0", 2), ("2.16.1", 2)]


def test_one_model_in_many_combinations_is_turned() -> None:
    cases = [result(combination=combination(tensorflow=f"2.{minor}.0")) for minor in range(12, 18)]
    table = pivot(cases)
    assert table.row_titles == ("TF",)
    assert (table.column_titles, table.columns) == (("route",), (("layers",),))
    assert len(table.rows) == 6
    assert "model zoo:mlp" in table.caption


def test_two_models_in_many_combinations_are_turned_too() -> None:
    cases = [
        result(combination=combination(tensorflow=f"2.{minor}.0"), model=model)
        for minor in range(10, 20)
        for model in ("zoo:a", "zoo:b")
    ]
    table = pivot(cases)
    assert (table.column_titles, table.columns) == (("model",), (("zoo:a",), ("zoo:b",)))
    assert "route layers" in table.caption


def test_one_case_is_a_table_of_one_cell() -> None:
    table = pivot([result()])
    assert (table.row_titles, table.rows[0].heads) == (("model",), ("zoo:mlp",))
    assert (table.column_titles, table.columns) == (("route",), (("layers",),))
    assert len(table.rows[0].cells) == 1


def test_a_model_without_a_case_has_an_empty_cell() -> None:
    table = pivot([result(model="zoo:a"), result(model="zoo:b"), result(model="zoo:b", route="graph")])
    assert [len(cell) for cell in table.rows[0].cells] == [1, 0]
    assert [len(cell) for cell in table.rows[1].cells] == [1, 1]


def test_no_case_is_no_table() -> None:
    table = pivot([])
    assert table.rows == ()
    assert table.columns == ()


def test_what_was_asked_of_keras_is_told_only_where_nothing_else_tells_two_combinations_apart() -> None:
    asked = [combination(keras="3.2.1"), combination(keras="3.2.*")]
    assert pivot([result(combination=one) for one in asked]).row_titles == ("Keras asked",)
    legacy = combination(process_env="legacy-keras")
    table = pivot([result(), result(combination=legacy, keras_in_use="2.16.0")])
    assert [row.heads for row in table.rows] == [("3.2.1", "–"), ("2.16.0", "legacy-keras")]
    assert table.row_titles == ("Keras", "with")


def test_what_is_added_to_all_combinations_is_in_the_caption() -> None:
    pinned = {"constraints": ("ydf<0.13",), "extra": ("pandas",)}
    asked = [combination(**pinned), combination(process_env="legacy-keras", overrides=("numpy<2",), **pinned)]
    table = pivot([result(combination=one) for one in asked])
    assert [row.heads for row in table.rows] == [("–",), ("legacy-keras override numpy<2",)]
    assert "with ydf<0.13 +pandas" in table.caption


def test_a_head_alone_says_what_it_is() -> None:
    assert label(("TF", "with", "route"), ("2.16.1", "–", "graph")) == ["TF 2.16.1", "graph"]


@given(
    st.lists(
        st.builds(
            lambda model, route, tensorflow, env: result(
                model=model, route=route, combination=combination(tensorflow=tensorflow, process_env=env)
            ),
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(["layers", "graph"]),
            st.sampled_from([f"2.{minor}" for minor in range(8)]),
            st.sampled_from(["default", "legacy-keras"]),
        ),
        max_size=30,
    )
)
def test_every_case_is_in_the_table_once_and_every_row_is_as_wide(cases: list[CaseResult]) -> None:
    table = pivot(cases)
    assert sorted(id(one) for row in table.rows for cell in row.cells for one in cell) == sorted(map(id, cases))
    assert {len(row.cells) for row in table.rows} <= {len(table.columns)}
    assert {len(row.heads) for row in table.rows} <= {len(table.row_titles)}
    assert {len(column) for column in table.columns} <= {len(table.column_titles)}
    assert not cases or table.column_titles


# Causes and words


def test_causes_are_grouped_and_ordered() -> None:
    found = causes(
        [
            result(),
            failed(),
            failed(),
            failed(**UNKNOWN),
            failed(issue="own-check", issues=("own-check", "weights-missing")),
            result(verdict=Verdict.ERROR, message="no space left", as_expected=False),
        ]
    )
    assert [(one.kind, len(one.cases)) for one in found] == [
        ("machinery", 1),
        ("known", 2),
        ("unknown", 1),
        ("named", 1),
    ]
    assert found[1].remedies
    assert found[3].behind == ("weights-missing",)


@pytest.mark.parametrize(
    ("case", "mark"),
    [
        (result(), ""),
        (failed(), "unexpected"),
        (failed(expected=FORESEEN, as_expected=True), "expected"),
        (failed(expected=FORESEEN, stage=Stage.LOAD), "unexpected"),
        (result(expected=FORESEEN, as_expected=False), "unexpected"),
        (result(verdict=Verdict.CONVERTS, as_expected=False), "unexpected"),
        (result(verdict=Verdict.ERROR, as_expected=False), ""),
    ],
)
def test_a_result_is_marked_where_it_does_not_speak_for_itself(case: CaseResult, mark: str) -> None:
    assert words.mark(case) == mark


@pytest.mark.parametrize(
    ("found", "mood", "told"),
    [
        (results(result(), failed(as_expected=True)), "good", "All as expected."),
        (results(result(), failed()), "bad", "1 of 2 cases did not end as expected."),
        (results(result(verdict=Verdict.ERROR, as_expected=False)), "error", "The machinery failed for 1 of 1 case."),
        (results(), "part", "No case has ended."),
        (results(result(), complete=False), "part", "interrupted"),
    ],
)
def test_the_headline(found: Results, mood: str, told: str) -> None:
    assert words.headline(found)[0] == mood
    assert told in words.headline(found)[1]
    for text in (html.render(found), markdown.render(found)):
        assert told in text


def test_what_was_not_expected_is_marked_and_the_mark_explained() -> None:
    found = results(result(), failed(), failed(expected=FORESEEN, as_expected=True))
    text = markdown.render(found)
    assert "❌ fails at convert: `duplicate-weight-name` (unexpected)" in text
    assert "❌ fails at convert: `duplicate-weight-name` (expected)" in text
    assert "unexpected: the matrix, or the run, asks for another end" in text
    page = Page(html.render(found))
    assert page.text.count("unexpected") >= 3, "in the table, at the case, in the legend"
    assert "unexpected" not in markdown.render(results(result()))


# HTML


class Page(HTMLParser):
    """What a browser would make of a page: its elements with their attributes, and its text."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.open: list[str] = []
        self.unbalanced: list[str] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in ("meta", "br", "wbr"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.unbalanced.append(tag)

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] != "style":
            self.text += data

    def attributes(self, name: str) -> list[str]:
        return [str(attrs[name]) for _, attrs in self.elements if name in attrs]


TAGS = frozenset(
    re.findall(
        r"\w+",
        """html head meta title style body header main section h1 h2 h3 h4 p ul ol li dl dt dd a span strong code pre br
        wbr table caption thead tbody tfoot tr th td details summary div""",
    )
)
ATTRIBUTES = frozenset(
    re.findall(
        r"[\w-]+",
        """lang charset name content http-equiv class id href rel role tabindex scope colspan aria-label aria-labelledby
        aria-hidden""",
    )
)


def read_safely(text: str) -> Page:
    """The page, once it is sure that no text has become an element, an attribute or a link of its own."""
    page = Page(text)
    assert {tag for tag, _ in page.elements} <= TAGS
    assert {name for _, attrs in page.elements for name in attrs} <= ATTRIBUTES
    assert not page.unbalanced
    assert not page.open
    for link in page.attributes("href"):
        assert link.startswith(("#", "./", "https://", "http://"))
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]", text)
    text.encode()
    return page


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

    def one() -> str:
        return draw(hostile)

    def texts() -> tuple[str, ...]:
        return tuple(draw(st.lists(hostile, max_size=2)))

    def case() -> CaseResult:
        verdict = draw(st.sampled_from(Verdict))
        issues = texts()
        asked = combination(
            tensorflow=one(), keras=one(), extra=texts(), constraints=texts(), as_of=one(), process_env=one()
        )
        row = OutputParity(one(), [1], one(), True, True, 1e-4, disagreement=one(), uninformative_reason=one())
        return result(
            id=one(),
            combination=asked,
            resolved={one(): one(), "keras": one()},
            lock=draw(st.none() | hostile),
            model=one(),
            route=one(),
            verdict=verdict,
            stage=draw(st.sampled_from(Stage)),
            issue=issues[0] if issues else None,
            issues=issues,
            signature=draw(st.none() | hostile),
            message=one(),
            remedies=texts(),
            expected=draw(st.none() | st.builds(Expectation, issue=hostile, keras=hostile, reason=hostile)),
            as_expected=draw(st.booleans()),
            seconds={one(): 1.0},
            parity=draw(st.none() | st.just(msgspec.structs.replace(parity(), outputs=[row]))),
            findings=(Finding(one(), one(), one()),),
            log=draw(st.none() | hostile),
            tfjs=draw(st.none() | hostile),
            runtime=draw(st.none() | hostile),
            keras_in_use=draw(st.none() | hostile),
        )

    cases = [case() for _ in range(draw(st.integers(0, 3)))]
    facts = {"system": one(), "machine": one(), "cpu": one()}
    return results(*cases, matrix=one(), tool=one(), started=one(), machine=facts, left_out=texts())


@settings(max_examples=50)
@given(hostile_results())
def test_no_text_becomes_markup_in_html(found: Results) -> None:
    read_safely(html.render(found))


@settings(max_examples=50)
@given(hostile_results())
def test_no_text_breaks_markdown(found: Results) -> None:
    text = markdown.render(found)
    text.encode()
    table = [line for line in text.split("\n") if line.startswith("|")]
    assert len({line.count("|") for line in table}) <= 1
    assert bool(table) == bool(found.cases)
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inline = [child for token in tokens for child in token.children or []]
    assert {child.content for child in inline if child.type == "html_inline"} <= {"<br>"}
    assert not {child.type for child in inline} & {"link_open", "image", "em_open", "s_open"}
    assert not {token.type for token in tokens} & {"html_block", "fence", "code_block", "list_item_open", "hr"}
    assert sum(token.type == "heading_open" for token in tokens) == 1 + ("#### Causes" in text)
    # What GitHub makes links of by itself: names in what is left as text, addresses in what is written outside of code.
    assert not re.search(r"@\w", "".join(child.content for child in inline if child.type == "text"))
    outside = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "", text)
    assert not re.search(r"https?://|www\.", outside, re.IGNORECASE)


@settings(max_examples=50)
@given(hostile_results())
def test_no_text_breaks_xml(found: Results) -> None:
    top = ElementTree.fromstring(junit.render(found).encode())
    tests = list(top.iter("testcase"))
    assert len(tests) == len(found.cases) == int(top.get("tests", ""))
    assert {one.tag for one in top.iter()} <= {
        *("testsuites", "testsuite", "properties", "property", "testcase", "failure", "error", "system-out"),
    }


def test_hostile_text_is_shown_as_it_is() -> None:
    nasty = "<script>alert('x')</script>"
    page = read_safely(html.render(results(failed(message=nasty, model=nasty), matrix=nasty)))
    assert page.text.count(nasty) >= 4


def test_logs_are_linked_only_inside_the_output_folder() -> None:
    logs = ["javascript:alert(1)", "//evil.example/x", "/etc/passwd", "a/../../b", "cases/a b/log.txt"]
    page = Page(html.render(results(*[result(id=log, log=log, lock=None) for log in logs]), "../out"))
    links = [link for link in page.attributes("href") if not link.startswith("#")]
    assert links == [
        *("../out/javascript%3Aalert%281%29", "../out/./artifact/model.json"),
        *("../out/cases/a%20b/log.txt", "../out/cases/a%20b/artifact/model.json"),
    ]


def test_only_web_addresses_of_the_catalogue_become_links(monkeypatch: pytest.MonkeyPatch) -> None:
    entry = KnownIssue(
        id="duplicate-weight-name",
        title="a `<b>` title",
        stages=(Stage.CONVERT,),
        explanation="why",
        links=("javascript:alert(1)", "https://example.org/1", "https://example.org/ onclick=x"),
        remedies=(Remedy(title="`setuptools<81`"),),
    )
    monkeypatch.setattr(causes_room, "catalogue", lambda: {entry.id: entry})
    page = read_safely(html.render(results(failed())))
    assert [link for link in page.attributes("href") if "example.org" in link] == ["https://example.org/1"]
    assert "javascript:alert(1)" in page.text
    text = markdown.render(results(failed()))
    assert "`duplicate-weight-name`: a `<b>` title" in text
    assert re.findall("<.*>", text.replace("`<b>`", "")) == ["<https://example.org/1>"]


def test_a_page_has_what_a_reader_needs() -> None:
    rows = [OutputParity("dense", [3, 1], "float32", False, True, 1e-5, 0.25, 0.5, disagreement="3 of 3 values differ")]
    differs = result(
        id="b",
        verdict=Verdict.MISMATCH,
        issue="numbers-differ",
        issues=("numbers-differ",),
        message="predictions differ",
        parity=msgspec.structs.replace(parity(agrees=False), outputs=rows),
        findings=(Finding("wiring", "$.modelTopology.x", "odd", "warning"),),
        as_expected=False,
        combination=NEWER,
    )
    page = read_safely(html.render(results(result(id="a"), differs, left_out=("zoo:x at tf2: no such route",))))
    for told in (
        *("1 of 2 cases did not end as expected.", "1 works", "1 mismatch", "tensorflowjs 4.17.0", "2.17.1"),
        *("numbers-differ", "$.modelTopology.x", "3 of 3 values differ", "0.25", "4.2 s", "left out"),
    ):
        assert told in page.text
    assert set(page.attributes("href")) >= {"#case-a", "#case-b", "#cause-1", "./cases/mlp-layers/log.txt"}
    ids = page.attributes("id")
    assert len(ids) == len(set(ids))
    assert {link[1:] for link in page.attributes("href") if link.startswith("#")} <= set(ids)
    assert {attrs.get("scope") for tag, attrs in page.elements if tag == "th"} <= {"col", "row", "colgroup"}
    assert ("html", {"lang": "en"}) in page.elements


def test_a_page_asks_the_network_for_nothing() -> None:
    text = html.render(results(result(), failed()))
    assert "default-src 'none'" in text
    assert not re.search(r"<(script|link|img|iframe)|@import|url\(", text)


# JUnit


def test_a_case_is_a_test_and_a_foreseen_failure_passes() -> None:
    cases = (
        result(id="a"),
        failed(id="b", expected=FORESEEN, as_expected=True),
        failed(id="c", combination=NEWER),
        result(id="d", verdict=Verdict.ERROR, message="no space left", as_expected=False, combination=NEWER),
        result(id="e", expected=FORESEEN, as_expected=False, combination=NEWER),
    )
    top = ElementTree.fromstring(junit.render(results(*cases)).encode())
    assert [(one.get("name"), one.get("tests"), one.get("failures"), one.get("errors")) for one in top] == [
        ("tf2.16.1-tfjs4.17.0-py3.11", "2", "0", "0"),
        ("tf2.17.1-tfjs4.17.0-py3.11", "3", "2", "1"),
    ]
    assert (top.get("tests"), top.get("failures"), top.get("errors")) == ("5", "2", "1")
    tests = {one.get("name"): one for one in top.iter("testcase")}
    assert tests["layers [a]"].get("classname") == "zoo:mlp"
    assert list(tests["layers [a]"]) == []
    (said,) = tests["layers [b]"]
    assert said.tag == "system-out"
    assert "as expected: fails at convert: duplicate-weight-name" in (said.text or "")
    assert "bare weight names" in (said.text or "")
    (failure,) = tests["layers [c]"]
    assert failure.tag == "failure"
    assert "duplicate-weight-name" in str(failure.get("message"))
    assert "Error dumping weights" in (failure.text or "")
    assert [one.tag for one in tests["layers [d]"]] == ["error"]
    assert "expected: fails at convert" in str(tests["layers [e]"][0].get("message"))


def test_an_interrupted_run_is_not_green() -> None:
    top = ElementTree.fromstring(junit.render(results(result(), complete=False)).encode())
    assert (top.get("tests"), top.get("errors")) == ("2", "1")


# Reading results, and the command


def test_results_are_read_back_as_they_were_written(tmp_path: Path) -> None:
    found = results(result(), failed())
    path = write_results(found, tmp_path)
    assert read_results(tmp_path) == read_results(path) == found


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("", "damaged"),
        ("[1]", "damaged"),
        ('{"schema": 1, "tool"', "damaged"),
        ('{"schema": 1}', "missing required field `tool`"),
        ('{"schema": 2}', "newer"),
        ('{"schema": 0}', "run the matrix again"),
        ('{"schema": "1"}', "$.schema"),
        ('{"schema": 1, "x": ' + "[" * 100_000, "damaged"),
        ("\xff", "damaged"),
    ],
)
def test_a_wrong_file_is_named_with_what_is_wrong(content: str, told: str, tmp_path: Path) -> None:
    path = tmp_path / "results.json"
    path.write_bytes(content.encode("latin-1"))
    with pytest.raises(RequestError, match=re.escape(told)) as caught:
        read_results(tmp_path)
    assert str(path) in str(caught.value)


def test_an_unknown_verdict_is_named_with_its_place(tmp_path: Path) -> None:
    path = write_results(results(result()), tmp_path)
    path.write_text(path.read_text("utf-8").replace('"works"', '"shines"'), "utf-8")
    with pytest.raises(RequestError, match=r"shines.*\$\.cases\[0\]\.verdict"):
        read_results(path)


def report(*arguments: str, folder: Path) -> Said:
    return run_here(("report", *arguments), folder, {})


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder in which a run left its default output."""
    write_results(results(result(), failed(expected=FORESEEN, as_expected=True)), tmp_path / ".tfjs-compat")
    return tmp_path


def test_the_page_goes_into_the_output_folder(run: Path) -> None:
    done = report("--format", "html", folder=run)
    assert (done.code, done.out) == (0, "")
    assert "written: .tfjs-compat/report.html" in done.err
    page = Page((run / ".tfjs-compat" / "report.html").read_text("utf-8"))
    assert "./cases/mlp-layers/log.txt" in page.attributes("href")


def test_links_lead_from_where_the_page_is(run: Path) -> None:
    done = report(".tfjs-compat/results.json", "--format", "html", "--to", "site/pages/x.html", folder=run)
    assert done.code == 0
    page = Page((run / "site" / "pages" / "x.html").read_text("utf-8"))
    assert "../../.tfjs-compat/cases/mlp-layers/log.txt" in page.attributes("href")


@pytest.mark.parametrize(
    ("form", "begins"),
    [("html", "<!DOCTYPE html>"), ("markdown", "### "), ("junit", "<?xml"), ("json", "{"), ("terminal", "seed: ")],
)
def test_every_format_goes_to_stdout_or_to_a_file(form: str, begins: str, run: Path) -> None:
    shown = report("--format", form, "--to", "-", folder=run)
    assert (shown.code, shown.err) == (0, "")
    assert shown.out.lstrip().startswith(begins)
    assert report("--format", form, "--to", "told", folder=run).code == 0
    written = (run / "told").read_text("utf-8")
    assert written.lstrip().startswith(begins)
    assert form != "json" or json.loads(written) == json.loads(shown.out)


def test_a_missing_run_is_a_wrong_request_with_a_hint(tmp_path: Path) -> None:
    done = report(folder=tmp_path)
    assert done.code == 2
    assert ".tfjs-compat: there is no such file or folder; give the output folder of a run" in done.err
    done = report(".", "--format", "junit", folder=tmp_path)
    assert done.code == 2
    assert "`tfjs-compat run` writes one" in done.err


def test_a_damaged_file_and_a_folder_to_write_to_are_wrong_requests(run: Path) -> None:
    assert report("--to", ".", folder=run).code == 2
    path = run / ".tfjs-compat" / "results.json"
    path.write_bytes(path.read_bytes()[:-40])
    done = report(folder=run)
    assert done.code == 2
    assert "damaged" in done.err


def test_the_target_of_a_report() -> None:
    folder = Path("out")
    assert formats.target("html", folder, None) == folder / "report.html"
    assert formats.target("junit", folder, None) is None
    assert formats.target("html", folder, Path("-")) is None
