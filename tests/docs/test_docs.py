"""What README, CONTRIBUTING and docs/ name exists: files, headings, commands, options, imports."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from support.samples import ROOT

from tfjs_compat.cli.main import cli

DOCUMENTS = sorted([ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").glob("*.md")])
every_document = pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)


def anchors(document: Path) -> set[str]:
    """The anchors that GitHub gives to the headings of a document."""
    headings = re.findall(r"^#+ (.*)$", document.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@every_document
def test_links_lead_to_files_and_headings(document: Path) -> None:
    for link in re.findall(r"\]\(([^)\s]+)\)", document.read_text("utf-8")):
        if link.startswith("https://"):
            continue
        name, _, anchor = link.partition("#")
        target = (document.parent / name).resolve() if name else document
        assert target.exists(), link
        assert not anchor or anchor in anchors(target), link


@every_document
def test_paths_of_the_repository_exist(document: Path) -> None:
    for path in re.findall(r"`((?:src|tests|docs|bench|envs)/[\w./-]*\w/?)`", document.read_text("utf-8")):
        # A word in capitals stands for any name.
        assert re.search(r"[A-Z]{4}", path) or (ROOT / path).exists(), path


@every_document
def test_imports_in_examples_work(document: Path) -> None:
    for block in re.findall(r"```python\n(.*?)```", document.read_text("utf-8"), re.DOTALL):
        for module, names in re.findall(r"^from (tfjs_compat[\w.]*) import (.+)$", block, re.MULTILINE):
            for name in names.split(","):
                assert hasattr(importlib.import_module(module), name.strip()), f"{module}.{name}"


def command_lines(document: Path) -> Iterator[tuple[str, list[str]]]:
    """The commands of the tool that a document shows, each with its options."""
    for line in re.findall(r"tfjs-compat ((?:[a-z][a-z-]*)(?: [^`\n#]*)?)", document.read_text("utf-8")):
        name, _, rest = line.partition(" ")
        if name in cli.commands:
            yield name, re.findall(r"(?<!\S)--[a-z][a-z-]*", rest)


@every_document
def test_options_of_shown_commands_exist(document: Path) -> None:
    for name, options in command_lines(document):
        command = cli.commands[name]
        if not isinstance(command, click.Group):
            known = {flag for option in command.params for flag in option.opts}
            assert set(options) <= known, f"{name}: {set(options) - known}"


def test_the_options_of_find_are_documented() -> None:
    text = (ROOT / "docs" / "find.md").read_text("utf-8")
    shown = {flag for option in cli.commands["find"].params for flag in option.opts if flag.startswith("--")}
    # How cases run, the same for every command that runs some: --help says it.
    common = {"--model", "--inputs", "--runtime", "--node", "--jobs", "--no-cache", "--source-builds", "--output"}
    assert {flag for flag in shown - common if flag not in text} == set()


def test_the_options_of_explain_and_bisect_are_documented() -> None:
    text = (ROOT / "docs" / "explain.md").read_text("utf-8")
    own = {"--good", "--format", "--json", "--time", "--max-trials", "--package", "--range", "--signature", "--lock"}
    assert {flag for flag in own if flag not in text} == set()
