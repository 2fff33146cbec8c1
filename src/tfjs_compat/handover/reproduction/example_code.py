"""A function of a package's module as a file that stands alone. Pure.

What the function needs of its module comes along, and what that takes from sibling modules by ``from .NAME import``.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping

_STATEMENTS = (ast.FunctionDef, ast.ClassDef, ast.Assign, ast.AnnAssign)


class _Module:
    """A module's top level: where each name comes from."""

    def __init__(self, source: str) -> None:
        self.lines = source.splitlines()
        self.body = ast.parse(source).body
        self.defined = {name: node for node in self.body if isinstance(node, _STATEMENTS) for name in _names(node)}
        self.imported: dict[str, tuple[ast.Import | ast.ImportFrom, ast.alias]] = {
            alias.asname or alias.name.partition(".")[0]: (node, alias)
            for node in self.body
            if isinstance(node, (ast.Import, ast.ImportFrom))
            for alias in node.names
        }

    def text(self, node: ast.stmt) -> str:
        first = min([node.lineno, *(each.lineno for each in getattr(node, "decorator_list", []))])
        return "\n".join(self.lines[first - 1 : node.end_lineno])


def standalone(modules: Mapping[str, str], module: str, function: str) -> str:
    """The source of a file with one public function of ``module``, and all that it needs.

    ``modules`` are the sources by name of one folder's modules. Raises KeyError where the function is not there.
    """
    parsed = {name: _Module(source) for name, source in modules.items()}
    if function not in parsed[module].defined:
        raise KeyError(function)
    imports: dict[str, None] = {}
    needed: set[tuple[str, str]] = set()
    _collect(parsed, module, function, imports, needed)
    order = [module, *(name for name in parsed if name != module)]
    blocks = []
    for name in reversed(order):
        source = parsed[name]
        kept = [node for node in source.body if isinstance(node, _STATEMENTS) and _wanted(name, node, needed)]
        blocks += [(isinstance(node, (ast.FunctionDef, ast.ClassDef)), source.text(node)) for node in kept]
    text = "\n".join(_sorted_imports(imports))
    for is_definition, block in blocks:
        text += ("\n\n\n" if is_definition else "\n\n") + block
    return text + "\n"


def _wanted(module: str, node: ast.stmt, needed: set[tuple[str, str]]) -> bool:
    return any((module, name) in needed for name in _names(node))


def _collect(
    parsed: Mapping[str, _Module], module: str, name: str, imports: dict[str, None], needed: set[tuple[str, str]]
) -> None:
    source = parsed[module]
    if (module, name) in needed:
        return
    if name in source.defined:
        needed.add((module, name))
        for used in ast.walk(source.defined[name]):
            if isinstance(used, ast.Name):
                _collect(parsed, module, used.id, imports, needed)
    elif name in source.imported:
        node, alias = source.imported[name]
        if isinstance(node, ast.ImportFrom) and node.level:
            _collect(parsed, str(node.module), alias.name, imports, needed)
            return
        renamed = f" as {alias.asname}" if alias.asname else ""
        origin = f"from {node.module} import " if isinstance(node, ast.ImportFrom) else "import "
        imports[f"{origin}{alias.name}{renamed}"] = None


def _names(node: ast.stmt) -> list[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
    return [target.id for target in targets if isinstance(target, ast.Name)]


def _sorted_imports(imports: Mapping[str, None]) -> list[str]:
    standard = {"functools", "zlib", "math", "os", "json", "random"}
    first = sorted(line for line in imports if line.split()[1].partition(".")[0] in standard)
    rest = sorted(line for line in imports if line not in first)
    return [*first, *([""] if first and rest else []), *rest]
