"""README.md of a bundle, in the form of the bug reports of tensorflow/tfjs (.github/ISSUE_TEMPLATE). Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec
import numpy as np

from tfjs_compat.artifact.tensors import Tensor
from tfjs_compat.handover.reproduction.account import Reproduction
from tfjs_compat.handover.reproduction.model_files import ModelFiles
from tfjs_compat.handover.reproduction.script import Requirements, versions
from tfjs_compat.handover.reproduction.side_files import (
    CONTAINERFILE,
    LOCK,
    PACKAGE_JSON,
    pip_commands,
    resolve_command,
)
from tfjs_compat.outcomes.stages import Stage

README = "README.md"
_FIRST = 6
_MOST_LOG = 6000


class Evidence(msgspec.Struct, frozen=True):
    """What was seen: the end of the ``log``, and the tensors that were compared, by output."""

    log: str = ""
    expected: tuple[Tensor, ...] = ()
    seen: tuple[Tensor, ...] = ()


def readme(
    account: Reproduction,
    requirements: Requirements,
    files: ModelFiles,
    evidence: Evidence,
    names: Sequence[str],
    link: str | None,
) -> str:
    """The text of README.md. ``names`` are the bundle's files and folders, ``link`` is where upstream tracks it."""
    in_tfjs = PACKAGE_JSON in names
    custom = "no (an example model of tfjs-compat, written out)" if account.model.startswith("zoo:") else "yes"
    lines = [
        f"# {versions(account)}: {account.shown.stage} fails",
        "",
        "**System information**",
        "- Have I written custom code (as opposed to using a stock example script provided in TensorFlow.js):"
        f" {custom}",
        f"- OS Platform and Distribution (e.g., Linux Ubuntu 16.04): {_machine(account)}",
        "- Mobile device (e.g. iPhone 8, Pixel 2, Samsung Galaxy) if the issue happens on mobile device: none",
        f"- TensorFlow.js installed from (npm or script link): {'npm' if in_tfjs else 'not reached'}",
        f"- TensorFlow.js version (use command below): {account.tfjs if in_tfjs else 'not reached'}",
        f"- Browser version: {f'none ({account.runtime})' if in_tfjs else 'not reached'}",
        f"- Tensorflow.js Converter Version: {account.combination.tensorflowjs}",
        f"- Python {account.python}, {', '.join(f'{name} {value}' for name, value in _packages(account))}",
        *([f"- Process variables: {_variables(account)}"] if account.process_variables else []),
        "",
        "**Describe the current behavior**",
        "",
        f"{_sentence(account)}",
        "",
        *_fenced(account.shown.message),
        *_findings(account),
        *_numbers(evidence),
        *([f"Known as `{account.issue}`" + (f": {link}" if link else ""), ""] if account.issue else []),
        "**Describe the expected behavior**",
        "",
        _expected(account.shown.stage),
        "",
        "**Standalone code to reproduce the issue**",
        "",
        *_commands(account, requirements, names),
        *_listing(names, files),
        "",
        "**Other info / logs**",
        "",
        f"Seen on {account.started[:10]} by tfjs-compat {account.tool}; `reproduction.json` has all of it.",
        f"CPU features: {account.machine.get('cpu', '') or 'unknown'}.",
        "",
        *(_fenced(evidence.log[-_MOST_LOG:].strip()) if evidence.log.strip() else []),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _sentence(account: Reproduction) -> str:
    shown = account.shown
    if shown.stage is Stage.RESOLVE:
        return "No versions of the other packages fit these requirements:"
    if shown.signature is None:
        return "The converted model loads, and predicts other numbers than Python:"
    return f"Stage *{shown.stage}* fails (resolve, install, import, build, serialize, convert, load, predict):"


def _expected(stage: Stage) -> str:
    return {
        Stage.RESOLVE: "The requirements can be installed together.",
        Stage.INSTALL: "The packages can be installed.",
        Stage.IMPORT: "`import tensorflow` and `import tensorflowjs` succeed.",
        Stage.BUILD: "The model can be built.",
        Stage.SERIALIZE: "The model can be saved.",
        Stage.CONVERT: "The model is converted.",
    }.get(stage, "The converted model loads in TensorFlow.js and predicts what Python predicts.")


def _machine(account: Reproduction) -> str:
    return " ".join(filter(None, (account.machine.get("system"), account.machine.get("machine")))) or "unknown"


def _packages(account: Reproduction) -> list[tuple[str, str]]:
    shown = {"tensorflow": account.combination.tensorflow, **account.resolved}
    return [(name, version) for name, version in shown.items() if name != "python"]


def _variables(account: Reproduction) -> str:
    return ", ".join(f"`{name}={value}`" for name, value in sorted(account.process_variables.items()))


def _findings(account: Reproduction) -> list[str]:
    if account.stage is not Stage.CHECK:
        return []
    return ["A look at the converted model says why:", "", *_fenced(account.message)]


def _numbers(evidence: Evidence) -> list[str]:
    """Expected and seen values, output by output."""
    seen = {(tensor.name, tensor.logits): tensor for tensor in evidence.seen}
    lines = []
    for wanted in evidence.expected:
        if (got := seen.get((wanted.name, wanted.logits))) is None:
            continue
        what = "logits of output" if wanted.logits else "output"
        lines.append(f"{what} {wanted.name}, {wanted.values.dtype} {list(wanted.values.shape)}")
        lines.append(f"  Python         {_first(wanted)}")
        lines.append(f"  TensorFlow.js  {_first(got)}")
    return _fenced("\n".join(lines)) if lines else []


def _first(tensor: Tensor) -> str:
    values = tensor.values.ravel()[:_FIRST]
    numeric = np.issubdtype(values.dtype, np.number)
    shown = " ".join(f"{value:.6g}" if numeric and values.dtype.kind != "c" else str(value) for value in values)
    return shown + (" …" if tensor.values.size > _FIRST else "")


def _commands(account: Reproduction, requirements: Requirements, names: Sequence[str]) -> list[str]:
    lines = ["In this folder:", ""]
    commands = ["uv run repro.py"]
    if account.shown.stage is Stage.RESOLVE:
        commands.append(resolve_command(requirements))
    lines += _fenced("\n".join(commands), "sh")
    if pip := pip_commands(account, requirements):
        lines += ["or with pip:", "", *_fenced("\n".join(pip), "sh")]
    if PACKAGE_JSON in names and "web_model" in names:
        lines += ["TensorFlow.js alone, on the converted model as it was seen:", ""]
        lines += _fenced("npm install\nnode predict.mjs", "sh")
    if CONTAINERFILE in names:
        run = "podman build -t tfjs-reproduction . && podman run --rm tfjs-reproduction"
        lines += ["or in a container:", "", *_fenced(run, "sh")]
    if account.shown.stage not in (Stage.RESOLVE, Stage.INSTALL):
        lines += ["`repro.py` exits with 0 if the failure shows, 1 if it does not, 2 if Node.js is missing.", ""]
    return lines


_MEANINGS = {
    "repro.py": "the whole reproduction, with exact pins for uv",
    LOCK: "the same packages with their hashes, for pip",
    "requirements.in": "the requirements that cannot be resolved",
    "model": "the model",
    "inputs": "the inputs that predictions were compared on",
    "expected": "what Python predicted",
    "seen": "what TensorFlow.js predicted",
    "web_model": "the converted model as it was seen",
    "predict.mjs": "loads `web_model` and compares its predictions",
    PACKAGE_JSON: "pins TensorFlow.js",
    "stand_ins": "an empty module for each package that is left out",
    "reproduction.json": "what was seen, as data",
    "harness": "how stages are recorded and predictions compared",
    CONTAINERFILE: "the same in a container",
}


def _listing(names: Sequence[str], files: ModelFiles) -> list[str]:
    lines = [f"- `{name}`: {_MEANINGS[name]}" for name in _MEANINGS if name in names]
    if {"inputs", "expected", "seen"} & set(names):
        lines.append(
            "- a folder of tensors has `tensors.json` (names, shapes, offsets) and `tensors.bin` (little-endian)"
        )
    lines += [f"- not here, because it is large: `{name}`" for name in files.left_out]
    return lines


def _fenced(text: str, language: str = "") -> list[str]:
    """A code block that no line of the text can end."""
    longest = max((len(found) for found in re.findall(r"`{3,}", text)), default=2)
    fence = "`" * (longest + 1)
    return [f"{fence}{language}", text, fence, ""]
