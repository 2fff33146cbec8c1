"""What a page is served and may send, without a browser."""

from __future__ import annotations

import http.client
import os
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tfjs_compat.trials.runtimes.bundle import Bundle
from tfjs_compat.trials.runtimes.job import TfjsJob
from tfjs_compat.trials.runtimes.page_server import PageServer, PostLimits, serve

LIMITS = PostLimits(requests=6, record=100, bytes=1000)


@pytest.fixture
def job(tmp_path: Path) -> TfjsJob:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.json").write_text("{}")
    (tmp_path / "secret").write_text("secret")
    return TfjsJob(tmp_path / "model", "layers", None, tmp_path / "outputs", tmp_path / "record.jsonl")


@pytest.fixture
def page(job: TfjsJob, tmp_path: Path) -> Iterator[PageServer]:
    (tmp_path / "tf.min.js").write_text("bundle")
    bundle = Bundle("0.0.1", tmp_path / "tf.min.js", "", "", pinned=False)
    with serve(job, bundle, ("cpu",), LIMITS) as server:
        yield server


def request(page: PageServer, method: str, name: str, body: bytes | None = None, **headers: str) -> tuple[int, bytes]:
    connection = http.client.HTTPConnection(page.host, timeout=10)
    try:
        connection.request(method, f"/{page.secret}/{name}", body, headers)
        response = connection.getresponse()
        return response.status, response.read()
    except (http.client.RemoteDisconnected, ConnectionError):
        return 0, b""
    finally:
        connection.close()


class Alive:
    """A page that is open."""

    def __init__(self, page: PageServer) -> None:
        host, _, port = page.host.partition(":")
        self.socket = socket.create_connection((host, int(port)))
        self.socket.sendall(f"GET /{page.secret}/alive HTTP/1.1\r\nHost: {page.host}\r\n\r\n".encode())
        assert page.opened.wait(10)


def test_a_page_is_served_its_job_and_nothing_else(page: PageServer, tmp_path: Path) -> None:
    assert b"run_in_page.mjs" in request(page, "GET", "")[1]
    assert request(page, "GET", "tf.min.js") == (200, b"bundle")
    assert b'"load_only":true' in request(page, "GET", "job.json")[1]
    assert request(page, "GET", "file?name=model.json") == (200, b"{}")
    assert request(page, "GET", "file?name=model.json&most=1") == (200, b"{")
    assert request(page, "GET", "file?name=model.json&most=3") == (200, b"{}")
    assert request(page, "GET", "file?name=model.json&most=0") == (200, b"")
    assert request(page, "GET", "../secret")[0] == 404
    assert request(page, "GET", "inputs/tensors.bin")[0] == 404
    assert request(page, "GET", "", Host="example.org")[0] == 404


@pytest.mark.parametrize(
    ("name", "status"),
    [("", 403), ("../secret", 403), ("%252e%252e/secret", 403), ("link", 403), ("pipe", 404), ("gone", 404)],
)
def test_only_regular_files_of_the_model_are_served(page: PageServer, job: TfjsJob, name: str, status: int) -> None:
    (job.model / "link").symlink_to(job.model.parent / "secret")
    os.mkfifo(job.model / "pipe")
    assert request(page, "GET", f"file?name={name}")[0] == status


def test_what_a_page_sends_is_kept(page: PageServer, job: TfjsJob) -> None:
    Alive(page)
    assert request(page, "POST", "event", b'{"event":\n"facts"}')[0] == 200
    assert request(page, "POST", "outputs/tensors.bin", b"12")[0] == 200
    assert request(page, "POST", "done", b"0")[0] == 200
    assert job.record.read_bytes() == b'{"event": "facts"}\n'
    assert (job.outputs / "tensors.bin").read_bytes() == b"12"
    assert page.ended.wait(5)
    assert (page.exit_code, page.fault, page.limit_exceeded) == (0, None, None)


@pytest.mark.parametrize(
    ("posts", "limit"),
    [
        ([("event", b"x" * 101)], "0 KiB for its record"),
        ([("event", b"x" * 60)] * 2, "0 KiB for its record"),
        ([("event", b"x")] * 7, "output limit of 6 messages"),
        ([("outputs/tensors.bin", b"x" * 400)] * 3, "output limit"),
        ([("nothing", b"x" * 2000)], "output limit"),
    ],
)
def test_what_a_page_may_send_is_bounded(page: PageServer, posts: list[tuple[str, bytes]], limit: str) -> None:
    for name, body in posts:
        request(page, "POST", name, body)
    assert page.ended.is_set()
    assert limit in (page.limit_exceeded or "")
    assert page.exit_code is None
    assert request(page, "POST", "done", b"0")[0] == 0
    assert page.exit_code is None


def test_a_post_of_gigabytes_is_not_read(page: PageServer) -> None:
    started = time.monotonic()
    assert request(page, "POST", "event", b"x", **{"Content-Length": "4000000000"})[0] == 0
    assert page.limit_exceeded is not None
    assert time.monotonic() - started < 5


def test_a_page_that_goes_without_a_word_crashed(page: PageServer) -> None:
    alive = Alive(page)
    assert not page.ended.wait(0.5)
    alive.socket.close()
    started = time.monotonic()
    assert page.ended.wait(10)
    assert time.monotonic() - started < 3
    assert page.fault == "the browser's tab crashed (possibly out of memory)"


def test_a_page_that_ended_by_itself_did_not_crash(page: PageServer) -> None:
    with ExitStack() as stack:
        stack.callback(Alive(page).socket.close)
        request(page, "POST", "done", b"1")
    time.sleep(0.5)
    assert (page.exit_code, page.fault) == (1, None)


def test_outputs_that_cannot_be_kept_are_a_fault(page: PageServer, job: TfjsJob) -> None:
    job.outputs.write_text("a file")
    request(page, "POST", "outputs/tensors.bin", b"12")
    assert "could not be kept" in (page.fault or "")
