"""The same check in headless Chromium or Chrome, where converted models live.

The browser is a child with a fresh profile; its page is served by page_server.py and runs inside/tfjs/run_in_page.mjs.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

from tfjs_compat.errors import MachineryError
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.process import ExitStatus
from tfjs_compat.system.temporary import temporary_folder
from tfjs_compat.trials.runtimes.bundle import Bundle
from tfjs_compat.trials.runtimes.exits import TfjsExit, outside_fault
from tfjs_compat.trials.runtimes.job import LIMITS, TfjsJob
from tfjs_compat.trials.runtimes.page_server import PageServer, PostLimits, serve
from tfjs_compat.trials.runtimes.programs import version_of

BACKENDS = ("webgl", "wasm", "cpu")
"""Tried in this order; the single-file bundle holds webgl and cpu. The one that ran is in the record's facts."""

_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
_APPLICATIONS = (
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
)
_FLAGS = (
    *("--headless", "--disable-quic", "--no-first-run", "--no-default-browser-check", "--disable-extensions"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--mute-audio"),
    *("--disable-dev-shm-usage", "--password-store=basic", "--use-mock-keychain"),
    # Software WebGL: the same numbers on every machine, and there is a GPU on few of those that run CI.
    *("--use-angle=swiftshader", "--enable-unsafe-swiftshader"),
)
_START_SECONDS = 60.0
"""In which a browser has to open its page. It takes about one second, on a machine that is busy several."""


def find_browser() -> Path:
    """The first Chromium or Chrome on PATH or in /Applications. Raises MachineryError that says what it sought."""
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    for application in _APPLICATIONS:
        if os.access(application, os.X_OK):
            return Path(application)
    raise MachineryError(
        f"no browser was found: no {', '.join(_NAMES)} on PATH, no Google Chrome or Chromium in /Applications\n"
        "hint: install Chromium, or check in Node.js: --runtime node"
    )


def browser_version(browser: Path) -> str:
    """Name and version of a browser that runs: ``Chromium 131.0.6778.85``. Raises MachineryError where it does not."""
    return version_of(browser, r"^\s*([A-Za-z][A-Za-z ]*\d+(?:\.\d+)+)")


def run_in_browser(
    job: TfjsJob,
    bundle: Bundle,
    browser: Path,
    *,
    scratch: Path,
    log: Path,
    backends: tuple[str, ...] = BACKENDS,
    limits: process.Limits = LIMITS,
    post_limits: PostLimits = PostLimits(),
    stop: threading.Event | None = None,
) -> TfjsExit:
    """Load and run the model in a browser page; the record, the outputs and the exit codes are those of run_in_node.

    Whatever ends the browser or its tab before the page says how it ended is a fault, none of the model's. Raises
    Interrupted when ``stop`` is set, MachineryError where the browser does not get as far as opening the page.
    """
    # Chromium aborts where the path of a socket in TMPDIR passes 107 bytes: not in the store, whose path may be long.
    place = Path("/tmp") if os.name == "posix" and os.access("/tmp", os.W_OK) else None
    with serve(job, bundle, backends, post_limits) as page, temporary_folder("tfjs-compat-browser-", place) as home:
        # Chromium's own sandbox refuses to run as root.
        root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        command = [str(browser), *_FLAGS, *root, f"--user-data-dir={home / 'profile'}", page.address]
        child = process.Child(command, env=clean_environment(home), cwd=scratch, log=log)
        with _start_limit(page):
            ended = child.finish(limits, stop, until=page.ended)
    if not page.opened.is_set():
        how = f"was stopped: it took more than {_START_SECONDS:g} s" if page.fault is not None else ended.describe()
        raise MachineryError(f"{browser.name} did not open a page: it {how}: {_tail(log)}")
    if page.exit_code is not None:
        return TfjsExit(ExitStatus(page.exit_code, None, ended.seconds, ended.peak_memory))
    if page.limit_exceeded is not None:
        return TfjsExit(ExitStatus(ended.exit_code, page.limit_exceeded, ended.seconds, ended.peak_memory))
    fault = page.fault or outside_fault("the browser", ended)
    if fault is None and ended.limit_exceeded is None:
        fault = f"the browser {ended.describe()} before its page did"
    return TfjsExit(ended, fault)


@contextlib.contextmanager
def _start_limit(page: PageServer) -> Iterator[None]:
    """End the page where it has not been opened in time."""
    timer = threading.Timer(_START_SECONDS, lambda: None if page.opened.is_set() else page.end(fault="not opened"))
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
        return " | ".join(lines[-3:])[-500:]
    return ""
