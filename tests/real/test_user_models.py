"""Models as users give them: builders, files of either Keras generation, SavedModels, their own inputs."""

from __future__ import annotations

import textwrap
from pathlib import Path

import numpy as np
import pytest

from tfjs_compat import api
from tfjs_compat.engine.request import RunRequest
from tfjs_compat.environments.registry import list_environments
from tfjs_compat.errors import RequestError
from tfjs_compat.results.case_result import CaseResult, Results
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.system.process import Limits
from tfjs_compat.system.process import run as run_child
from tfjs_compat.system.store import Store

pytestmark = pytest.mark.real

KERAS_2 = {"tensorflow": ["2.15.0"], "tensorflowjs": ["4.17.0"], "as_of": ["2024-04-10"]}
KERAS_3 = {"tensorflow": ["2.16.1"], "tensorflowjs": ["4.17.0"], "as_of": ["2024-04-10"]}

SCRIPT = textwrap.dedent(
    """
    from pathlib import Path

    import numpy as np
    from tensorflow import keras

    import helper  # beside this file

    def build():
        '''Reads a file beside itself, imports a module beside itself.'''
        units = int((Path(__file__).parent / "units.txt").read_text())
        model = keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(units, "relu"), keras.layers.Dense(2)])
        model.set_weights([helper.some(array.shape) for array in model.get_weights()])
        return model

    def build_constant():
        model = build()
        model.set_weights([array * 0 for array in model.get_weights()])
        return model

    def fussy():
        inputs = keras.layers.Input((3,), name="left"), keras.layers.Input((3,), name="right")
        total = keras.layers.Concatenate()(list(inputs))
        return keras.Model(list(inputs), keras.layers.Dense(1)(total))

    def fussy_inputs():
        return {"left": np.eye(3), "right": -2 * np.eye(3)}
    """
)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("my project")  # a space: users have them
    (folder / "train.py").write_text(SCRIPT, "utf-8")
    (folder / "helper.py").write_text(
        "import numpy as np\n\ndef some(shape):\n    return np.random.RandomState(3).normal(size=shape)\n", "utf-8"
    )
    (folder / "units.txt").write_text("5", "utf-8")
    return folder


def run(store: Store, folder: Path, axes: dict[str, list[str]], **more: object) -> Results:
    return api.run(RunRequest(axes=axes, output=folder / "out", store=store, **more))  # type: ignore[arg-type]


def outcome_of(found: CaseResult) -> tuple[str, str, str | None]:
    return str(found.verdict), str(found.stage), found.issue


def matrix(folder: Path, *models: str, routes: tuple[str, ...] = ("layers",)) -> str:
    path = folder / "matrix.toml"
    path.write_text(f"models = {list(models)}\nroutes = {list(routes)}\n", "utf-8")
    return str(path)


def test_builders_of_the_users_own(store: Store, project: Path) -> None:
    routes = ("layers", "keras-h5", "graph")
    models = ("train.py:build", "train.py:fussy", "train.py:build_constant")
    results = run(store, project, KERAS_2, matrix=matrix(project, *models, routes=routes))
    by_case = {(found.model, found.route): found for found in results.cases}
    for route in routes:
        for model in ("train.py:build", "train.py:fussy"):
            assert outcome_of(by_case[model, route]) == ("works", "predict", None), by_case[model, route].message
        # Zero weights: whatever it predicts proves nothing, so it is not called working.
        assert outcome_of(by_case["train.py:build_constant", route]) == ("converts", "predict", "proves-nothing")


def test_the_keras_v3_route_converts_and_does_not_load(store: Store, project: Path) -> None:
    # The converter copies the weight names of the .keras archive (layers/dense/vars/0), which no variable has.
    (found,) = run(store, project, KERAS_2, matrix=matrix(project, "train.py:build", routes=("keras-v3",))).cases
    assert outcome_of(found) == ("fails", "load", "weights-unwanted"), found.message
    assert "layers/dense/vars/0" in found.message


def test_inputs_from_a_file(store: Store, project: Path) -> None:
    np.savez(project / "inputs.npz", left=np.ones((2, 3)) * [[1], [2]], right=np.zeros((2, 3)))
    results = run(store, project, KERAS_2, matrix=matrix(project, "train.py:fussy"), inputs=project / "inputs.npz")
    (found,) = results.cases
    assert outcome_of(found) == ("works", "predict", None)
    assert found.parity is not None
    assert found.parity.outputs[0].shape == [2, 1]


def test_inputs_that_are_not_the_models_are_a_wrong_request(store: Store, project: Path) -> None:
    np.savez(project / "wrong.npz", lefft=np.ones((2, 3)), right=np.zeros((2, 3)))
    message = r"wrong\.npz: array 'lefft':.* left \(float32 \[\?, 3\]\)(.|\n)*'left'"
    with pytest.raises(RequestError, match=message):
        run(store, project, KERAS_2, matrix=matrix(project, "train.py:fussy"), inputs=project / "wrong.npz")


@pytest.fixture(scope="module")
def saved(store: Store, project: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """model files as each Keras generation writes them, made by the environments themselves."""
    folder = tmp_path_factory.mktemp("saved")
    run(store, project, KERAS_2, matrix=matrix(project, "train.py:build"), only=("*",))
    run(store, project, KERAS_3, matrix=matrix(project, "train.py:build"))
    script = folder / "save.py"
    script.write_text(
        textwrap.dedent(
            f"""
            import sys
            sys.path.insert(0, {str(project)!r})
            import keras, tensorflow as tf, train
            model = train.build()
            name = "keras" + keras.__version__.split(".")[0]
            model.save(name + ".keras")
            model.save(name + ".h5")
            tf.saved_model.save(model, name + "_saved")
            """
        ),
        "utf-8",
    )
    for environment in list_environments(store):
        if environment.packages["keras"] in ("2.15.0", "3.2.1") and environment.packages["setuptools"] == "69.2.0":
            ended = run_child(
                [str(environment.executable), "-I", str(script)],
                env=clean_environment(folder / "home"),
                cwd=folder,
                log=folder / "log.txt",
                limits=Limits(seconds=300),
            )
            assert ended.ok, (folder / "log.txt").read_text()
    return folder


@pytest.mark.parametrize(
    ("file", "axes", "verdict", "stage", "issue"),
    [
        ("keras2.keras", KERAS_2, "works", "predict", None),
        ("keras2.h5", KERAS_2, "works", "predict", None),
        ("keras3.keras", KERAS_2, "fails", "build", "dot-keras-cross-load"),
        ("keras3.h5", KERAS_2, "fails", "build", "dot-keras-cross-load"),
        ("keras3.keras", KERAS_3, "fails", "convert", "duplicate-weight-name"),
        ("keras2_saved", KERAS_3, "fails", "build", "saved-model-keras3"),
    ],
)
def test_files_of_both_generations(
    store: Store, saved: Path, file: str, axes: dict[str, list[str]], verdict: str, stage: str, issue: str | None
) -> None:
    (found,) = run(store, saved, axes, matrix=matrix(saved, file)).cases
    assert outcome_of(found) == (verdict, stage, issue), found.message


@pytest.mark.parametrize("file", ["keras2_saved", "keras3_saved"])
@pytest.mark.parametrize("axes", [KERAS_2, KERAS_3], ids=["tf2.15", "tf2.16"])
def test_a_saved_model_converts_on_the_graph_route(
    store: Store, saved: Path, file: str, axes: dict[str, list[str]]
) -> None:
    (found,) = run(store, saved, axes, matrix=matrix(saved, file, routes=("graph",))).cases
    assert outcome_of(found) in [("works", "predict", None), ("fails", "check", "unsupported-fusion")], found.message


def test_import_keras_gives_keras_3_beside_any_tf_keras(store: Store, tmp_path: Path) -> None:
    script = """
    import keras

    def build():
        return keras.Sequential([keras.layers.Input((4,)), keras.layers.Dense(3, "relu"), keras.layers.Dense(2)])
    """
    (tmp_path / "standalone.py").write_text(textwrap.dedent(script), "utf-8")
    axes = {**KERAS_3, "process_env": ["legacy-keras"]}
    (found,) = run(store, tmp_path, axes, matrix=matrix(tmp_path, "standalone.py:build")).cases
    assert outcome_of(found) == ("fails", "convert", "duplicate-weight-name")
    assert found.keras_in_use == "3.2.1"
