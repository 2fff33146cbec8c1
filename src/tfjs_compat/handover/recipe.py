"""A case that worked → what to type: requirements, commands, a script. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from tfjs_compat.locks.lock import Lock
from tfjs_compat.matrix.axes import RESOLVED, Combination
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.models import Kind, Model
from tfjs_compat.matrix.routes import Route


class Recipe(msgspec.Struct, frozen=True):
    """How to do by hand what a case did.

    ``requirements`` are the lines a person would write, ``lock`` the file with every package and its hash, ``script``
    the Python program that converts. ``commands`` make the environment with pip and run it, ``uv_commands`` with uv.
    ``files`` is name → content of everything that the commands use.
    """

    combination: Combination
    route: str
    process_env: dict[str, str]
    requirements: tuple[str, ...]
    commands: tuple[str, ...]
    uv_commands: tuple[str, ...]
    script: str
    files: dict[str, str] = {}


REQUIREMENTS, SCRIPT, ARTIFACT, REPAIRED = "requirements.txt", "convert.py", "web_model", "web_model_repaired"


def write_recipe(case: Case, lock: Lock, variables: Mapping[str, str], keras: str | None) -> Recipe:
    """The recipe of a case. ``keras`` is the version of the Keras that the model was built with."""
    route, asked = case.route, case.combination
    keras_3 = keras is not None and not keras.startswith(("1.", "2."))
    script = _script(case.model, route, keras_3=keras_3)
    convert = [*(f"{name}={value}" for name, value in sorted(variables.items())), "env/bin/python", SCRIPT]
    after = [" ".join(convert)]
    if route.command:
        source = "model." + route.serialize
        flags = " ".join((*route.command, *(f"'{flag}'" if "*" in flag else flag for flag in route.flags)))
        prefix = "".join(f"{name}={value} " for name, value in sorted(variables.items()))
        after.append(f"{prefix}env/bin/tensorflowjs_converter {flags} {source} {ARTIFACT}")
    if route.repairs:
        after.append(f"tfjs-compat repair {ARTIFACT} --output {REPAIRED}")
    minor = ".".join(lock.resolved()["python"].split(".")[:2])
    site = f"env/lib/python{minor}/site-packages"
    stand = [f"touch {site}/{name.lower().replace('-', '_')}.py" for name in lock.stand_ins]
    # Without dependencies: the lock holds them all, and pip would look for the ones that were left out.
    install = f"--require-hashes --no-deps -r {REQUIREMENTS}"
    return Recipe(
        combination=asked,
        route=route.name,
        process_env=dict(variables),
        requirements=_requirements(asked),
        commands=(f"python{minor} -m venv env", f"env/bin/pip install {install}", *stand, *after),
        uv_commands=(f"uv venv --python {minor} env", f"uv pip install --python env {install}", *stand, *after),
        script=script,
        files={REQUIREMENTS: lock.text, SCRIPT: script, **_own_files(case.model)},
    )


def _requirements(asked: Combination) -> tuple[str, ...]:
    lines = [f"tensorflow=={asked.tensorflow}", f"tensorflowjs=={asked.tensorflowjs}"]
    if asked.keras != RESOLVED:
        lines.append(f"keras=={asked.keras}")
    return (*lines, *asked.extra, *asked.constraints, *asked.overrides)


def _own_files(model: Model) -> dict[str, str]:
    """The sources of an example model, which no package brings."""
    if not model.ref.startswith("zoo:"):
        return {}
    folder = Path(model.path).parent
    return {f"{folder.name}/{one.name}": one.read_text("utf-8") for one in sorted(folder.glob("*.py"))}


def _script(model: Model, route: Route, *, keras_3: bool) -> str:
    # A name may hold anything that a file system takes: as a literal it cannot end or break the docstring.
    named = ascii(model.name)[1:-1].replace('"', "")
    head = f'"""Convert {named} to TensorFlow.js: route {route.name}."""\n'
    imports = ["import tensorflow as tf", "import tensorflowjs as tfjs"]
    lines: list[str] = []
    given = repr(model.path)
    if model.kind is Kind.BUILDER:
        imports, lines = _builder(model, imports)
    elif not (model.kind is Kind.SAVED_MODEL and route.format == "graph"):
        lines = [f"model = tf.keras.models.load_model({given}, compile=False)"]
    options = "".join(f", {name}={value!r}" for name, value in route.options.items())
    if route.command:
        lines.append(f'model.save("model.{route.serialize}")')
    elif route.format == "layers":
        lines.append(f'tfjs.converters.save_keras_model(model, "{ARTIFACT}"{options})')
    elif model.kind is Kind.SAVED_MODEL:
        lines.append(f'tfjs.converters.convert_tf_saved_model({given}, "{ARTIFACT}"{options})')
    else:
        save = 'model.export("saved_model")' if keras_3 else 'tf.saved_model.save(model, "saved_model")'
        lines += [save, f'tfjs.converters.convert_tf_saved_model("saved_model", "{ARTIFACT}"{options})']
    text = "\n".join(imports) + "\n\n" + "\n".join(lines) + "\n"
    if "tf." not in text.replace("tfjs.", ""):
        text = text.replace("import tensorflow as tf\n", "import tensorflow\n")
    return head + "\n" + text


def _builder(model: Model, imports: list[str]) -> tuple[list[str], list[str]]:
    if model.ref.startswith("zoo:"):
        return [*imports, f"from {model.module} import {model.function}"], [f"model = {model.function}()"]
    path = ["import sys", "", *imports, "", *(f"sys.path.insert(0, {folder!r})" for folder in model.search)]
    if "." in model.module or Path(model.path).name == "__init__.py":
        return [*path, f"from {model.module} import {model.function}"], [f"model = {model.function}()"]
    # By its path: the file may be called like a package.
    head = ["import runpy", *path]
    return head, [f"model = runpy.run_path({model.path!r})[{model.function!r}]()"]
