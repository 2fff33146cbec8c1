"""The recipe of a case: what to type to do it by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.samples import PYTHON, case

from tfjs_compat.handover.recipe import Recipe, example_sources, rewrite_sources, write_recipe
from tfjs_compat.locks.lock import make_lock
from tfjs_compat.matrix.models import Kind, Model, find_model
from tfjs_compat.outcomes.reference import Export, InputUsed, Reference

LOCK = make_lock(
    "tensorflow==2.19.0 --hash=sha256:0\ntensorflowjs==4.22.0 --hash=sha256:1", PYTHON, source_builds=False
)


def recipe(model: Model, route: str = "layers", keras: str | None = "3.15.1", **more: Any) -> Recipe:
    requested = msgspec.structs.replace(case(route), model=model)
    return write_recipe(requested, LOCK, more.get("variables", {}), keras, example_sources(model))


def file(kind: Kind, path: str) -> Model:
    return Model(path, Path(path).name, kind, path, "0" * 64)


def builder(path: str, module: str, function: str = "build") -> Model:
    return Model(
        f"{path}:{function}", module, Kind.BUILDER, path, "0" * 64, module, function, (str(Path(path).parent),)
    )


@pytest.mark.parametrize(
    ("model", "route", "keras", "lines"),
    [
        (
            file(Kind.KERAS, "/m/a b.keras"),
            "layers",
            "3.15.1",
            ["tf.keras.models.load_model('/m/a b.keras'", 'save_keras_model(model, "web_model")'],
        ),
        (
            file(Kind.H5, "/m/a.h5"),
            "graph",
            "2.15.0",
            ['tf.saved_model.save(model, "saved_model")', 'convert_tf_saved_model("saved_model", "web_model")'],
        ),
        (file(Kind.KERAS, "/m/a.keras"), "graph+control-flow-v2", "3.1.0", ["model.export(", "control_flow_v2=True)"]),
        (file(Kind.SAVED_MODEL, "/m/saved"), "graph", None, ["convert_tf_saved_model('/m/saved', \"web_model\")"]),
        (file(Kind.H5, "/m/a.h5"), "keras-h5+uint8", "2.15.0", ['model.save("model.h5")']),
        (builder("/m/train.py", "train"), "layers", "3.15.1", ["runpy.run_path('/m/train.py')['build']()"]),
        (builder("/m/pack/nets.py", "pack.nets"), "layers", "3.15.1", ["from pack.nets import build"]),
        (file(Kind.H5, '/m/a\\x\\N{b\n\'"""\udc80\u202e\x1b.h5'), "layers", "2.15.0", ["save_keras_model(model"]),
    ],
)
def test_a_recipe_script_is_python_for_the_same_case(
    model: Model, route: str, keras: str | None, lines: list[str]
) -> None:
    written = recipe(model, route, keras)
    compile(written.script, "convert.py", "exec")
    assert "\x1b" not in written.script
    written.script.encode()
    assert all(line in written.script for line in lines)
    assert written.files["convert.py"] == written.script


def test_a_recipe_says_everything_that_the_case_had() -> None:
    lock = make_lock("tensorflow==2.21.0 --hash=sha256:0", PYTHON, source_builds=False, stand_ins=("a-b",))
    requested = case("layers+repair", tensorflow="2.21.0", constraints=("setuptools<81",), stand_ins=("a-b",))
    written = write_recipe(requested, lock, {"TF_USE_LEGACY_KERAS": "1"}, "2.21.0", {})
    assert written.requirements == ("tensorflow==2.21.0", "tensorflowjs==4.17.0", "setuptools<81")
    assert written.commands == (
        "python3.11 -m venv env",
        "env/bin/pip install --require-hashes --no-deps -r requirements.txt",
        "touch env/lib/python3.11/site-packages/a_b.py",
        "TF_USE_LEGACY_KERAS=1 env/bin/python convert.py",
        "tfjs-compat repair web_model --output web_model_repaired",
    )
    assert written.uv_commands[0] == "uv venv --python 3.11 env"
    assert written.files["requirements.txt"] == lock.text


def test_the_recipe_of_an_example_brings_its_source() -> None:
    written = recipe(find_model("zoo:seed", Path.cwd()))
    assert "from zoo.sequences import seed" in written.script
    assert "def seed(" in written.files["zoo/sequences.py"]


@pytest.mark.parametrize(
    ("model", "reference", "line"),
    [
        (
            file(Kind.SAVED_MODEL, "/m/s"),
            Reference(signature="encode"),
            "tfjs.converters.convert_tf_saved_model('/m/s', \"web_model\", signature_def='encode')",
        ),
        (
            file(Kind.SAVED_MODEL, "/m/s"),
            Reference(signature="serving_default"),
            "tfjs.converters.convert_tf_saved_model('/m/s', \"web_model\")",
        ),
        (
            builder("/m/t.py", "t"),
            Reference(signature="__call__"),
            'tf.saved_model.save(model, "saved_model", signatures=model.__call__)',
        ),
        (
            builder("/m/t.py", "t"),
            Reference(signature="go", traced=True, inputs=(InputUsed("x", "float32", (2, 3), "given"),)),
            'tf.saved_model.save(model, "saved_model", signatures=model.go.get_concrete_function('
            "tf.TensorSpec([None, 3], 'float32', 'x')))",
        ),
        (builder("/m/t.py", "t"), Reference(signature="function"), "    function, model = model, tf.Module()"),
    ],
)
def test_the_function_that_was_proven_is_converted(model: Model, reference: Reference, line: str) -> None:
    requested = msgspec.structs.replace(case("graph"), model=model)
    script = write_recipe(requested, LOCK, {}, "3.15.1", {}, reference).script
    compile(script, "convert.py", "exec")
    assert line in script.splitlines()


def test_a_subclassed_model_is_exported_as_it_was_called() -> None:
    export = Export(
        ("tf.TensorSpec([None, 4], 'float32', 'x')", "tf.TensorSpec([None, 2], 'int32', 'edges')"),
        "model({'x': inputs[0], 'edges': inputs[1]}, training=False)",
    )
    requested = msgspec.structs.replace(case("graph"), model=builder("/m/t.py", "t"))
    script = write_recipe(requested, LOCK, {}, "3.15.1", {}, Reference(export=export)).script
    compile(script, "convert.py", "exec")
    assert "import keras" in script.splitlines()
    assert f'archive.add_endpoint("serve", lambda *inputs: {export.call}, input_signature=specs)' in script
    assert "model.export" not in script


@pytest.mark.parametrize(
    ("model", "route", "format"),
    [(file(Kind.H5, "/m/a.h5"), "keras-h5+rewrite", "layers"), (builder("/m/t.py", "t"), "graph+rewrite", "graph")],
)
def test_a_recipe_brings_along_what_rewrites_the_model(model: Model, route: str, format: str) -> None:
    requested = msgspec.structs.replace(case(route), model=model)
    written = write_recipe(requested, LOCK, {}, "3.15.1", rewrite_sources(requested.route))
    compile(written.script, "convert.py", "exec")
    lines = written.script.splitlines()
    imported = lines.index("from tfjs_rewrites.walk import rewritten")
    rewritten = lines.index(f'model = rewritten(model, "{format}").model')
    saved = next(number for number, line in enumerate(lines) if line.startswith(("model.save(", "model.export(")))
    assert imported < rewritten < saved
    assert "def rewritten(" in written.files["tfjs_rewrites/walk.py"]
    assert rewrite_sources(case("graph").route) == {}


def test_a_command_line_route_is_a_command() -> None:
    written = recipe(file(Kind.H5, "/m/a.h5"), "keras-h5+uint8", "2.15.0")
    assert written.commands[-1] == (
        "env/bin/tensorflowjs_converter --input_format keras --quantize_uint8 '*' model.h5 web_model"
    )
