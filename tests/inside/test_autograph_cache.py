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

SOURCE = Path(__file__).parents[2] / "src" / "tfjs_compat" / "inside" / "tfjs_case" / "autograph_cache.py"


class Options:
    def __init__(self, *options: Any) -> None:
        self._options = options

    def as_tuple(self) -> tuple[Any, ...]:
        return self._options


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
def autograph_cache() -> Any:
    spec = importlib.util.spec_from_file_location("autograph_cache", SOURCE)
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


def test_what_a_case_rewrote_is_rewritten_once(autograph_cache: Any, rewriter: Rewriter, tmp_path: Path) -> None:
    cache = rewriter._cache._cache
    cache |= {stubborn.__code__: {USUAL: 1}, known.__code__: {USUAL: 1}, other.__code__: {Options(False): 1}}
    made_in_the_case: dict[str, Any] = {}
    exec(compile("def own(): pass", "model.py", "exec"), made_in_the_case)
    cache[made_in_the_case.pop("own").__code__] = {USUAL: 1}
    autograph_cache.export(str(tmp_path))
    places = autograph_cache.load(str(tmp_path))
    assert {name for _, _, name in places} == {"known", "stubborn", "own"}
    warmer = autograph_cache.Warmer()
    warmer.warm(places)
    assert sorted(function.__name__ for function in rewriter.rewritten) == ["known", "stubborn"]
    warmer.warm(places)
    assert len(rewriter.rewritten) == 2


def test_frozen_functions_are_found(autograph_cache: Any, rewriter: Rewriter) -> None:
    gc.freeze()
    try:
        place = (known.__code__.co_filename, known.__code__.co_firstlineno, "known")
        assert autograph_cache.Warmer().warm({place})
    finally:
        gc.unfreeze()
    assert rewriter.rewritten == [known]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"5", b"[[1, [2]]]", b"\xff", b"[" * 100_000, json.dumps([["a"]] * 9).encode()]
)
def test_whatever_a_case_writes_there(autograph_cache: Any, rewriter: Rewriter, tmp_path: Path, content: bytes) -> None:
    (tmp_path / "rewritten.json").write_bytes(content)
    autograph_cache.Warmer().warm(autograph_cache.load(str(tmp_path)))
    assert rewriter.rewritten == []


def test_another_tensorflow_is_left_alone(
    autograph_cache: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "tf_keras", types.ModuleType("tf_keras"))
    monkeypatch.setitem(sys.modules, "tensorflow", None)
    autograph_cache.export(str(tmp_path))
    assert autograph_cache.load(str(tmp_path)) == set()
    autograph_cache.Warmer().warm({("a.py", 1, "b")})
