"""An example model as one file that stands alone."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from tfjs_compat.handover.reproduction.example_code import standalone

ZOO = Path(__file__).parents[3] / "src" / "tfjs_compat" / "inside" / "zoo"
SOURCES = {path.stem: path.read_text("utf-8") for path in ZOO.glob("*.py")}
EXAMPLES = [
    (module, node.name)
    for module, source in SOURCES.items()
    if not module.startswith("_")
    for node in ast.parse(source).body
    if isinstance(node, ast.FunctionDef) and not node.name.startswith("_")
]


@pytest.mark.parametrize(("module", "function"), EXAMPLES)
def test_every_example_stands_alone(module: str, function: str) -> None:
    text = standalone(SOURCES, module, function)
    tree = ast.parse(text, feature_version=(3, 8))
    assert not [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.level]
    defined = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store)}
    defined |= {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.ClassDef)}
    defined |= {
        alias.asname or alias.name
        for n in ast.walk(tree)
        if isinstance(n, ast.Import | ast.ImportFrom)
        for alias in n.names
    }
    defined |= {each.arg for each in ast.walk(tree) if isinstance(each, ast.arg)}
    used = {name.id for name in ast.walk(tree) if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Load)}
    assert used - defined - set(dir(__builtins__) if not isinstance(__builtins__, dict) else __builtins__) == set()
    # No other example comes along, and what comes along still has its decorator.
    assert [name for _, name in EXAMPLES if name in {getattr(node, "name", "") for node in tree.body}] == [function]
    assert "@random_weights\ndef" in text


def test_what_is_not_there_is_refused() -> None:
    with pytest.raises(KeyError):
        standalone(SOURCES, "dense", "seed")
