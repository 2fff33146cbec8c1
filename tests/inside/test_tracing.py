"""What a server does once for its cases: only what it has loaded itself, and never a failure."""

from __future__ import annotations

import gc
import importlib.util
import json
import sys
import types
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "tfjs_compat" / "inside" / "tfjs_case" / "tracing.py"


class Options:
    def __init__(self, *told: Any) -> None:
        self._told = told

    def as_tuple(self) -> tuple[Any, ...]:
        return self._told


class Rewriter:
    """As much of autograph as is used: a cache by code object, and what was rewritten."""

    def __init__(self) -> None:
        self._cache = types.SimpleNamespace(_cache={})
        self.rewritten: list[Any] = []

    def transform_function(self, function: Any, context: Any) -> None:
        self.rewritten.append(function)
        if function.__name__ == "stubborn":
            raise ValueError("cannot be rewritten")


@pytest.fixture
def rewriter(monkeypatch: pytest.MonkeyPatch) -> Iterator[Rewriter]:
    rewriter = Rewriter()
    converter = types.SimpleNamespace(ProgramContext=lambda options: options, ConversionOptions=Options)
    for name in ("tensorflow", "tensorflow.python", "tensorflow.python.autograph"):
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    for name, values in (
        ("core", {"converter": converter}),
        ("impl", {"api": types.SimpleNamespace(_TRANSPILER=rewriter)}),
    ):
        module = types.ModuleType(f"tensorflow.python.autograph.{name}")
        module.__dict__.update(values)
        monkeypatch.setitem(sys.modules, module.__name__, module)
    monkeypatch.setitem(sys.modules, "tf_keras", types.ModuleType("tf_keras"))
    return rewriter


@pytest.fixture
def tracing() -> Any:
    spec = importlib.util.spec_from_file_location("tracing", SOURCE)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def known() -> None:
    pass


def stubborn() -> None:
    pass


def other() -> None:
    pass


USUAL = Options(True, False, True, frozenset())


def test_what_a_case_rewrote_is_rewritten_once(tracing: Any, rewriter: Rewriter, tmp_path: Path) -> None:
    cache = rewriter._cache._cache
    cache |= {stubborn.__code__: {USUAL: 1}, known.__code__: {USUAL: 1}, other.__code__: {Options(False): 1}}
    made_in_the_case: dict[str, Any] = {}
    exec(compile("def own(): pass", "model.py", "exec"), made_in_the_case)
    cache[made_in_the_case.pop("own").__code__] = {USUAL: 1}
    tracing.tell(str(tmp_path))
    told = tracing.told(str(tmp_path))
    assert {name for _, _, name in told} == {"known", "stubborn", "own"}
    follower = tracing.Follower()
    follower.follow(told)
    assert sorted(one.__name__ for one in rewriter.rewritten) == ["known", "stubborn"]
    follower.follow(told)
    assert len(rewriter.rewritten) == 2


def test_what_is_loaded_is_found_where_the_collector_does_not_look(tracing: Any, rewriter: Rewriter) -> None:
    gc.freeze()
    try:
        place = (known.__code__.co_filename, known.__code__.co_firstlineno, "known")
        assert tracing.Follower().follow({place})
    finally:
        gc.unfreeze()
    assert rewriter.rewritten == [known]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"5", b"[[1, [2]]]", b"\xff", b"[" * 100_000, json.dumps([["a"]] * 9).encode()]
)
def test_whatever_a_case_writes_there(tracing: Any, rewriter: Rewriter, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rewritten.json").write_bytes(content)
    tracing.Follower().follow(tracing.told(str(tmp_path)))
    assert rewriter.rewritten == []


def test_another_tensorflow_is_left_alone(tracing: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tf_keras", types.ModuleType("tf_keras"))
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    tracing.tell(str(tmp_path))
    assert tracing.told(str(tmp_path)) == set()
    tracing.Follower().follow({("a.py", 1, "b")})
