"""The page in a real browser: what it shows, its filters, the story of a cell, and what it says without JavaScript."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from support.nights import night

from tfjs_compat.report.background import Background
from tfjs_compat.report.writers import Place, find_writer
from tfjs_compat.results.comparison import compare
from tfjs_compat.results.history import CaseHistory, PastEnd

playwright = pytest.importorskip("playwright.sync_api", reason="drives a browser by playwright")
BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
pytestmark = pytest.mark.skipif(BROWSER is None, reason="there is no Chromium or Chrome here")
SIZES = {12: (3, 4), 324: (27, 12), 5000: (100, 50)}
Open = Callable[..., Any]


@pytest.fixture(scope="module")
def pages(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a page for each size."""
    folder = tmp_path_factory.mktemp("pages")
    for size, (models, combinations) in SIZES.items():
        before, after = night(0, models, combinations), night(1, models, combinations)
        past = {
            case.id: CaseHistory(
                case.id, (PastEnd(before.started, case.verdict, case.stage, "", 5.0),), None, 0, 0, 5.0
            )
            for case in before.cases
        }
        background = Background(compare(before, after), history=past)
        text = find_writer("html").render(after, Place(), background)
        assert len(text.encode()) < 3_000_000
        (folder / f"{size}.html").write_text(text, "utf-8")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=BROWSER, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def open_page(browser: Any, pages: Path) -> Iterator[Open]:
    """Opens the page of a size; whatever it logs, and whatever it asks of the network, fails the test."""
    opened, complaints = [], list[str]()

    def open_one(size: int, hash: str = "", width: int = 1280, script: bool = True, scheme: str = "light") -> Any:
        context = browser.new_context(
            viewport={"width": width, "height": 900}, java_script_enabled=script, color_scheme=scheme
        )
        page = context.new_page()
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("request", lambda request: request.url.startswith("file:") or complaints.append(request.url))
        page.goto(f"file://{pages}/{size}.html{hash}")
        if script:
            page.wait_for_selector("html[data-ready]", state="attached")
        opened.append(context)
        return page

    yield open_one
    for context in opened:
        context.close()
    assert complaints == []


def shown(page: Any) -> int:
    """How many cells the filters leave."""
    return page.locator("table.pivot tbody a[data-n]:not(.off)").count()


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("width", [400, 1280])
def test_the_verdict_and_what_changed_stand_first(open_page: Open, size: int, width: int) -> None:
    page = open_page(size, width=width)
    assert "regressed" in page.text_content(".headline")
    assert page.locator("#changes").bounding_box()["y"] < page.locator("#table").bounding_box()["y"]
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), (
        "the page itself does not scroll sideways"
    )
    assert shown(page) == size


@pytest.mark.parametrize("size", [324, 5000])
def test_heads_stay_in_sight_on_both_axes(open_page: Open, size: int) -> None:
    page = open_page(size)
    frame, corner = page.locator(".frame"), page.locator("table.pivot thead tr").last.locator("th").first
    page.evaluate("document.querySelector('.frame').scrollIntoView()")
    page.evaluate("document.querySelector('.frame').scrollTo(300, 400)")
    box, head = frame.bounding_box(), corner.bounding_box()
    assert abs(head["x"] - box["x"]) < 3
    assert box["y"] - 1 <= head["y"] < box["y"] + 400
    middle = (box["x"] + box["width"] / 2, box["y"] + box["height"] - 60)
    assert page.evaluate("([x, y]) => document.elementFromPoint(x, y).closest('td') !== null", list(middle))


def test_filters_leave_only_what_fits(open_page: Open) -> None:
    page = open_page(5000)
    page.select_option("select[name=news]", "news")
    news = shown(page)
    assert page.text_content("form output") == f"{news} of 5000 cases"
    assert page.locator("table.pivot tbody tr:visible").count() == 12
    assert page.locator("table.pivot tbody tr:visible").first.locator("td:visible").count() == 10
    page.fill("input[name=search]", "model_9 2.13")
    assert 0 < shown(page) < news
    page.click("button[type=reset]")
    playwright.expect(page.locator("form output")).to_have_text("5000 cases")
    page.select_option("select[name=verdict]", "fails")
    fails = shown(page)
    page.select_option("select[name=cause]", label=page.locator("select[name=cause] option").nth(1).text_content())
    assert 0 < shown(page) < fails
    page.click("button[type=reset]")
    playwright.expect(page.locator("form output")).to_have_text("5000 cases")
    page.get_by_label("TF").select_option("2.14.1")
    assert 0 < shown(page) < 1000
    page.get_by_label("model").select_option("zoo:model_7")
    assert page.locator("table.pivot tbody tr:visible").count() == 1


@pytest.mark.parametrize("size", SIZES)
def test_a_cell_tells_its_story(open_page: Open, size: int) -> None:
    page = open_page(size)
    page.locator("table.pivot tbody td.news a[data-n]").first.click()
    page.wait_for_selector("#panel:not([hidden])")
    story = page.text_content("#panel")
    assert "works → fails at load" in story
    assert "keras3.0.0 → 3.0.1" in " ".join(story.split()).replace("keras ", "keras")
    assert "import 4.2 s" in story
    assert "Nearest that works" in story
    assert "Traceback (most recent call last)" in story
    assert "tfjs-compat run matrix.toml --only model_0" in story
    assert "11-22 ✓" in story
    assert page.evaluate("location.hash").startswith("#case-model_0-")
    page.keyboard.press("Escape")
    assert page.locator("#panel").is_hidden()


@pytest.mark.parametrize("size", SIZES)
def test_a_cell_that_works_has_a_story_too_and_arrows_go_on(open_page: Open, size: int) -> None:
    page = open_page(size)
    page.locator("table.pivot tbody td.works a[data-n]").last.click()
    page.wait_for_selector("#panel:not([hidden])")
    first = page.text_content("#panel .who")
    assert "works" in first
    page.locator("a.current").focus()
    page.keyboard.press("ArrowLeft")
    playwright.expect(page.locator("#panel .who")).not_to_have_text(first)


@pytest.mark.parametrize("size", [12, 5000])
def test_a_link_leads_to_a_cell(open_page: Open, size: int) -> None:
    models, combinations = SIZES[size]
    case = next(case for case in reversed(night(1, models, combinations).cases) if case.verdict == "works")
    page = open_page(size, f"#case-{case.id}")
    page.wait_for_selector("#panel:not([hidden])")
    assert case.id in page.text_content("#panel")
    assert page.locator("a.current").is_visible()


@pytest.mark.parametrize("size", SIZES)
def test_without_javascript_the_essentials_are_there(open_page: Open, size: int) -> None:
    page = open_page(size, script=False)
    assert "regressed" in page.text_content(".headline")
    assert "ValueError: quite new" in page.text_content("#changes + .cause")
    assert page.locator("form").count() == 0
    assert shown(page) == size
    page.locator("#changes + .cause a").first.click()
    target = page.locator("details:target")
    assert target.count() == 1
    assert "Nearest that works" in target.text_content()


def test_dark_and_print_have_colours_of_their_own(open_page: Open) -> None:
    back = "getComputedStyle(document.body).backgroundColor"
    light, dark = open_page(12), open_page(12, scheme="dark")
    assert light.evaluate(back) != dark.evaluate(back)
    dark.emulate_media(media="print")
    assert dark.evaluate(back) == "rgb(255, 255, 255)"
    assert dark.locator("form").is_hidden()
