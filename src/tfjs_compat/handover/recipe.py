"""A case that worked → what to type: requirements, commands, a script.

Pure but for `example_sources` and `rewrite_sources`, which read files of this package.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from pathlib import Path

import msgspec

from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.axes import RESOLVED, Combination
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.matrix.routes import Route
from tfjs_compat.outcomes.reference import Export, Reference


class Recipe(msgspec.Struct, frozen=True):
    """How to do by hand what a case did.

    ``requirements`` are the lines a person would write; the lock, with every package and its hash, is a file.
    ``script`` is the Python program that converts. ``commands`` make the environment with pip and run it,
    ``uv_commands`` with uv. ``files`` maps the name of every file that the commands use to its content.
    """

    combination: Combination
    route: str
    process_env: dict[str, str]
    requirements: tuple[str, ...]
    commands: tuple[str, ...]
    uv_commands: tuple[str, ...]
    script: str
    files: dict[str, str] = {}


_INSIDE = Path(__file__).parents[1] / "inside"
REWRITES = "tfjs_rewrites"
"""The folder beside the script that holds what rewrites the model."""

REQUIREMENTS, SCRIPT, ARTIFACT, REPAIRED = "requirements.txt", "convert.py", "web_model", "web_model_repaired"


def write_recipe(
    case: Case,
    lock: Lock,
    variables: Mapping[str, str],
    keras: str | None,
    sources: Mapping[str, str],
    reference: Reference | None = None,
) -> Recipe:
    """The recipe of a case.

    ``variables`` are those of its process environment; ``keras`` is the version of the Keras that the model was built
    with, None where none was imported; ``sources`` are files that no package brings (`example_sources`,
    `rewrite_sources`); ``reference`` names the signature or function that was converted.
    """
    route, combination = case.route, case.combination
    keras_3 = keras is not None and not keras.startswith(("1.", "2."))
    script = _script(case.model, route, reference or Reference(), keras_3=keras_3)
    convert = [*(f"{name}={value}" for name, value in sorted(variables.items())), "env/bin/python", SCRIPT]
    after = [" ".join(convert)]
    if route.command:
        flags = " ".join((*route.command, *(f"'{flag}'" if "*" in flag else flag for flag in route.flags)))
        prefix = "".join(f"{name}={value} " for name, value in sorted(variables.items()))
        source = shlex.quote(_converter_input(case.model, route))
        after.append(f"{prefix}env/bin/tensorflowjs_converter {flags} {source} {ARTIFACT}")
    if route.repairs:
        after.append(f"tfjs-compat repair {ARTIFACT} --output {REPAIRED}")
    minor = lock.python.minor
    site = f"env/lib/python{minor}/site-packages"
    stub_packages = [f"touch {site}/{name.lower().replace('-', '_')}.py" for name in lock.stand_ins]
    # Without dependencies: the lock holds them all, and pip would look for the ones that were left out.
    install = f"--require-hashes --no-deps -r {REQUIREMENTS}"
    return Recipe(
        combination=combination,
        route=route.name,
        process_env=dict(variables),
        requirements=_requirements(combination),
        commands=(f"python{minor} -m venv env", f"env/bin/pip install {install}", *stub_packages, *after),
        uv_commands=(f"uv venv --python {minor} env", f"uv pip install --python env {install}", *stub_packages, *after),
        script=script,
        files={REQUIREMENTS: lock.text, SCRIPT: script, **sources},
    )


def _requirements(combination: Combination) -> tuple[str, ...]:
    lines = [f"tensorflow=={combination.tensorflow}", f"tensorflowjs=={combination.tensorflowjs}"]
    if combination.keras != RESOLVED:
        lines.append(f"keras=={combination.keras}")
    return (*lines, *combination.extra, *combination.constraints, *combination.overrides)


def example_sources(model: Model) -> dict[str, str]:
    """The files of an example model, name → content; empty for a model of the user's own. Raises OSError."""
    if not model.ref.startswith("zoo:"):
        return {}
    folder = Path(model.path).parent
    return {f"{folder.name}/{path.name}": path.read_text("utf-8") for path in sorted(folder.glob("*.py"))}


def rewrite_sources(route: Route) -> dict[str, str]:
    """The files that rewrite a model, name → content; empty where the route converts it as it is. Raises OSError."""
    if not route.rewrites:
        return {}
    folder = _INSIDE / "tfjs_case" / "rewrites"
    return {f"{REWRITES}/{path.name}": path.read_text("utf-8") for path in sorted(folder.glob("*.py"))}


def _is_serialized(model: Model, route: Route) -> bool:
    """Whether the model is already in the form that the route writes first: a SavedModel for a SavedModel."""
    return model.kind is Kind.SAVED_MODEL and route.serialize == "saved-model"


def _converter_input(model: Model, route: Route) -> str:
    """The file or folder that the converter reads."""
    if _is_serialized(model, route):
        return model.path
    return "saved_model" if route.serialize == "saved-model" else f"model.{route.serialize}"


def _script(model: Model, route: Route, reference: Reference, *, keras_3: bool) -> str:
    # A name may hold anything that a file system takes: as a literal it cannot end or break the docstring.
    named = ascii(model.name)[1:-1].replace('"', "")
    head = f'"""Convert {named} to TensorFlow.js: route {route.name}."""\n'
    imports = ["import tensorflow as tf", "import tensorflowjs as tfjs"]
    lines: list[str] = []
    if model.kind is Kind.BUILDER:
        imports, lines = _builder(model, imports)
    elif not _is_serialized(model, route):
        lines = [f"model = tf.keras.models.load_model({model.path!r}, compile=False)"]
    if route.rewrites:
        # Before the folders of the model are looked through.
        imports.insert(0, f"from {REWRITES}.walk import rewritten")
        lines.append(f'model = rewritten(model, "{route.format}").model')
    source = repr(model.path) if _is_serialized(model, route) else f'"{_converter_input(model, route)}"'
    if not _is_serialized(model, route):
        if route.serialize == "saved-model" and reference.signature:
            lines += _save_function(reference, source)
        elif route.serialize == "saved-model" and keras_3 and reference.export is not None:
            imports.insert(imports.index("import tensorflow as tf"), "import keras")
            lines += _export(reference.export, source)
        elif route.serialize == "saved-model":
            lines.append(f"model.export({source})" if keras_3 else f"tf.saved_model.save(model, {source})")
        elif route.command:
            lines.append(f"model.save({source})")
    named = reference.signature if _is_serialized(model, route) else ""
    chosen = {"signature_def": named} if named not in ("", "serving_default") else {}
    options = "".join(f", {name}={value!r}" for name, value in {**route.options, **chosen}.items())
    if not route.command and route.serialize == "saved-model":
        lines.append(f'tfjs.converters.convert_tf_saved_model({source}, "{ARTIFACT}"{options})')
    elif not route.command:
        lines.append(f'tfjs.converters.save_keras_model(model, "{ARTIFACT}"{options})')
    text = "\n".join(imports) + "\n\n" + "\n".join(lines) + "\n"
    if "tf." not in text.replace("tfjs.", ""):
        text = text.replace("import tensorflow as tf\n", "import tensorflow\n")
    return head + "\n" + text


def _export(export: Export, target: str) -> list[str]:
    """The lines that do what ``model.export`` does, with the signature of the model's call."""
    return [
        "archive = keras.export.ExportArchive()",
        "archive.track(model)",
        f"specs = [{', '.join(export.specs)}]",
        f'archive.add_endpoint("serve", lambda *inputs: {export.call}, input_signature=specs)',
        f"archive.write_out({target})",
    ]


def _save_function(reference: Reference, target: str) -> list[str]:
    """The lines that save a tf.Module, or a plain tf.function in one, with the function that was proven."""
    function, specs = f"model.{reference.signature}", ""
    if reference.traced:
        specs = ", ".join(
            f"tf.TensorSpec({[None, *each.shape[1:]] if each.shape else []}, {each.dtype!r}, {each.name!r})"
            for each in reference.inputs
        )
    if reference.signature != "function":
        signed = f"{function}.get_concrete_function({specs})" if specs else function
        return [f"tf.saved_model.save(model, {target}, signatures={signed})"]
    return [
        "if not isinstance(model, tf.Module):",
        "    function, model = model, tf.Module()",
        "    model.function = function",
        f"function = model.function.get_concrete_function({specs})",
        "# What it has from outside is saved as the module's own.",
        "model.kept = list(function.graph.variables)",
        f"tf.saved_model.save(model, {target}, signatures=function)",
    ]


def _builder(model: Model, imports: list[str]) -> tuple[list[str], list[str]]:
    if model.ref.startswith("zoo:"):
        return [*imports, f"from {model.module} import {model.function}"], [f"model = {model.function}()"]
    path = ["import sys", "", *imports, "", *(f"sys.path.insert(0, {folder!r})" for folder in model.search)]
    if "." in model.module or Path(model.path).name == "__init__.py":
        return [*path, f"from {model.module} import {model.function}"], [f"model = {model.function}()"]
    # By its path: the file may be called like a package.
    head = ["import runpy", *path]
    return head, [f"model = runpy.run_path({model.path!r})[{model.function!r}]()"]
