"""Values that several tests start from, and a package index small enough to serve from a test."""

from __future__ import annotations

import hashlib
import io
import json
import threading
import zipfile
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import msgspec

from tfjs_compat.engine.plan import Plan, Planned
from tfjs_compat.index.interpreters import Interpreter
from tfjs_compat.index.releases import Release
from tfjs_compat.locks.lock import Lock, Unresolved
from tfjs_compat.matrix.axes import Combination
from tfjs_compat.matrix.cases import Case, Expectation
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.matrix.routes import find_route
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.outcomes.parity import Parity, Tolerance
from tfjs_compat.outcomes.stages import Stage, Verdict
from tfjs_compat.results.case_result import CaseResult, Results

DATA = Path(__file__).parents[1] / "data"
ROOT = Path(__file__).parents[2]


def model(ref: str = "zoo:mlp", kind: Kind = Kind.BUILDER) -> Model:
    return Model(
        ref=ref,
        name=ref.rpartition(":")[2],
        kind=kind,
        path=f"/models/{ref}",
        digest="0" * 64,
        key=ref,
        search=("/models",),
    )


def combination(**changed: Any) -> Combination:
    return Combination(**{"python": "3.11", "tensorflow": "2.16.1", "tensorflowjs": "4.17.0", **changed})


def case(route: str = "layers", ref: str = "zoo:mlp", **axes: Any) -> Case:
    return Case(combination(**axes), model(ref), find_route(route))


def parity(agrees: bool = True, informative: bool = True) -> Parity:
    return Parity(
        agrees=agrees,
        informative=informative,
        tolerance=Tolerance(),
        outputs=[],
        max_abs=6e-8,
        max_rel=1e-7,
        disagreement=None if agrees else "output y: 3 of 4 values differ",
        uninformative_reason=None if informative else "output y is constant",
    )


def result(**changed: Any) -> CaseResult:
    """A case that works, but for what is changed."""
    combined = changed.pop("combination", None) or combination()
    given: dict[str, Any] = {
        "id": "mlp-layers",
        "combination": combined,
        "resolved": {"python": "3.11.7", "tensorflow": combined.tensorflow, "keras": "3.2.1"},
        "lock": "0123456789abcdef",
        "model": "zoo:mlp",
        "route": "layers",
        "verdict": Verdict.WORKS,
        "stage": Stage.PREDICT,
        "issue": None,
        "issues": (),
        "signature": None,
        "message": "",
        "remedies": (),
        "expected": None,
        "as_expected": True,
        "seconds": {"import": 4.2, "convert": 0.3},
        "parity": parity(),
        "findings": (),
        "log": "cases/mlp-layers/log.txt",
        "cached": False,
    }
    return CaseResult(**{**given, **changed})


FORESEEN = Expectation(verdict=Verdict.FAILS, stage=Stage.CONVERT, reason="bare weight names")


def failed(**changed: Any) -> CaseResult:
    """A case that fails by a known issue, which the matrix does not expect, but for what is changed."""
    given: dict[str, Any] = {
        "verdict": Verdict.FAILS,
        "stage": Stage.CONVERT,
        "issue": "duplicate-weight-name",
        "issues": ("duplicate-weight-name",),
        "signature": "Exception: duplicate weight name kernel",
        "message": "Exception: Error dumping weights, duplicate weight name kernel",
        "remedies": ("use the graph route",),
        "parity": None,
        "as_expected": False,
    }
    return result(**{**given, **changed})


def results(*cases: CaseResult, **changed: Any) -> Results:
    given: dict[str, Any] = {
        "schema": 1,
        "tool": "0.1.0",
        "started": "2026-11-23T12:00:00+00:00",
        "seconds": 65.0,
        "matrix": "seed",
        "until": Stage.PREDICT,
        "complete": True,
        "machine": {"system": "Linux", "machine": "x86_64", "python": "3.11.7", "cpu": "avx2 fma"},
        "left_out": (),
        "cases": cases,
    }
    return Results(**{**given, **changed})


def interpreters(*versions: str) -> tuple[Interpreter, ...]:
    """As the search gives them: newest first."""
    ordered = sorted(versions, key=lambda version: [int(part) for part in version.split(".")], reverse=True)
    return tuple(Interpreter(version, "linux-x86_64", f"/pythons/{version}/bin/python") for version in ordered)


PYTHON = interpreters("3.11.7")[0]


def lock(number: int) -> Lock:
    return Lock(
        f"{number:08x}" * 2, PYTHON.build, {"tensorflow": f"2.{number}.0"}, False, f"tensorflow==2.{number}.0\n"
    )


def planned(model: int, on: int | Unresolved | str, **variables: str) -> Planned:
    """A case of a model of its own, on the lock of that number, or on what stands in a lock's place."""
    made = case(ref=f"zoo:m{model}")
    made = msgspec.structs.replace(made, model=msgspec.structs.replace(made.model, digest=f"{model:064x}"))
    return Planned(made, PYTHON, lock(on) if isinstance(on, int) else on, variables)


def plan(*cases: Planned) -> Plan:
    return Plan(Matrix(), cases, ())


def release(version: str, uploaded: str | None = None, tags: str = "cp310 cp311", yanked: bool = False) -> Release:
    return Release(version, yanked, frozenset(tags.split()), uploaded)


class SmallIndex:
    """A package index (PEP 691, 658, 700) on a port of this machine.

    ``add`` gives it a package; ``status`` is what it answers to everything but 200; ``timed``: it tells upload times,
    which ``days`` has by file where it is not 2024-03-01. ``faults``: how many more times the page of a package, by its
    name, cannot be had. ``yanked`` are files that were withdrawn.
    """

    def __init__(self) -> None:
        self.files: dict[str, dict[str, bytes]] = {}
        self.metadata: dict[str, bytes] = {}
        self.days: dict[str, str] = {}
        self.status = 200
        self.faults: dict[str, int] = {}
        self.yanked: set[str] = set()
        self.timed = True
        self.body: bytes | None = None
        self.requests: list[str] = []
        self.authorizations: list[str | None] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.url = f"http://127.0.0.1:{self._server.server_port}/simple/"

    def __enter__(self) -> SmallIndex:
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def add(self, name: str, version: str, *requires: str, tag: str = "py3-none-any") -> None:
        stem = f"{name.replace('-', '_')}-{version}"
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
        metadata += "".join(f"Requires-Dist: {requirement}\n" for requirement in requires)
        content = io.BytesIO()
        with zipfile.ZipFile(content, "w") as wheel:
            wheel.writestr(f"{stem}.dist-info/METADATA", metadata)
            wheel.writestr(f"{stem}.dist-info/WHEEL", f"Wheel-Version: 1.0\nTag: {tag}\n")
            wheel.writestr(f"{stem}.dist-info/RECORD", "")
        self.files.setdefault(name, {})[f"{stem}-{tag}.whl"] = content.getvalue()
        self.metadata[f"{stem}-{tag}.whl.metadata"] = metadata.encode()

    def _file(self, name: str, file: str) -> bytes:
        return self.metadata[file] if file in self.metadata else self.files[name][file]

    def _page(self, name: str) -> bytes:
        files = [
            {
                "filename": file,
                "url": f"/files/{name}/{file}",
                "hashes": {"sha256": hashlib.sha256(content).hexdigest()},
                "core-metadata": True,
                "yanked": file in self.yanked,
                **({"upload-time": f"{self.days.get(file, '2024-03-01')}T12:00:00Z"} if self.timed else {}),
            }
            for file, content in self.files[name].items()
        ]
        return json.dumps({"meta": {"api-version": "1.1"}, "name": name, "versions": [], "files": files}).encode()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        index = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                index.requests.append(self.path)
                index.authorizations.append(self.headers.get("Authorization"))
                kind, name, *file = self.path.strip("/").split("/")
                known = name in index.files
                status = index.status if index.status != 200 else 200 if known else 404
                if index.faults.get(name, 0) > 0:
                    index.faults[name] -= 1
                    status = 500
                body = b""
                if status == 200:
                    body = index.body or (index._file(name, file[0]) if kind == "files" else index._page(name))
                self.send_response(status)
                self.send_header("Content-Type", "application/vnd.pypi.simple.v1+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        return Handler
