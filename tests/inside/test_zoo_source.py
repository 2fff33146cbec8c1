"""The zoo as the host sees it: source text, never imported, so no TensorFlow is needed here."""

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
ZOO = ROOT / "src" / "tfjs_compat" / "inside" / "zoo"
MODULES = sorted(ZOO.glob("*.py"))
ALLOWED_IMPORTS = {"tensorflow", "numpy"} | set(sys.stdlib_module_names)


def parse(module: Path) -> ast.Module:
    return ast.parse(module.read_text("utf-8"), filename=module.name, feature_version=(3, 8))


def builders(module: Path) -> list[ast.FunctionDef]:
    functions = [node for node in parse(module).body if isinstance(node, ast.FunctionDef)]
    return [node for node in functions if not node.name.startswith("_")]


EXAMPLES = {
    function.name: function for module in MODULES if not module.name.startswith("_") for function in builders(module)
}


def imports(module: Path) -> list[str]:
    """Absolute imports by name, relative ones as ``.name``."""
    found = []
    for node in ast.walk(parse(module)):
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            found.append("." * node.level + (node.module or ""))
    return found


def test_there_are_enough_examples_and_the_seed_is_one():
    assert len(EXAMPLES) >= 24
    assert "seed" in EXAMPLES


@pytest.mark.parametrize("module", MODULES, ids=lambda module: module.stem)
def test_examples_need_no_more_than_an_environment_has(module):
    beside = {"." + module.stem for module in MODULES}
    for name in imports(module):
        if name.startswith("."):
            assert name in beside
        else:
            assert name.partition(".")[0] in ALLOWED_IMPORTS


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_is_described_and_takes_nothing(name):
    function = EXAMPLES[name]
    first_line = (ast.get_docstring(function) or "").partition("\n")[0]
    assert first_line.endswith(".")
    assert len(first_line) <= 110
    arguments = function.args
    assert not arguments.posonlyargs + arguments.args + arguments.kwonlyargs
    assert arguments.vararg is arguments.kwarg is None


@pytest.mark.parametrize("name", EXAMPLES)
def test_an_example_gets_random_weights(name):
    decorators = [ast.unparse(decorator) for decorator in EXAMPLES[name].decorator_list]
    assert decorators == ["random_weights"]


def test_the_package_offers_every_example_once():
    names = [function.name for module in MODULES if not module.name.startswith("_") for function in builders(module)]
    assert len(names) == len(set(names))
    offered = [
        alias.asname or alias.name
        for node in parse(ZOO / "__init__.py").body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(offered) == sorted(names)


def test_the_documentation_lists_every_example():
    text = (ROOT / "docs" / "zoo.md").read_text("utf-8")
    assert sorted(re.findall(r"^\| `(\w+)` \|", text, re.MULTILINE)) == sorted(EXAMPLES)
