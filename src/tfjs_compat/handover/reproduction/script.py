"""repro.py: pins for `uv run` in its head, then the stages as far as the one that fails, as a person would write them.

Pure.
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Mapping, Sequence

import msgspec

from tfjs_compat.handover.reproduction.account import Reproduction
from tfjs_compat.handover.reproduction.model_files import ModelFiles
from tfjs_compat.matrix.axes import TODAY
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.matrix.routes import Route
from tfjs_compat.outcomes.stages import Stage

SCRIPT = "repro.py"


class Requirements(msgspec.Struct, frozen=True):
    """What `uv run` is to install: ``dependencies`` with ``constraints`` and ``overrides``, all as requirements.

    ``python`` is a minor version; ``as_of`` an ISO date or ``today``; ``wheels_only``: nothing is built from source.
    """

    python: str
    dependencies: tuple[str, ...]
    constraints: tuple[str, ...] = ()
    overrides: tuple[str, ...] = ()
    as_of: str = TODAY
    wheels_only: bool = True


def header(requirements: Requirements) -> str:
    """The script's metadata (PEP 723), with uv's own settings where pins alone do not say it."""
    lines = [f'requires-python = "=={requirements.python}.*"', *_list("dependencies", requirements.dependencies)]
    settings = [
        *_list("constraint-dependencies", requirements.constraints),
        *_list("override-dependencies", requirements.overrides),
    ]
    settings += ["no-build = true"] if requirements.wheels_only and requirements.dependencies else []
    settings += [f'exclude-newer = "{requirements.as_of}T23:59:59Z"'] if requirements.as_of != TODAY else []
    lines += ["", "[tool.uv]", *settings] if settings else []
    return "\n".join(["# /// script", *(f"# {line}".rstrip() for line in lines), "# ///"]) + "\n"


def _list(name: str, values: Sequence[str]) -> list[str]:
    if not values:
        return ["dependencies = []"] if name == "dependencies" else []
    quoted = ("    " + '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '",' for value in values)
    return [f"{name} = [", *quoted, "]"]


def script(
    account: Reproduction, model: Model, files: ModelFiles, route: Route, requirements: Requirements, *, predicts: bool
) -> str:
    """The text of repro.py. ``predicts``: the bundle holds inputs, whose predictions are compared."""
    parts = [header(requirements), _docstring(account), "import os", "import sys", ""]
    if account.shown.stage in (Stage.RESOLVE, Stage.INSTALL):
        what = "resolved" if account.shown.stage is Stage.RESOLVE else "installed"
        parts = [*parts[:2], f'print("NOT reproduced: everything was {what}")', "raise SystemExit(1)"]
        return "\n".join(parts) + "\n"
    parts += [f"os.environ[{_quoted(name)}] = {_quoted(value)}" for name, value in sorted(_variables(account).items())]
    parts += [
        'sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "harness"))',
        "import reproduction  # noqa: E402",
        "",
        "reproduction.begin()",
        "",
    ]
    if route.repairs:
        # What a repair made of it is in the bundle; only this tool can make it again.
        return "\n".join([*parts, "reproduction.load_in_tensorflowjs(reproduction.HERE)"]) + "\n"
    parts += _stages(account, model, files, route, predicts=predicts)
    return "\n".join(parts).rstrip() + "\n"


def _variables(account: Reproduction) -> dict[str, str]:
    return {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "1", **account.process_variables}


def _docstring(account: Reproduction) -> str:
    first = account.shown.message.strip().splitlines()[0] if account.shown.message.strip() else "without a message"
    text = f"{versions(account)}: {account.shown.stage} fails: {first[:300]}"
    escaped = text.replace("\\", "\\\\").replace('"""', "'''")
    lines = textwrap.wrap(escaped, 110)
    usage = "Run it with `uv run repro.py`. README.md says how to run it with pip, and what was seen."
    return "\n".join(['"""' + lines[0], *lines[1:], "", usage, '"""', ""])


def versions(account: Reproduction) -> str:
    """The versions that a maintainer asks for first, in one line."""
    combination, resolved = account.combination, account.resolved
    parts = [
        f"TensorFlow {resolved.get('tensorflow', combination.tensorflow)}",
        f"tensorflowjs {resolved.get('tensorflowjs', combination.tensorflowjs)}",
    ]
    if keras := account.keras_in_use or resolved.get("keras"):
        parts.append(f"Keras {keras}")
    return ", ".join(parts)


def _stages(account: Reproduction, model: Model, files: ModelFiles, route: Route, *, predicts: bool) -> list[str]:
    last = account.shown.stage
    stages: Mapping[Stage, list[str]] = {
        Stage.IMPORT: ["import tensorflow as tf", "import tensorflowjs as tfjs", "", "tf.keras.Model  # noqa: B018"],
        Stage.BUILD: _build(account, model, files, route),
        Stage.SERIALIZE: _serialize(account, model, files, route),
        Stage.CONVERT: _convert(account, model, route),
    }
    lines: list[str] = []
    for stage, work in stages.items():
        if stage.rank > last.rank:
            return [*lines, "reproduction.finish()"]
        if stage is Stage.SERIALIZE and predicts and last.rank > Stage.CONVERT.rank:
            lines += [f"reproduction.predict(tf, {_variable(account, model, route)})", ""]
        lines += [f'with reproduction.stage("{stage}"):', *(f"    {line}".rstrip() for line in work), ""]
    return [*lines, "reproduction.finish()" if last is Stage.CONVERT else "reproduction.load_in_tensorflowjs()"]


def _build(account: Reproduction, model: Model, files: ModelFiles, route: Route) -> list[str]:
    path = _quoted(files.path)
    if model.kind is Kind.BUILDER:
        arguments = f"{path}, {_quoted(model.function)}, {_quoted(files.search)}"
        if _is_exported_by_function(account, model, route):
            return [f"built = reproduction.build(tf, {arguments})"]
        return [f"model = reproduction.build(tf, {arguments}).model"]
    if model.kind is Kind.SAVED_MODEL and route.format == "graph":
        chosen = f", {_quoted(model.function)}" if model.function else ""
        return [f"built = reproduction.load_saved_model(tf, reproduction.file({path}){chosen})"]
    return [f"model = tf.keras.models.load_model(reproduction.file({path}), compile=False)"]


def _is_exported_by_function(account: Reproduction, model: Model, route: Route) -> bool:
    """Whether saving it takes more than a line: it is no Keras model, or the inputs decide its signature."""
    by_function = account.keras_in_use is None or account.inputs_given
    return model.kind is Kind.BUILDER and route.serialize == "saved-model" and by_function


def _variable(account: Reproduction, model: Model, route: Route) -> str:
    """What the model is called from stage build on."""
    is_saved = model.kind is Kind.SAVED_MODEL and route.format == "graph"
    return "built" if is_saved or _is_exported_by_function(account, model, route) else "model"


def _serialize(account: Reproduction, model: Model, files: ModelFiles, route: Route) -> list[str]:
    """As inside/tfjs_case/convert.py does it, with the model rewritten before where the route says so."""
    if not route.rewrites:
        return _save(account, model, files, route)
    variable = _variable(account, model, route)
    taken = f"{variable}.model" if variable == "built" else variable
    return [f"{taken} = reproduction.rewritten({taken})", *_save(account, model, files, route)]


def _save(account: Reproduction, model: Model, files: ModelFiles, route: Route) -> list[str]:
    path = f"reproduction.file({_quoted(files.path)})"
    if route.serialize == "saved-model":
        if model.kind is Kind.SAVED_MODEL:
            return ["import shutil", "", f'shutil.copytree({path}, "saved_model")']
        if _is_exported_by_function(account, model, route):
            return ["reproduction.export(tf, built)"]
        keras_3 = account.keras_in_use is not None and not account.keras_in_use.startswith(("1.", "2."))
        return ['model.export("saved_model")' if keras_3 else 'tf.saved_model.save(model, "saved_model")']
    if model.kind == route.serialize and route.command and not route.rewrites:
        return ["import shutil", "", f'shutil.copy({path}, "model.{route.serialize}")']
    return [f'model.save("model.{route.serialize}")']


def _convert(account: Reproduction, model: Model, route: Route) -> list[str]:
    if route.command:
        words = [*route.command, *route.flags, f"model.{route.serialize}", "web_model"]
        return [f"reproduction.tensorflowjs_converter({', '.join(map(_quoted, words))})"]
    options = "".join(f", {name}={value!r}" for name, value in route.options.items())
    if route.format == "graph":
        if _variable(account, model, route) == "built":
            options += ", **reproduction.signature(built)"
        return [f'tfjs.converters.convert_tf_saved_model("saved_model", "web_model"{options})']
    return [f'tfjs.converters.save_keras_model(model, "web_model"{options})']


def _quoted(text: str) -> str:
    """A text as a literal of Python, as formatters write it."""
    return json.dumps(text)
