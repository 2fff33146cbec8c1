"""What a page of 12, 324 and 5,000 cases costs: to render, to open, to filter, to open a cell's story.

``python bench/page.py``, with Chromium or Chrome and playwright. Rendering is this process's own CPU time; the rest is
measured in the browser, from the start of the navigation and around each action until the next frame is painted.
"""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))

from support.nights import night

from tfjs_compat.report.background import Background
from tfjs_compat.report.writers import Place, find_writer
from tfjs_compat.results.comparison import compare

SIZES = {12: (3, 4), 324: (27, 12), 5000: (100, 50)}
TIMES = 5
FILTER = """() => new Promise((done) => {
  const search = document.querySelector("input[name=search]"), started = performance.now();
  search.value = "model_2 2.13";
  search.dispatchEvent(new Event("input", { bubbles: true }));
  requestAnimationFrame(() => setTimeout(() => done(performance.now() - started)));
})"""
STORY = """() => new Promise((done) => {
  const started = performance.now();
  new MutationObserver(() => done(performance.now() - started)).observe(
    document.getElementById("panel"), { attributes: true });
  document.querySelector("table.pivot td.works a[data-n]").click();
})"""
OPENED = "() => performance.getEntriesByType('navigation')[0].loadEventEnd"


def main() -> None:
    """Print a line for each size."""
    browser_path = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    print(
        f"{'cases':>6} {'render s':>9} {'MB':>6} {'open ms':>8} {'filter ms':>10} {'story ms':>9}   (best of {TIMES})"
    )
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for size, (models, combinations) in SIZES.items():
            path = Path(folder) / f"{size}.html"
            seconds = min(render(models, combinations, path) for _ in range(3))
            measured = []
            for _ in range(TIMES):
                page = browser.new_page()
                page.goto(path.as_uri())
                page.wait_for_selector("html[data-ready]", state="attached")
                measured.append(actions(page))
                page.close()
            opened, filtered, told = map(min, zip(*measured, strict=True))
            megabytes = path.stat().st_size / 1e6
            print(f"{size:6} {seconds:9.2f} {megabytes:6.2f} {opened:8.0f} {filtered:10.0f} {told:9.0f}")
        browser.close()


def render(models: int, combinations: int, path: Path) -> float:
    """Seconds of CPU time; the page is written to the path."""
    before, after = night(0, models, combinations), night(1, models, combinations)
    started = time.process_time()
    text = find_writer("html").render(after, Place(), Background(compare(before, after)))
    seconds = time.process_time() - started
    path.write_text(text, "utf-8")
    return seconds


def actions(page: Page) -> tuple[float, float, float]:
    """Milliseconds to open, to filter, to open a story."""
    opened = page.evaluate(OPENED)
    filtered = page.evaluate(FILTER)
    page.click("button[type=reset]")
    return float(opened), float(filtered), float(page.evaluate(STORY))


if __name__ == "__main__":
    main()
