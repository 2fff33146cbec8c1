"""The same check in headless Chromium or Chrome, where converted models live.

A server on 127.0.0.1, on a free port and under an unguessable path, hands the page the bundle, the job and the files of
the model's folder, and takes the record and the outputs back. The browser is a child with a fresh profile.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import msgspec

from tfjs_compat.errors import Interrupted, MachineryError
from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.trials.runtimes.bundle import Bundle
from tfjs_compat.trials.runtimes.job import LIMITS, TfjsJob

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
_INSIDE = Path(__file__).parents[2] / "inside"
_PAGE = b"""<!doctype html><meta charset="utf-8"><title>tfjs-compat</title>
<script src="tf.min.js"></script><script src="tfjs_core.js"></script><script src="tfjs_page.js"></script>
"""
_LARGEST_POST = 1 << 30


def find_browser(named: str | None = None) -> Path:
    """The browser to use: ``named`` (a path or a name on PATH), else the first Chromium or Chrome that is found.

    Raises MachineryError that names what was looked for.
    """
    for name in (named,) if named else _NAMES:
        if found := shutil.which(name):
            return Path(found)
    if named is None:
        for application in _APPLICATIONS:
            if os.access(application, os.X_OK):
                return Path(application)
    looked = named or f"{', '.join(_NAMES)} on PATH, and Google Chrome or Chromium in /Applications"
    raise MachineryError(f"no browser found (looked for {looked}): install Chromium, or use the runtime 'node'")


def run_in_browser(
    task: TfjsJob,
    bundle: Bundle,
    browser: Path,
    *,
    scratch: Path,
    log: Path,
    backends: tuple[str, ...] = BACKENDS,
    limits: process.Limits = LIMITS,
    stop: threading.Event | None = None,
) -> process.ExitStatus:
    """Load and run the model in a browser page; the record, the outputs and the exit codes are those of run_in_node.

    Raises Interrupted when ``stop`` is set, MachineryError where the browser does not get as far as opening the page.
    """
    with _served(task, bundle, backends) as page, _short_folder() as home:
        # Chromium's own sandbox refuses to run as root.
        root = ("--no-sandbox",) if hasattr(os, "geteuid") and os.geteuid() == 0 else ()
        command = [str(browser), *_FLAGS, *root, f"--user-data-dir={home / 'profile'}", page.address]
        started = time.monotonic()
        try:
            ended = process.run(
                command,
                env=clean_environment(home),
                cwd=scratch,
                log=log,
                limits=limits,
                stop=_Either(page.done, stop),
            )
        except Interrupted:
            if page.exit_code is None:
                raise
            return process.ExitStatus(page.exit_code, None, time.monotonic() - started, 0)
        if page.exit_code is not None:
            return process.ExitStatus(page.exit_code, None, ended.seconds, ended.peak_memory)
        if not page.opened:
            raise MachineryError(f"{browser.name} did not open a page: it {ended.describe()}: {_tail(log)}")
        return ended


@contextlib.contextmanager
def _short_folder() -> Iterator[Path]:
    """A folder for profile and HOME with a short path: Chromium aborts where a socket's path passes 107 bytes."""
    place = "/tmp" if os.name == "posix" and os.access("/tmp", os.W_OK) else None
    with tempfile.TemporaryDirectory(dir=place, prefix="tc-", ignore_cleanup_errors=True) as folder:
        yield Path(folder)


def _tail(log: Path) -> str:
    with contextlib.suppress(OSError):
        lines = [line for line in log.read_text("utf-8", "replace").splitlines() if line.strip()]
        return " | ".join(lines[-3:])[-500:]
    return ""


class _Either(threading.Event):
    """Set when either of two events is."""

    def __init__(self, one: threading.Event, other: threading.Event | None) -> None:
        super().__init__()
        self.read_events = [one] if other is None else [one, other]

    def is_set(self) -> bool:
        return any(event.is_set() for event in self.read_events)


class _Server(ThreadingHTTPServer):
    """Holds what one page is given and what it said."""

    daemon_threads = True

    def __init__(self, task: TfjsJob, files: dict[str, Path | bytes]) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.task, self.files = task, files
        self.model = task.model.resolve()
        self.secret = secrets.token_urlsafe(24)
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.address = f"http://{self.host}/{self.secret}/"
        self.done = threading.Event()
        self.opened = False
        self.exit_code: int | None = None


@contextlib.contextmanager
def _served(task: TfjsJob, bundle: Bundle, backends: tuple[str, ...]) -> Iterator[_Server]:
    job = {
        "format": task.format,
        "backends": backends,
        "expected": task.expected is not None,
        "signature_outputs": task.signature_outputs,
        "load_only": task.inputs is None,
    }
    files: dict[str, Path | bytes] = {
        "": _PAGE,
        "tf.min.js": bundle.path,
        "tfjs_core.js": _INSIDE / "tfjs_core.js",
        "tfjs_page.js": _INSIDE / "tfjs_page.js",
        "job.json": msgspec.json.encode(job),
    }
    for name, folder in (("inputs", task.inputs), ("expected", task.expected)):
        if folder is not None:
            files |= {f"{name}/{file}": folder / file for file in ("tensors.json", "tensors.bin")}
    server = _Server(task, files)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Serve a file of the job, or one of the model's folder."""
        asked = self._asked()
        if asked is None:
            return
        name, query = asked
        if name == "file":
            self._send_model_file(parse_qs(query, keep_blank_values=True).get("name", [""])[0])
        elif name in self.server.files:
            self.server.opened = True
            source = self.server.files[name]
            self._send_source(source, name)
        else:
            self._send(404, b"no such thing")

    def do_POST(self) -> None:
        """Take an event of the record, an output file, or the page's exit code."""
        asked = self._asked()
        length = self.headers.get("Content-Length", "")
        if asked is None or not re.fullmatch(r"\d{1,12}", length) or int(length) > _LARGEST_POST:
            return
        body = self.rfile.read(int(length))
        task, name = self.server.task, asked[0]
        if self.server.done.is_set():
            pass
        elif name == "event":
            with task.record.open("ab") as record:
                record.write(body.replace(b"\n", b" ") + b"\n")
        elif name in ("outputs/tensors.json", "outputs/tensors.bin"):
            task.outputs.mkdir(parents=True, exist_ok=True)
            (task.outputs / Path(name).name).write_bytes(body)
        elif name == "done":
            self.server.exit_code = 0 if body == b"0" else 1
        self._send(200, b"")
        if name == "done":
            self.server.done.set()

    def _asked(self) -> tuple[str, str] | None:
        """What is asked for under the secret path; anybody else is told nothing."""
        parts = urlsplit(self.path)
        prefix = f"/{self.server.secret}/"
        if self.headers.get("Host") != self.server.host or not parts.path.startswith(prefix):
            self._send(404, b"")
            return None
        return parts.path[len(prefix) :], parts.query

    def _send_model_file(self, name: str) -> None:
        shown = msgspec.json.encode(name)
        bad = not name or "\\" in name or "\0" in name or name.startswith("/") or re.match(r"[A-Za-z][\w+.-]*:", name)
        path = None if bad or ".." in name.split("/") else (self.server.model / name).resolve()
        if path is None or not path.is_relative_to(self.server.model):
            self._send(403, b"the artifact names a file outside its folder: " + shown)
        elif not path.is_file():
            self._send(404, b"the artifact has no file " + shown)
        else:
            self._send_source(path, name)

    def _send_source(self, source: Path | bytes, name: str) -> None:
        try:
            content = source if isinstance(source, bytes) else source.read_bytes()
        except OSError as error:
            self._send(404, f"{name}: {error.strerror}".encode())
            return
        kinds = {"": "text/html; charset=utf-8", ".js": "text/javascript", ".json": "application/json"}
        self._send(200, content, kinds.get(Path(name).suffix, "application/octet-stream"))

    def _send(self, status: int, content: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        with contextlib.suppress(OSError):
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.send_header("Cache-Control", "no-store")
            # The page reaches its own server and nothing else. The bundle does not even start without eval.
            self.send_header("Content-Security-Policy", "default-src 'self'; script-src 'self' 'unsafe-eval'")
            self.end_headers()
            self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what matters is in the record."""
