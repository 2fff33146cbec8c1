"""What the page in a browser is served, and what it sends back: files out, the record and the outputs in.

A server on 127.0.0.1, on a free port and under an unguessable path. The page holds one request open for as long as it
lives: the browser closes it when the page's process ends, however it ends, so that a crash is noticed at once and a
page that computes for minutes is not taken for one.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO
from urllib.parse import parse_qs, urlsplit

import msgspec

from tfjs_compat.artifact.shards import open_regular, resolve_inside, why_refused
from tfjs_compat.trials.runtimes.bundle import Bundle
from tfjs_compat.trials.runtimes.job import TfjsJob

_PROGRAMS = Path(__file__).parents[2] / "inside" / "tfjs"
_PAGE = b"""<!doctype html><meta charset="utf-8"><title>tfjs-compat</title>
<script src="alive.js"></script><script src="tf.min.js"></script>
<script type="module" src="tfjs/run_in_page.mjs"></script>
"""
# Kept by the page: what nothing refers to any more, the browser may close.
_ALIVE = b"'use strict';\nwindow.tfjsCompatAlive = fetch('alive').catch(() => {});\n"
_ALIVE_SECONDS = 5.0
_LOOK_SECONDS = 0.2
_LAST_WORDS_SECONDS = 1.0
"""For a post that the page sent before it ended, and that another thread still reads."""


class PostLimits(msgspec.Struct, frozen=True):
    """What a page may send: requests, bytes of its record (all events), bytes of events and outputs together."""

    requests: int = 10_000
    record: int = 4 << 20
    bytes: int = 1 << 30


class PageServer(ThreadingHTTPServer):
    """Serves one page one job.

    ``ended`` is set when it is known how the page ended: ``exit_code`` is what the page said, else ``fault`` what ended
    it that is not the model's doing (its process crashed, the disk is full), else ``limit_exceeded`` what it passed.
    """

    daemon_threads = True

    def __init__(self, job: TfjsJob, files: dict[str, Path | bytes], limits: PostLimits) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.job, self.files, self.limits = job, files, limits
        self.model = job.model.resolve()
        self.secret = secrets.token_urlsafe(24)
        self.host = f"127.0.0.1:{self.server_address[1]}"
        self.address = f"http://{self.host}/{self.secret}/"
        self.opened = threading.Event()
        self.ended = threading.Event()
        self.exit_code: int | None = None
        self.fault: str | None = None
        self.limit_exceeded: str | None = None
        self._changing = threading.Lock()
        self._requests = self._bytes = 0

    def end(self, exit_code: int | None = None, *, fault: str | None = None, limit: str | None = None) -> None:
        """Say how the page ended; what was said first stays."""
        with self._changing:
            if not self.ended.is_set():
                self.exit_code, self.fault, self.limit_exceeded = exit_code, fault, limit
                self.ended.set()

    def admit(self, length: int) -> bool:
        """Whether a post of so many bytes is still within the limits; where it is not, the page has ended by that."""
        with self._changing:
            self._requests += 1
            self._bytes += length
            passed = self._requests > self.limits.requests or self._bytes > self.limits.bytes
        if passed:
            most = f"{self.limits.requests} messages and {self.limits.bytes / 2**20:.0f} MiB"
            self.end(limit=f"over its output limit of {most}")
        return not passed and not self.ended.is_set()


@contextlib.contextmanager
def serve(
    job: TfjsJob, bundle: Bundle, backends: tuple[str, ...], limits: PostLimits = PostLimits()
) -> Iterator[PageServer]:
    """A server for one page, until the block ends; ``backends`` are what the page tries, in this order."""
    content = {
        "format": job.format,
        "backends": backends,
        "expected": job.expected is not None,
        "load_only": job.inputs is None,
    }
    files: dict[str, Path | bytes] = {
        "": _PAGE,
        "alive.js": _ALIVE,
        "tf.min.js": bundle.path,
        "job.json": msgspec.json.encode(content),
    }
    files |= {f"tfjs/{program.name}": program for program in _PROGRAMS.glob("*.mjs")}
    for name, folder in (("inputs", job.inputs), ("expected", job.expected)):
        if folder is not None:
            files |= {f"{name}/{file}": folder / file for file in ("tensors.json", "tensors.bin")}
    server = PageServer(job, files, limits)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        # Also ends the thread that watches over the page.
        server.end()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    server: PageServer
    timeout = 60.0

    def do_GET(self) -> None:
        """Serve a file of the job, or one of the model's folder."""
        requested = self._requested()
        if requested is None:
            return
        name, query = requested
        if name == "alive":
            self._watch_page()
        elif name == "file":
            asked = parse_qs(query, keep_blank_values=True)
            most = asked.get("most", [""])[0]
            self._send_model_file(asked.get("name", [""])[0], int(most) if re.fullmatch(r"\d{1,15}", most) else None)
        elif name in self.server.files:
            source = self.server.files[name]
            self._send(200, source, _type_of(name)) if isinstance(source, bytes) else self._send_file(source, name)
        else:
            self._send(404, b"no such thing")

    def do_POST(self) -> None:
        """Take an event of the record, an output file, or the page's exit code."""
        requested = self._requested()
        length = self.headers.get("Content-Length", "")
        if requested is None or not re.fullmatch(r"\d{1,12}", length) or not self.server.admit(int(length)):
            self.close_connection = True
            return
        name, job = requested[0], self.server.job
        try:
            if name == "event":
                self._add_event(int(length))
            elif name in ("outputs/tensors.json", "outputs/tensors.bin"):
                job.outputs.mkdir(parents=True, exist_ok=True)
                with (job.outputs / Path(name).name).open("wb") as file:
                    self._receive(int(length), file)
            elif name == "done":
                body = self.rfile.read(min(int(length), 16))
                self._send(200, b"")
                self.server.end(0 if body == b"0" else 1)
                return
        except OSError as error:
            self.server.end(fault=f"what the page sent could not be kept ({error.strerror or error})")
        self._send(200, b"")

    def _watch_page(self) -> None:
        """Answer without end; the connection ends when the page does."""
        server = self.server
        server.opened.set()
        with contextlib.suppress(OSError):
            self.send_response(200)
            self.send_header("Content-Type", "application/octet-stream")
            self.end_headers()
            self.connection.settimeout(_LOOK_SECONDS)
            sent = time.monotonic()
            while not server.ended.is_set():
                with contextlib.suppress(TimeoutError):
                    if not self.connection.recv(1):
                        break
                if time.monotonic() - sent > _ALIVE_SECONDS:
                    # Nothing on the way may take the connection for an idle one.
                    self.wfile.write(b" ")
                    sent = time.monotonic()
        if not server.ended.wait(_LAST_WORDS_SECONDS):
            server.end(fault="the browser's tab crashed (possibly out of memory)")

    def _add_event(self, length: int) -> None:
        most, record = self.server.limits.record, self.server.job.record
        if length + (record.stat().st_size if record.exists() else 0) > most:
            self.server.end(limit=f"over its limit of {most >> 10} KiB for its record")
            return
        event = self.rfile.read(length)
        if not self.server.ended.is_set():
            with record.open("ab") as file:
                file.write(event.replace(b"\n", b" ") + b"\n")

    def _receive(self, length: int, file: IO[bytes]) -> None:
        while length > 0 and (chunk := self.rfile.read(min(length, 1 << 20))):
            file.write(chunk)
            length -= len(chunk)

    def _requested(self) -> tuple[str, str] | None:
        """The path under the secret one, and the query; a request without it gets no answer but 404."""
        parts = urlsplit(self.path)
        prefix = f"/{self.server.secret}/"
        if self.headers.get("Host") != self.server.host or not parts.path.startswith(prefix):
            self._send(404, b"")
            return None
        return parts.path[len(prefix) :], parts.query

    def _send_model_file(self, name: str, most: int | None) -> None:
        shown = msgspec.json.encode(name.encode("utf-8", "replace").decode())
        model = self.server.model
        path = resolve_inside(model, name) if why_refused(name) is None else None
        if path is not None:
            self._send_file(path, name, most)
        elif why_refused(name) is None and not os.path.lexists(model / name):
            self._send(404, b"the artifact has no file " + shown)
        else:
            self._send(403, b"the artifact names a file outside its folder: " + shown)

    def _send_file(self, path: Path, name: str, most: int | None = None) -> None:
        """Send a file, or its first bytes, at most so many."""
        opened = open_regular(path)
        if opened is None:
            self._send(404, f"the artifact has no file {name}".encode("utf-8", "replace"))
            return
        with os.fdopen(opened, "rb") as file, contextlib.suppress(OSError):
            left = os.fstat(opened).st_size if most is None else min(most, os.fstat(opened).st_size)
            self._send_head(200, left, _type_of(name))
            while left > 0 and (chunk := file.read(min(1 << 20, left))):
                self.wfile.write(chunk)
                left -= len(chunk)

    def _send(self, status: int, content: bytes, kind: str = "text/plain; charset=utf-8") -> None:
        with contextlib.suppress(OSError):
            self._send_head(status, len(content), kind)
            self.wfile.write(content)

    def _send_head(self, status: int, length: int, kind: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(length))
        self.send_header("Cache-Control", "no-store")
        # The page reaches its own server and nothing else. The bundle does not even start without eval.
        self.send_header("Content-Security-Policy", "default-src 'self'; script-src 'self' 'unsafe-eval'")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing: what matters is in the record."""


def _type_of(name: str) -> str:
    script = "text/javascript"
    kinds = {"": "text/html; charset=utf-8", ".js": script, ".mjs": script, ".json": "application/json"}
    return kinds.get(Path(name).suffix, "application/octet-stream")
