"""A package index whose answers can be damaged, each kind of damage as data."""

from __future__ import annotations

import hashlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler
from typing import Literal

import msgspec

from support.samples import SmallIndex

PORTAL = b"<!DOCTYPE html><html><body><h1>Welcome</h1><p>Please log in to use this network.</p></body></html>"

PORTAL_WITH_LINKS = PORTAL.replace(
    b"<p>", b'<a href="/terms">Terms</a> <a href="https://wifi.example/guest-1.0.tar.gz">Our app</a> <p>'
)

Damage = Literal[
    "status",
    "cut",
    "shorten",
    "flip",
    "delay",
    "html",
    "html-links",
    "other-page",
    "redirect",
    "empty",
    "reset",
    "half-page",
    "wrong-hash",
    "odd-pythons",
    "odd-names",
]
"""``cut``: the connection ends before the length that was announced; ``shorten``: half of it, announced as all of it;
``half-page``: half of it with no length announced; ``flip``: a bit of the middle; ``html``: a login page with status
200; ``html-links``: one with links; ``redirect``: to a login page; ``other-page``: the page of another package;
``reset``: no answer at all; ``wrong-hash``: a page with another hash for every file; ``odd-pythons``,
``odd-names``: one whose files need a Python of no version, or have names without a version."""

Part = Literal["page", "metadata", "wheel"]


class Fault(msgspec.Struct, frozen=True):
    """One damage to the answers about one part of a package, the first ``times`` of them (None: all).

    ``status`` is the answer's for the damage of that name, ``seconds`` the delay's.
    """

    damage: Damage
    part: Part
    package: str
    times: int | None = None
    status: int = 503
    seconds: float = 0.5


class FaultyIndex(SmallIndex):
    """An index that answers with faults. ``core_metadata``: it has PEP 658 files, ``form``: of its pages."""

    def __init__(
        self, *faults: Fault, core_metadata: bool = True, form: Literal["json", "html"] = "json", ranges: bool = False
    ) -> None:
        self.damages = list(faults)
        self.core_metadata, self.form, self.ranges = core_metadata, form, ranges
        self.answered: dict[Fault, int] = {}
        self._counting = threading.Lock()
        super().__init__()

    def _page(self, name: str) -> bytes:
        page = json.loads(super()._page(name))
        for file in page["files"]:
            if self.core_metadata:
                content = self.metadata[f"{file['filename']}.metadata"]
                file["core-metadata"] = {"sha256": hashlib.sha256(content).hexdigest()}
            else:
                del file["core-metadata"]
        if self.form == "json":
            return json.dumps(page).encode()
        rows = [
            f'<a href="{file["url"]}#sha256={file["hashes"]["sha256"]}"'
            + (f' data-core-metadata="sha256={file["core-metadata"]["sha256"]}"' if self.core_metadata else "")
            + f">{file['filename']}</a><br>\n"
            for file in page["files"]
        ]
        return f"<!DOCTYPE html>\n<html><body>\n{''.join(rows)}</body></html>\n".encode()

    def _due(self, name: str, part: Part) -> Fault | None:
        with self._counting:
            for fault in self.damages:
                count = self.answered.get(fault, 0)
                if (fault.package, fault.part) == (name, part) and (fault.times is None or count < fault.times):
                    self.answered[fault] = count + 1
                    return fault
        return None

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self) -> None:
                self.answer(send_body=False)

            def do_GET(self) -> None:
                self.answer(send_body=True)

            def answer(self, send_body: bool) -> None:
                index.requests.append(self.path)
                path = self.path.partition("?")[0]
                kind, name, *file = [*path.strip("/").split("/"), ""]
                if kind == "portal":
                    return self.send(200, PORTAL, "text/html", send_body)
                if name not in index.files or (
                    kind == "files" and file[0] not in {**index.files[name], **index.metadata}
                ):
                    return self.send(404, b"no such thing", "text/plain", send_body)
                part: Part = "page" if kind != "files" else "metadata" if file[0].endswith(".metadata") else "wheel"
                body = index._file(name, file[0]) if kind == "files" else index._page(name)
                type_ = "application/octet-stream"
                if part == "page":
                    type_ = "text/html" if index.form == "html" else "application/vnd.pypi.simple.v1+json"
                fault = index._due(name, part)
                if fault is not None:
                    return self.damaged(fault, body, type_, send_body)
                wanted = re.fullmatch(r"bytes=(\d*)-(\d*)", self.headers.get("Range", ""))
                if index.ranges and part == "wheel" and wanted is not None:
                    start = int(wanted[1]) if wanted[1] else len(body) - int(wanted[2])
                    stop = int(wanted[2]) + 1 if wanted[1] and wanted[2] else len(body)
                    return self.send(206, body[start:stop], type_, send_body, start=start, whole=len(body))
                return self.send(200, body, type_, send_body)

            def damaged(self, fault: Fault, body: bytes, type_: str, send_body: bool) -> None:
                half = len(body) // 2
                match fault.damage:
                    case "status":
                        self.send(fault.status, b"a fault", "text/plain", send_body)
                    case "cut":
                        self.send(200, body, type_, send_body, sent=half)
                    case "shorten":
                        self.send(200, body[:half], type_, send_body)
                    case "half-page":
                        self.send(200, body[:half], type_, send_body, announce=False)
                    case "flip":
                        self.send(200, body[:half] + bytes([body[half] ^ 1]) + body[half + 1 :], type_, send_body)
                    case "delay":
                        time.sleep(fault.seconds)
                        self.send(200, body, type_, send_body)
                    case "html":
                        self.send(200, PORTAL, "text/html", send_body)
                    case "html-links":
                        self.send(200, PORTAL_WITH_LINKS, "text/html", send_body)
                    case "other-page":
                        other = next(name for name in index.files if name != fault.package)
                        self.send(200, index._page(other), type_, send_body)
                    case "redirect":
                        self.send_response(302)
                        self.send_header("Location", "/portal")
                        self.send_header("Content-Length", "0")
                        self.end_headers()
                    case "empty":
                        self.send(200, b"", type_, send_body)
                    case "wrong-hash":
                        self.send(
                            200, re.sub(rb'("sha256": ")[0-9a-f]{63}', rb"\g<1>" + b"0" * 63, body), type_, send_body
                        )
                    case "odd-pythons":
                        page = json.loads(body)
                        files = [{**file, "requires-python": ">=>=\x1b"} for file in page["files"]]
                        self.send(200, json.dumps({**page, "files": files}).encode(), type_, send_body)
                    case "odd-names":
                        self.send(200, re.sub(rb"-[\d.]+-py3", b"-x-py3", body), type_, send_body)
                    case "reset":
                        self.close_connection = True

            def send(
                self,
                status: int,
                body: bytes,
                type_: str,
                send_body: bool,
                *,
                sent: int | None = None,
                announce: bool = True,
                start: int | None = None,
                whole: int = 0,
            ) -> None:
                self.send_response(status)
                self.send_header("Content-Type", type_)
                if index.ranges:
                    self.send_header("Accept-Ranges", "bytes")
                if start is not None:
                    self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{whole}")
                if announce:
                    self.send_header("Content-Length", str(len(body)))
                if not announce or sent is not None:
                    self.close_connection = True
                    self.send_header("Connection", "close")
                self.end_headers()
                if send_body:
                    self.wfile.write(body if sent is None else body[:sent])

            def log_message(self, *_: object) -> None:
                pass

        return Handler
