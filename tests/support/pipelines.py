"""Runs the shell lines of CI files as their services would: job after job, each in a checkout of its own.

Only what the files use is known: composite actions of this repository, artifacts, caches, and expressions by a table.
Anything else is an error, so that no line is left out unnoticed.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from support.samples import ROOT

EXPRESSION = re.compile(r"\$\{\{\s*(.*?)\s*\}\}")


@dataclass
class Pipeline:
    """A repository and what a service keeps beside it.

    ``repository`` is copied for each job, ``folder`` is where all else goes, ``variables`` are the environment of every
    line. ``ran`` are the lines that were run, by job and step; ``status`` the exit code of each job.
    """

    repository: Path
    folder: Path
    variables: dict[str, str]
    ran: dict[str, int] = field(default_factory=dict)
    status: dict[str, int] = field(default_factory=dict)
    said: str = ""
    kept: dict[str, dict[str, str]] = field(default_factory=dict)

    def summary(self) -> str:
        """What the jobs wrote to the page of the run."""
        path = self.folder / "summary.md"
        return path.read_text() if path.exists() else ""

    def job(self, name: str, job: dict[str, Any], variables: dict[str, str], **known: str) -> bool:
        """Run a job in a checkout of its own; whether it succeeded. ``known`` are expressions by name."""
        key = f"{name} {known.get('strategy.job-index', '0')}"
        checkout = self.folder / "jobs" / key.replace(" ", "-")
        shutil.copytree(self.repository, checkout)
        context = {"runner.os": "Linux", "runner.arch": "X64", "github.job": name, "github.run_id": "1", **known}
        context.setdefault("strategy.job-index", "0")
        self.status[key] = 0
        for step in job["steps"]:
            if self.status[key] and "always()" not in str(step.get("if", "")):
                continue
            if not _holds(str(step.get("if", "")), context):
                continue
            self.status[key] = self.status[key] or self._step(key, step, checkout, variables, context)
        self.kept[name] = {f"needs.{name}.{key}": value for key, value in context.items() if ".outputs." not in key}
        for output, expression in job.get("outputs", {}).items():
            self.kept[name][f"needs.{name}.outputs.{output}"] = _filled(expression, context)
        return self.status[key] == 0

    def _step(
        self, key: str, step: dict[str, Any], checkout: Path, variables: dict[str, str], context: dict[str, str]
    ) -> int:
        given = {name: _filled(str(value), context) for name, value in step.get("with", {}).items()}
        uses = str(step.get("uses", ""))
        if uses.startswith("./"):
            return self._composite(key, uses, given, checkout, variables, context)
        if uses:
            return self._service(uses, given, checkout)
        own = {name: _filled(str(value), context) for name, value in step.get("env", {}).items()}
        return self.shell(f"{key}: {step['name']}", str(step["run"]), checkout, {**variables, **own}, step, context)

    def _composite(
        self,
        key: str,
        uses: str,
        given: dict[str, str],
        checkout: Path,
        variables: dict[str, str],
        context: dict[str, str],
    ) -> int:
        place = ROOT / uses
        action = yaml.safe_load((place / "action.yml").read_text())
        assert set(given) <= set(action["inputs"]), f"{uses}: unknown inputs"
        values = {name: str(one["default"]) for name, one in action["inputs"].items()} | given
        inner = {**context, **{f"inputs.{name}": value for name, value in values.items()}}
        inner["github.action_path"] = str(place)
        for step in action["runs"]["steps"]:
            if _holds(str(step.get("if", "")), inner) and (code := self._step(key, step, checkout, variables, inner)):
                return code
        return 0

    def shell(
        self,
        name: str,
        lines: str,
        checkout: Path,
        variables: dict[str, str],
        step: dict[str, Any] | None = None,
        context: dict[str, str] | None = None,
    ) -> int:
        """Run lines as both services do: bash that ends at the first failure, in a pipe too."""
        assert EXPRESSION.search(lines) is None, f"{name}: an expression in a shell line can inject one"
        output = self.folder / "output"
        output.write_text("")
        ran = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", lines],
            cwd=checkout,
            env={
                **self.variables,
                **variables,
                "GITHUB_OUTPUT": str(output),
                "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        self.ran[name] = ran.returncode
        self.said += f"\n$ {name}\n{ran.stdout}"
        if step is not None and context is not None and "id" in step:
            for line in output.read_text().splitlines():
                key, _, value = line.partition("=")
                context[f"steps.{step['id']}.outputs.{key}"] = value
        return ran.returncode

    def _service(self, uses: str, given: dict[str, str], checkout: Path) -> int:
        action, artifacts = uses.partition("@")[0], self.folder / "artifacts"
        if action in ("actions/checkout", "actions/setup-python", "actions/cache"):
            return 0
        if action == "actions/upload-artifact":
            found = list(checkout.glob(given["path"]))
            for path in found:
                # Of a pattern the folders' names are kept, of a single folder its content.
                inside = artifacts / given["name"] / (path.name if "*" in given["path"] else "")
                shutil.copytree(path, inside, dirs_exist_ok=True)
            return 0 if found else 1
        if action == "actions/download-artifact":
            target = checkout / given.get("path", ".")
            for artifact in sorted(artifacts.glob(given.get("pattern", given.get("name", "")))):
                shutil.copytree(artifact, target, dirs_exist_ok=True)
            return 0
        if action in ("actions/cache/restore", "actions/cache/save"):
            inside, kept = checkout / given["path"], self.folder / "cache"
            source, target = (kept, inside) if action.endswith("restore") else (inside, kept)
            if source.exists():
                shutil.rmtree(target, ignore_errors=True)
                shutil.copytree(source, target)
            return 0
        raise AssertionError(f"{uses}: what it does is not known here")


def _filled(text: str, context: dict[str, str]) -> str:
    def value(found: re.Match[str]) -> str:
        return context[found[1]]

    return EXPRESSION.sub(value, text)


def _holds(condition: str, context: dict[str, str]) -> bool:
    compared = re.fullmatch(r"(?:always\(\) && )?([\w.-]+) == '(\w*)'", condition)
    if compared is not None:
        return context.get(compared[1], "") == compared[2]
    assert condition in ("", "always()"), f"{condition}: not known here"
    return True


def load(path: Path) -> dict[str, Any]:
    """A CI file. YAML calls the key ``on`` true."""
    found: dict[str, Any] = yaml.safe_load(path.read_text())
    return found


def plain_environment(tool: Path, store: Path) -> dict[str, str]:
    """The variables of a machine that has little more than Python."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("GITHUB_", "CI_", "VIRTUAL_ENV"))}
    return {**kept, "PATH": f"{tool}{os.pathsep}{os.environ['PATH']}", "TFJS_COMPAT_CACHE": str(store)}


def shards(text: str) -> list[str]:
    """The shards that a matrix of ``fromJSON`` names."""
    return [shard["shard"] for shard in json.loads(text)["include"]]
