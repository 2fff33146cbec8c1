"""Where a search starts and what it may change, and the recipe at its end. Nothing is run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from support.samples import PYTHON, case, interpreters, release

from tfjs_compat.errors import RequestError
from tfjs_compat.handover.recipe import Recipe, write_recipe
from tfjs_compat.locks.lock import make_lock
from tfjs_compat.matrix.cases import Case
from tfjs_compat.matrix.expansion import LeftOut, expand
from tfjs_compat.matrix.models import Kind, Model, find_model
from tfjs_compat.matrix.schema import Matrix
from tfjs_compat.search.request import SearchRequest
from tfjs_compat.search.starting_points import StartingPoints, plan_search

FOUND = interpreters("3.11.7", "3.13.1")
RELEASES = {
    "tensorflow": tuple(
        release(version, tags="cp311 cp313" if version >= "2.20" else "cp311")
        for version in ("2.15.0", "2.15.1", "2.16.1", "2.19.0", "2.19.1", "2.21.0")
    ),
    "tensorflowjs": tuple(release(version, tags="py3") for version in ("4.10.0", "4.17.0", "4.22.0")),
}


def ground(**wish: Any) -> StartingPoints:
    def expanded(matrix: Matrix) -> tuple[tuple[Case, ...], tuple[LeftOut, ...]]:
        found = expand(matrix, RELEASES, FOUND, lambda ref: find_model(ref, Path.cwd()))
        return found.cases, found.left_out

    return plan_search(SearchRequest(**{"model": "zoo:seed", **wish}), RELEASES, FOUND, expanded)


def versions(given: StartingPoints) -> set[tuple[str, str]]:
    return {(one.combination.tensorflow, one.combination.tensorflowjs) for one in given.roots}


def test_without_limits_the_latest_patches_and_two_converters_are_looked_at() -> None:
    given = ground()
    assert versions(given) == {
        (tensorflow, tensorflowjs)
        for tensorflow in ("2.15.1", "2.16.1", "2.19.1", "2.21.0")
        for tensorflowjs in ("4.17.0", "4.22.0")
    }
    assert {one.route.name for one in given.roots} == {"layers", "graph"}
    assert given.world.patches["2.19.1"] == ("2.19.0",)
    assert given.world.patches["2.21.0"] == ()
    assert "TensorFlow 2.15.1, 2.16.1, 2.19.1, 2.21.0" in given.limits


def test_requirements_are_limits() -> None:
    given = ground(require=("tensorflow>=2.16", "tensorflow<2.20", "TensorFlowJS==4.10.0", "keras>=3", "numpy<2"))
    assert versions(given) == {("2.16.1", "4.10.0"), ("2.19.1", "4.10.0")}
    assert {(one.combination.extra, one.combination.constraints) for one in given.roots} == {
        (("keras>=3",), ("numpy<2",))
    }
    assert given.world.keras == ">=3"
    exact = ground(require=("tensorflow==2.19.1",))
    assert versions(exact) == {("2.19.1", "4.17.0"), ("2.19.1", "4.22.0")}
    assert exact.world.patches == {"2.19.1": ()}


def test_a_tensorflow_without_a_wheel_for_the_python_is_not_looked_at_and_that_is_said() -> None:
    given = ground(python=("3.13",))
    assert {tensorflow for tensorflow, _ in versions(given)} == {"2.21.0"}
    assert LeftOut("TensorFlow 2.16.1", "it has no wheel for Python 3.13") in given.left_out
    with pytest.raises(
        RequestError, match=r"nothing to look at: TensorFlow 2\.16\.1: it has no wheel for Python 3\.13"
    ):
        ground(python=("3.13",), require=("tensorflow==2.16.1",))


def test_what_the_user_has_is_looked_at_too_and_its_packages_come_along(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("tensorflow==2.15.0\ntensorflowjs==4.10.0\npandas==2.2\n")
    given = ground(source=str(tmp_path / "mine.txt"), wanted=("pillow",))
    assert ("2.15.0", "4.10.0") in versions(given)
    assert {one.combination.extra for one in given.roots} == {("pillow", "pandas")}
    assert given.world.wanted == {"pillow"}
    outside = ground(source=str(tmp_path / "mine.txt"), require=("tensorflow>=2.16",))
    assert "2.15.0" not in {tensorflow for tensorflow, _ in versions(outside)}


@pytest.mark.parametrize(
    ("wish", "said"),
    [
        ({"require": ("tensorflow>>2",)}, "--require: 'tensorflow>>2' is no requirement"),
        ({"require": ("tensorflow==2.99.0",)}, "tensorflow: "),
        ({"require": ("tensorflow @ https://example.org/x.whl",)}, "'tensorflow' is given with a URL"),
        ({"require": ("numpy @ https://me:secret@example.org/x.whl",)}, "'numpy' is given with a URL"),
        ({"require": ("tensorflow[and-cuda]>=2.16",)}, "'tensorflow' is given with extras"),
        ({"require": ('tensorflow>=2.16; python_version < "3"',)}, "'tensorflow' is given with a marker"),
        ({"wanted": ("pillow @ https://example.org/x.whl",)}, "--with: 'pillow' is given with a URL"),
        ({"wanted": ("not a name",)}, "--with: 'not a name' is no requirement"),
        ({"routes": ("grph",)}, "did you mean 'graph'"),
        ({"python": ("three",)}, "not a Python version"),
        ({"as_of": "yesterday"}, "neither a date"),
        ({"source": "/nowhere/x.txt"}, "there is no such file"),
    ],
)
def test_a_wrong_wish_is_refused(wish: dict[str, Any], said: str) -> None:
    with pytest.raises(RequestError) as raised:
        ground(**wish)
    assert said in str(raised.value)


LOCK = make_lock(
    "tensorflow==2.19.0 --hash=sha256:0\ntensorflowjs==4.22.0 --hash=sha256:1", PYTHON, source_builds=False
)


def recipe(model: Model, route: str = "layers", keras: str | None = "3.15.1", **more: Any) -> Recipe:
    asked = msgspec.structs.replace(case(route), model=model)
    return write_recipe(asked, LOCK, more.get("variables", {}), keras)


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
def test_the_script_of_a_recipe_is_python_that_does_what_the_case_did(
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
    asked = case("layers+repair", tensorflow="2.21.0", constraints=("setuptools<81",), stand_ins=("a-b",))
    written = write_recipe(asked, lock, {"TF_USE_LEGACY_KERAS": "1"}, "2.21.0")
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


def test_a_command_line_route_is_a_command() -> None:
    written = recipe(file(Kind.H5, "/m/a.h5"), "keras-h5+uint8", "2.15.0")
    assert written.commands[-1] == (
        "env/bin/tensorflowjs_converter --input_format keras --quantize_uint8 '*' model.h5 web_model"
    )
