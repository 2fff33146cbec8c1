from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest
import tomli
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from support.samples import DATA, ROOT

from tfjs_compat.diagnosis.catalogue import KnownIssue, catalogue, recognise
from tfjs_compat.locks.conflicts import explain
from tfjs_compat.matrix.process_env import PROCESS_ENVS
from tfjs_compat.matrix.routes import ROUTES, VARIANTS
from tfjs_compat.matrix.versions import check_syntax
from tfjs_compat.outcomes.failures import Failure, Family, Finding, Lacking, Raised
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.repairs.catalogue import REPAIRS

FOLDER = ROOT / "src" / "tfjs_compat" / "diagnosis" / "known_issues"
ENTRIES = list(catalogue().values())
each_entry = pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.id)


IMPERATIVES = (
    "add", "call", "choose", "compare", "convert", "give", "let", "load", "name", "pin", "rename", "repair", "replace",
    "rewrite", "save", "store", "strip", "train", "trust", "use", "write",
)  # fmt: skip


@each_entry
def test_an_entry_says_what_a_reader_needs(entry: KnownIssue) -> None:
    assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", entry.id)
    assert entry.title
    assert not entry.title.endswith(".")
    assert len(re.findall(r"\.(?:\s|\Z)", entry.explanation.strip())) == 2, "an explanation is two sentences"
    assert entry.stages
    assert all(link.startswith("https://") for link in entry.links)


@each_entry
def test_patterns_are_regular_expressions_and_say_something(entry: KnownIssue) -> None:
    for pattern in entry.match:
        for expression in (pattern.type, pattern.message, pattern.text):
            re.compile(expression)
        for wanted in pattern.versions.values():
            SpecifierSet(wanted)
        given = msgspec.structs.astuple(pattern)
        assert any(given[:-1]), "a pattern of versions alone would name every failure there"


@each_entry
def test_remedies_are_in_the_words_of_a_matrix(entry: KnownIssue) -> None:
    for remedy in entry.remedies:
        assert remedy.title.split()[0] in IMPERATIVES
        assert len(remedy.title) <= 100
        for line in (*remedy.constraints, *remedy.extra, *remedy.overrides):
            Requirement(line.replace("{minor}", "2.16"))
        for version in (remedy.tensorflow, remedy.tensorflowjs, remedy.keras):
            assert not version or check_syntax(version) is None
        assert all(part in PROCESS_ENVS for part in remedy.process_env.split("+") if part)
        assert remedy.route in ("", *ROUTES)
        assert all(part in VARIANTS for part in remedy.variant.split("+") if part)
        assert remedy.python in ("", "auto")
        re.compile(remedy.where)
        for wanted in remedy.when.values():
            SpecifierSet(wanted)


@each_entry
def test_what_hides_behind_an_issue_is_in_the_catalogue(entry: KnownIssue) -> None:
    assert set(entry.often_followed_by) <= set(catalogue()) - {entry.id}
    for versions in entry.certain_for:
        assert versions
        for wanted in versions.values():
            SpecifierSet(wanted)


def test_what_a_repair_cures_has_the_repair_among_its_remedies() -> None:
    cured = {id for repair in REPAIRS for id in repair.cures}
    without = {
        id for id in cured & set(catalogue()) if not any(r.variant == "repair" for r in catalogue()[id].remedies)
    }
    assert without == set()
    assert cured <= set(catalogue())


def test_no_id_is_there_twice_and_every_file_is_read() -> None:
    ids = [issue["id"] for path in FOLDER.glob("*.toml") for issue in tomli.loads(path.read_text("utf-8"))["issue"]]
    assert len(ids) == len(set(ids))
    assert set(ids) == set(catalogue())


@pytest.mark.parametrize("path", sorted((ROOT / "envs").glob("*.toml")), ids=lambda path: path.stem)
def test_what_shipped_matrices_expect_is_in_the_catalogue(path: Path) -> None:
    for rule in tomli.loads(path.read_text("utf-8")).get("expect", []):
        assert rule.get("issue", "pkg-resources-gone") in catalogue()


def raised(stage: Stage, kind: str, message: str, *through: str, text: str = "") -> Failure:
    return Failure(stage, f"{kind}: {message}", (Raised(kind, message, through=through),), text=text)


def importing(kind: str, message: str, *through: str, text: str = "") -> Failure:
    return raised(Stage.IMPORT, kind, message, "__main__", "tensorflowjs", *through, text=text)


def found(id: str, stage: Stage = Stage.CHECK) -> Failure:
    return Failure(stage, "$.modelTopology: it is so", findings=(Finding(id, "$.modelTopology", "it is so"),))


def unresolved(name: str) -> Failure:
    conflict = explain((DATA / "resolver" / f"{name}.txt").read_text("utf-8"))
    return Failure(Stage.RESOLVE, conflict.message, packages=conflict.packages, text=conflict.text)


def javascript(stage: Stage, message: str, kind: str = "ValueError") -> Failure:
    return Failure(stage, f"{kind}: {message}", (Raised(kind, message),), text="at new t (tf.min.js:17:1)")


def tensorflow(version: str) -> dict[str, str]:
    return {"tensorflow": version}


GENCODE = (
    "Detected incompatible Protobuf Gencode/Runtime versions when loading {}: gencode 6.31.1 runtime 5.29.6. "
    "Runtime version cannot be older than the linked gencode version."
)
MISMATCHED = (
    "Detected mismatched Protobuf Gencode/Runtime major versions when loading {}: gencode 6.31.1 runtime 5.29.4. "
    "Same major version is required."
)
VERSION_ERROR = "google.protobuf.runtime_version.VersionError"
NOT_FOUND = "tensorflow.python.framework.errors_impl.NotFoundError"
INFERENCE = "/env/site-packages/tensorflow_decision_forests/tensorflow/ops/inference/inference.so"
NUMPY_1 = "A module that was compiled using NumPy 1.x cannot be run in\nNumPy 2.1.3 as it may crash."
NUMPY_DTYPE = "numpy.dtype size changed, may indicate binary incompatibility. Expected 96 from C header, got 88"
LEGACY = "Your environment has TF_USE_LEGACY_KERAS set to True, but you do not have the tf_keras package installed."
NO_CONFIG = (
    "Object Mine was created by passing\nnon-serializable argument values in `__init__()`,\nand therefore the "
    "object must override `get_config()` in\norder to be serializable. Please implement `get_config()`."
)
NO_CONFIG_KERAS_2 = (
    "\nLayer Mine was created by passing\nnon-serializable argument values in `__init__()`,\nand therefore the "
    "layer must override `get_config()` in\norder to be serializable. Please implement `get_config()`."
)
SUBCLASSED = (
    "Saving the model to HDF5 format requires the model to be a Functional model or a Sequential model. It does not"
)
SAVE_FORMAT = (
    "The `save_format` argument is deprecated in Keras 3. Please remove this argument and pass a file path with"
)
CROSS = (
    "Error when deserializing class 'InputLayer' using config={'batch_shape': [None, 4]}.\n\nException encountered: "
)
CROSS += "Unrecognized keyword arguments: ['batch_shape']"
FILE_FORMAT = (
    "File format not supported: filepath=given/sm. Keras 3 only supports V3 `.keras` files and legacy H5 format"
)
NAME_EXISTS = "Unable to synchronously create dataset (name already exists)"
STUCK = (
    "Cannot compute the outputs [Identity] from the provided inputs [x]. Consider providing the following inputs: []."
)
UVLOOP = Failure(
    Stage.INSTALL,
    "uv could not build uvloop",
    text="  × Failed to build `uvloop==0.22.1`\n  RuntimeError: uvloop does not support Windows at the moment\n",
)


def lacking(family: Family) -> Failure:
    lost = raised(Stage.CONVERT, "AssertionError", "Identity is not in graph")
    return msgspec.structs.replace(lost, lacking=(Lacking(family, ("StringLower",)),))


RECOGNISED: list[tuple[str, Failure, dict[str, str]]] = [
    # what no TensorFlow.js computes
    ("text-in-graph", lacking("text"), {}),
    ("bytes-in-graph", lacking("bytes"), {}),
    ("python-in-graph", lacking("python"), {}),
    ("fourier-of-several-axes", lacking("fourier"), {}),
    ("linear-algebra-in-graph", lacking("algebra"), {}),
    # resolve, install
    ("tfdf-unresolvable", unresolved("tf2.20.0-tfjs4.22.0-py311"), tensorflow("2.20.0")),
    ("tfdf-unresolvable", unresolved("tf2.20.0-tfjs4.22.0-py312"), tensorflow("2.20.0")),
    ("tfdf-unresolvable", unresolved("tf2.20.0-tfjs4.22.0-py313"), tensorflow("2.20.0")),
    ("tfdf-unresolvable", unresolved("tf2.18.1-tfjs4.22.0-py311"), tensorflow("2.18.1")),
    ("no-wheel-for-python", unresolved("tf2.15.0-tfjs4.17.0-py312"), tensorflow("2.15.0")),
    ("no-wheel-for-python", unresolved("tf2.16.1-tfjs4.17.0-py312"), tensorflow("2.16.1")),
    ("no-wheel-for-python", unresolved("tf2.15.0-tfjs4.17.0-windows"), tensorflow("2.15.0")),
    ("no-wheel-for-python", unresolved("tf2.15.0-tfjs4.17.0-linux-arm"), tensorflow("2.15.0")),
    ("not-published-by-date", unresolved("asof-before-release-py311"), tensorflow("2.16.1")),
    ("not-published-by-date", unresolved("asof-converter-py311"), tensorflow("2.16.1")),
    ("protobuf3", unresolved("tf2.12.1-tfjs3.21.0-py311"), tensorflow("2.12.1")),
    ("protobuf3", unresolved("tf2.13.1-tfjs4.0.0-py311"), tensorflow("2.13.1")),
    ("tfjs-caps-tensorflow", unresolved("tf2.12.1-tfjs4.17.0-py311"), tensorflow("2.12.1")),
    ("tensorflow-caps-keras", unresolved("keras3-tf2.15.0-py311"), tensorflow("2.15.0")),
    ("tensorflow-caps-keras", unresolved("keras2-tf2.16.1-py311"), tensorflow("2.16.1")),
    ("uvloop-windows", UVLOOP, {}),
    # import
    ("pkg-resources-gone", importing("ModuleNotFoundError", "No module named 'pkg_resources'", "tensorflow_hub"), {}),
    (
        "ydf-protobuf",
        importing(VERSION_ERROR, GENCODE.format("yggdrasil_decision_forests/dataset/data_spec.proto")),
        {},
    ),
    (
        "protobuf-gencode",
        importing("ImportError", "cannot import name 'runtime_version' from 'google.protobuf' (/env/protobuf)"),
        {},
    ),
    ("ydf-protobuf", importing(VERSION_ERROR, MISMATCHED.format("yggdrasil_decision_forests/x.proto")), {}),
    ("protobuf-gencode", importing(VERSION_ERROR, GENCODE.format("tensorflow_metadata/path.proto")), {}),
    ("protobuf-gencode", importing(VERSION_ERROR, MISMATCHED.format("tensorflow_metadata/path.proto")), {}),
    ("tfdf-inference-so", importing(NOT_FOUND, f"{INFERENCE}: undefined symbol: _ZN10tensorflow8OpKernel"), {}),
    ("tfdf-inference-so", importing(NOT_FOUND, f"{INFERENCE} not found"), {}),
    (
        "jax-shape-poly",
        importing("ImportError", "cannot import name 'shape_poly' from 'jax.experimental.jax2tf' (/env/jax2tf.py)"),
        {},
    ),
    ("jax-shape-poly", importing("ModuleNotFoundError", "No module named 'jax.experimental.export'"), {}),
    (
        "jax-shape-poly",
        importing(
            "ImportError",
            "cannot import name 'jax2tf' from 'jax.experimental' (/env/jax/experimental/__init__.py)",
            "tensorflowjs.converters.jax_conversion",
        ),
        {},
    ),
    ("numpy-object", importing("AttributeError", "module 'numpy' has no attribute 'object'.\n`np.object` was a"), {}),
    ("numpy-object", importing("AttributeError", "module 'numpy' has no attribute 'bool'."), {}),
    ("numpy2-abi", importing("ImportError", "numpy.core.umath failed to import", text=NUMPY_1), {"numpy": "2.1.3"}),
    ("numpy2-abi", importing("ValueError", NUMPY_DTYPE), {"numpy": "2.0.0"}),
    (
        "protobuf3",
        importing("TypeError", "Descriptors cannot be created directly.\nIf this call came from a _pb2.py"),
        {},
    ),
    ("protobuf3", importing("TypeError", "Descriptors cannot not be created directly.\nIf this call came from"), {}),
    (
        "hub-tfkeras-mismatch",
        importing(
            "AttributeError",
            "module 'tensorflow._api.v2.compat.v2.__internal__' has no attribute 'register_load_context_function'",
        ),
        {},
    ),
    ("hub-tfkeras-mismatch", importing("AttributeError", "module 'tensorflow' has no attribute 'estimator'"), {}),
    (
        "legacy-keras-missing",
        importing("ImportError", "Keras cannot be imported. Check that it is installed.", text=LEGACY),
        {},
    ),
    (
        "untrusted-code",
        raised(Stage.BUILD, "ValueError", "Requested the deserialization of a `Lambda` layer whose `function` is a"),
        {},
    ),
    ("untrusted-code", raised(Stage.BUILD, "tfjs_case.foreign_code.UntrustedCode", "m.h5: the layer 'x' (Lambda)"), {}),
    ("network-not-allowed", raised(Stage.BUILD, "NetworkNotAllowed", "the model uses the network"), {}),
    ("write-not-allowed", raised(Stage.CONVERT, "WriteNotAllowed", "the model writes outside: /x"), {}),
    ("legacy-keras-missing", importing("ModuleNotFoundError", "No module named 'tf_keras'"), {}),
    # build, serialize
    ("builder-returned-no-model", raised(Stage.BUILD, "tfjs_case.build.NotAModel", "build() returned a dict"), {}),
    ("module-needs-graph", raised(Stage.SERIALIZE, "tfjs_case.convert.NotAKerasModel", "an Affine is no Keras"), {}),
    ("no-signature", raised(Stage.BUILD, "tfjs_case.signatures.NoSignature", "the SavedModel has no signature"), {}),
    ("no-signature", raised(Stage.BUILD, "tfjs_case.signatures.SeveralSignatures", "it has: encode, predict"), {}),
    ("dot-keras-cross-load", raised(Stage.BUILD, "TypeError", CROSS), {}),
    ("dot-keras-cross-load", raised(Stage.BUILD, "TypeError", "Could not locate class 'DTypePolicy'. Make sure"), {}),
    ("dot-keras-cross-load", raised(Stage.BUILD, "ValueError", "Unknown layer: 'Functional'. Please ensure"), {}),
    (
        "dot-keras-cross-load",
        raised(Stage.BUILD, "ValueError", "Unrecognized keyword arguments passed to LSTM: {'time_major': False}"),
        {},
    ),
    ("saved-model-keras3", raised(Stage.BUILD, "ValueError", FILE_FORMAT), {}),
    ("subclassed-model-h5", raised(Stage.SERIALIZE, "NotImplementedError", SUBCLASSED), {}),
    (
        "python-control-flow",
        raised(
            Stage.SERIALIZE, "OperatorNotAllowedInGraphError", "Iterating over a symbolic `tf.Tensor` is not allowed."
        ),
        {},
    ),
    (
        "python-control-flow",
        raised(Stage.BUILD, "TypeError", "Using a symbolic `tf.Tensor` as a Python `bool` is not allowed. You can"),
        {},
    ),
    ("layer-without-config", raised(Stage.SERIALIZE, "NotImplementedError", NO_CONFIG), {}),
    ("layer-without-config", raised(Stage.CONVERT, "NotImplementedError", NO_CONFIG_KERAS_2), {}),
    ("not-rewritten", raised(Stage.SERIALIZE, "tfjs_case.rewriting.TwinDiffers", "output y differs by 1"), {}),
    ("keras3-h5-name-exists", raised(Stage.SERIALIZE, "ValueError", NAME_EXISTS), {"keras": "3.2.1"}),
    # convert
    (
        "duplicate-weight-name",
        raised(Stage.CONVERT, "Exception", "Error dumping weights, duplicate weight name kernel"),
        {},
    ),
    (
        "save-format-keras3",
        raised(Stage.CONVERT, "ValueError", f"{SAVE_FORMAT} either `.keras` or `.h5` extension."),
        {},
    ),
    (
        "unsupported-ops",
        raised(Stage.CONVERT, "ValueError", "Unsupported Ops in the model before optimization\nRoll"),
        {},
    ),
    (
        "bfloat16-weights",
        raised(Stage.CONVERT, "ValueError", "Error dumping weight dense/Cast, dtype bfloat16 not supported."),
        {},
    ),
    ("node-not-in-graph", raised(Stage.CONVERT, "AssertionError", "Identity is not in graph"), {}),
    # load, predict
    (
        "keras3-batch-shape",
        javascript(Stage.LOAD, "An InputLayer should be passed either a `batchInputShape` or an `inputShape`."),
        {},
    ),
    (
        "keras3-inbound-nodes",
        javascript(Stage.LOAD, "Corrupted configuration, expected array for nodeData: [object Object]"),
        {},
    ),
    (
        "keras3-weight-prefix",
        javascript(Stage.LOAD, "Provided weight data has no target variable: sequential/lstm/lstm_cell/kernel"),
        {"keras": "3.3.3"},
    ),
    ("weights-unwanted", javascript(Stage.LOAD, "Provided weight data has no target variable: dense/kernel"), {}),
    ("weights-missing", javascript(Stage.LOAD, "2 of 4 weights are not set: dense/kernel,dense/bias"), {}),
    (
        "unknown-layer",
        javascript(Stage.LOAD, "Unknown layer: Normalization. This may be due to one of the following"),
        {},
    ),
    ("unknown-layer", javascript(Stage.LOAD, "Unknown regularizer: L2. This may be due to one of the following"), {}),
    (
        "separable-kernel-fields",
        javascript(
            Stage.LOAD,
            "Fields kernelInitializer, kernelRegularizer and kernelConstraint are invalid for SeparableConv2D. Use",
        ),
        {},
    ),
    ("gru-reset-after", javascript(Stage.LOAD, "GRUCell does not support reset_after parameter set to true."), {}),
    ("graph-loop-stuck", javascript(Stage.PREDICT, STUCK, "Error"), {}),
    (
        "unsupported-ops",
        javascript(Stage.PREDICT, "Unknown op 'Bucketize'. File an issue at https://github.com", "TypeError"),
        {},
    ),
    (
        "unsupported-fusion",
        javascript(Stage.PREDICT, "Activation tanh has not been implemented for the CPU backend.", "Error"),
        {},
    ),
    (
        "complex-numbers",
        javascript(Stage.PREDICT, "stridedSlice does not support complex64 tensors in the CPU backend.", "Error"),
        {},
    ),
    (
        "layer-computes-otherwise",
        javascript(Stage.PREDICT, "Input 0 is incompatible with layer lstm: expected ndim=3, found ndim=2"),
        {},
    ),
    ("erfc", raised(Stage.CONVERT, "ValueError", "Unsupported Ops in the model before optimization\nErfc"), {}),
    (
        "unsupported-ops",
        raised(Stage.CONVERT, "ValueError", "Unsupported Ops in the model before optimization\nA, Erfc"),
        {},
    ),
    ("erfc", raised(Stage.CONVERT, "ValueError", "Unsupported Ops in the model before optimization\nA, Erfc"), {}),
    ("module-not-found", raised(Stage.BUILD, "ModuleNotFoundError", "No module named 'einops'"), {}),
    ("legacy-keras-missing", raised(Stage.BUILD, "ModuleNotFoundError", "No module named 'tf_keras'"), {}),
    (
        "no-signature",
        raised(Stage.BUILD, "tfjs_case.signatures.SeveralSignatures", "it has: a, b; choose one of them"),
        {},
    ),
    ("no-signature", raised(Stage.BUILD, "tfjs_case.signatures.NoSignature", "it has: none; its functions: f"), {}),
    (
        "saved-model-without-keras",
        raised(Stage.SERIALIZE, "AttributeError", "'_UserObject' object has no attribute 'save'"),
        {},
    ),
    (
        "saved-model-without-keras",
        raised(Stage.BUILD, "ValueError", "Unable to create a TF-Keras model: it lacks the TF-Keras metadata file."),
        {},
    ),
    ("class-not-registered", raised(Stage.BUILD, "TypeError", "Could not locate class 'MyLayer'. Make sure"), {}),
    ("class-not-registered", raised(Stage.BUILD, "TypeError", "Cannot deserialize object of type `MyLayer`."), {}),
    (
        "class-not-registered",
        raised(Stage.BUILD, "ValueError", "Unknown layer: 'FunctionalHead'. Please use a custom_object_scope"),
        {},
    ),
    ("dot-keras-cross-load", raised(Stage.BUILD, "ValueError", "Unknown layer: 'TFOpLambda'. Please ensure"), {}),
    (
        "dot-keras-cross-load",
        raised(Stage.BUILD, "ValueError", "Invalid. The following nodes failed to be resolved: {<Dense>: []}"),
        {"keras": "3.15.1"},
    ),
    (
        "keras-tensor-in-tensorflow",
        raised(Stage.BUILD, "ValueError", "A KerasTensor cannot be used as input to a TensorFlow function. A"),
        {},
    ),
    (
        "layer-of-other-keras",
        raised(Stage.BUILD, "ValueError", "Only instances of `keras.Layer` can be added to a Sequential model. Rec"),
        {},
    ),
    (
        "gone-in-keras3",
        raised(Stage.BUILD, "AttributeError", "module 'keras._tf_keras.keras.layers' has no attribute 'X1D'"),
        {"keras": "3.15.1"},
    ),
    (
        "gone-in-keras3",
        raised(Stage.BUILD, "ModuleNotFoundError", "No module named 'tensorflow.keras.layers.experimental'"),
        {"keras": "3.15.1"},
    ),
    ("config-holds-module", raised(Stage.SERIALIZE, "TypeError", "cannot pickle 'module' object"), {}),
    *((id, found(id), {}) for id in sorted({p.finding for entry in ENTRIES for p in entry.match if p.finding})),
]


@pytest.mark.parametrize(("id", "failure", "versions"), RECOGNISED, ids=[id for id, _, _ in RECOGNISED])
def test_a_known_failure_is_named(id: str, failure: Failure, versions: dict[str, str]) -> None:
    assert id in recognise(failure, versions)


def test_every_entry_that_can_be_recognised_is_shown_to_be() -> None:
    assert {entry.id for entry in ENTRIES if entry.match} == {id for id, _, _ in RECOGNISED}


@pytest.mark.parametrize(
    ("id", "failure", "versions"),
    [row for row in RECOGNISED if row[1].stage.rank < Stage.CHECK.rank],
    ids=[id for id, failure, _ in RECOGNISED if failure.stage.rank < Stage.CHECK.rank],
)
def test_a_known_failure_is_named_at_its_stages_only(id: str, failure: Failure, versions: dict[str, str]) -> None:
    for stage in set(Stage) - set(catalogue()[id].stages):
        assert id not in recognise(msgspec.structs.replace(failure, stage=stage), versions)


# What comes near to a known issue and is another thing: the id that must not be named, or "" for none at all.
NEAR: list[tuple[str, Failure, dict[str, str]]] = [
    ("tfdf-unresolvable", unresolved("tf2.16.1-tfjs4.17.0-py312"), tensorflow("2.16.1")),
    ("tfdf-unresolvable", unresolved("tf2.15.0-tfjs4.17.0-windows"), tensorflow("2.15.0")),
    ("", unresolved("constraint-tfdf-py311"), tensorflow("2.16.1")),
    ("tfjs-caps-tensorflow", unresolved("tf2.20.0-tfjs4.22.0-py311"), tensorflow("2.20.0")),
    ("tfjs-caps-tensorflow", unresolved("tf2.18.1-tfjs4.22.0-py311"), tensorflow("2.18.1")),
    ("no-wheel-for-python", unresolved("tf2.20.0-tfjs4.22.0-py311"), tensorflow("2.20.0")),
    ("no-wheel-for-python", unresolved("tf2.18.1-tfjs4.22.0-py311"), tensorflow("2.18.1")),
    ("", unresolved("numpy2-tf2.16.1-py311"), tensorflow("2.16.1")),
    ("", unresolved("legacy-keras-mismatch-py311"), tensorflow("2.15.0")),
    ("", unresolved("asof-constraint-py311"), tensorflow("2.16.1")),
    ("", unresolved("tf2.99-tfjs4.22.0-py311"), tensorflow("2.99")),
    ("", unresolved("extra-unknown-package-py311"), tensorflow("2.16.1")),
    ("", Failure(Stage.INSTALL, "uv could not install", text="Failed to build `uvloop==0.22.1`: no C compiler"), {}),
    ("", importing("ModuleNotFoundError", "No module named 'pkg_resources.extern'"), {}),
    ("", importing("ModuleNotFoundError", "No module named 'tensorflow_hub'"), {}),
    ("ydf-protobuf", importing(VERSION_ERROR, GENCODE.format("tensorflow_metadata/path.proto")), {}),
    ("protobuf-gencode", importing(VERSION_ERROR, GENCODE.format("yggdrasil_decision_forests/x.proto")), {}),
    ("", importing(NOT_FOUND, "/env/libtensorflow_framework.so.2: undefined symbol: x"), {}),
    ("", importing("ImportError", "cannot import name 'linear_util' from 'jax.core' (/env/jax/core.py)", "flax"), {}),
    (
        "",
        importing(
            "AttributeError",
            "module 'ml_dtypes' has no attribute 'float8_e3m4'",
            "tensorflowjs.converters.jax_conversion",
            "jax",
        ),
        {},
    ),
    ("", importing("AttributeError", "module 'numpy' has no attribute 'object_'"), {}),
    ("", importing("AttributeError", "module 'numpy' has no attribute 'bool8'"), {}),
    ("", importing("AttributeError", "`np.complex_` was removed in the NumPy 2.0 release."), {}),
    (
        "",
        importing("ImportError", "libcudart.so.11.0: cannot open shared object file", text=NUMPY_1),
        {"numpy": "1.26.4"},
    ),
    ("", importing("ValueError", NUMPY_DTYPE), {"numpy": "1.26.4"}),
    ("", importing("TypeError", "Descriptors cannot be compared"), {}),
    ("", importing("AttributeError", "module 'tensorflow' has no attribute 'estimators'"), {}),
    ("", importing("ImportError", "Keras cannot be imported. Check that it is installed."), {}),
    ("", raised(Stage.BUILD, "TypeError", "build() takes 1 positional argument but 2 were given"), {}),
    ("", raised(Stage.BUILD, "ValueError", "Unknown layer: 'Head'. It is not in the zoo"), {}),
    ("", raised(Stage.BUILD, "ModuleNotFoundError", "No module named 'keras'"), {}),
    (
        "gone-in-keras3",
        raised(Stage.BUILD, "AttributeError", "module 'keras.api._v2.keras.layers' has no attribute 'Mine'"),
        {"keras": "2.15.0"},
    ),
    ("", raised(Stage.BUILD, "ModuleNotFoundError", "No module named 'scipy.misc'"), {}),
    ("", raised(Stage.SERIALIZE, "TypeError", "cannot pickle '_thread.lock' object"), {}),
    ("", raised(Stage.BUILD, "ValueError", "Unrecognized keyword arguments passed to Dense: {'unitz': 3}"), {}),
    (
        "",
        raised(
            Stage.BUILD,
            "TypeError",
            "Error when deserializing class 'Mine' using config={'batch_input_shape': [None, 4], 'units': 3}.\n\n"
            "Exception encountered: Mine.__init__() got an unexpected keyword argument 'units'",
        ),
        {},
    ),
    ("", raised(Stage.BUILD, "ValueError", "File not found: filepath=m.keras. Please ensure the file is"), {}),
    ("", raised(Stage.SERIALIZE, "ValueError", NAME_EXISTS), {"keras": "2.15.0"}),
    ("", raised(Stage.CONVERT, "Exception", "Error dumping weights, expected array, got NoneType"), {}),
    ("", raised(Stage.CONVERT, "ValueError", "The `save_traces` argument is deprecated in Keras 3"), {}),
    ("", raised(Stage.CONVERT, "AssertionError", "the graph is empty"), {}),
    (
        "keras3-weight-prefix",
        javascript(Stage.LOAD, "Provided weight data has no target variable: sequential/lstm/lstm_cell/kernel"),
        {"keras": "2.15.0"},
    ),
    ("", javascript(Stage.LOAD, "An InputLayer cannot have a batchSize"), {}),
    ("", javascript(Stage.LOAD, "", "Error"), {}),
    (
        "graph-loop-stuck",
        javascript(
            Stage.PREDICT,
            "Cannot compute the outputs [y] from the provided inputs [x]. Missing the following inputs: [z]",
        ),
        {},
    ),
    ("text-in-graph", lacking("bytes"), {}),
    ("text-in-graph", raised(Stage.CONVERT, "AssertionError", "Identity is not in graph"), {}),
    ("", Failure(Stage.BUILD, "the case was killed after 600 s during build"), {}),
    (
        "",
        Failure(Stage.CONVERT, "the case ended with signal 11 during convert", text="Fatal Python error: Segmentation"),
        {},
    ),
]


@pytest.mark.parametrize(("id", "failure", "versions"), NEAR)
def test_what_only_comes_near_is_not_named(id: str, failure: Failure, versions: dict[str, str]) -> None:
    named = recognise(failure, versions)
    assert id not in named if id else named == ()


def test_what_nothing_computes_is_named_before_what_the_converter_says_of_it() -> None:
    assert recognise(lacking("text"), {}) == ("text-in-graph", "node-not-in-graph")


def test_an_issue_bound_to_versions_is_not_named_without_them() -> None:
    assert recognise(importing("ValueError", NUMPY_DTYPE), {}) == ()
    assert recognise(importing("ValueError", NUMPY_DTYPE), {"numpy": "no version"}) == ()


def test_a_suspicion_names_nothing() -> None:
    finding = Finding("unsupported-ops", "$", "perhaps", "warning")
    assert recognise(Failure(Stage.CHECK, "x", findings=(finding,)), {}) == ()


def test_any_exception_of_a_chain_can_tell() -> None:
    chain = (
        Raised("RuntimeError", "the plugin could not be loaded"),
        Raised("ModuleNotFoundError", "No module named 'pkg_resources'", link="cause"),
    )
    assert recognise(Failure(Stage.IMPORT, "x", chain), {}) == ("pkg-resources-gone",)


RECORDED = json.loads((DATA / "exceptions.json").read_text("utf-8"))
NAMED = {
    "cross-seq-h5": "dot-keras-cross-load",
    "cross-seq-keras": "dot-keras-cross-load",
    "cross-fun-h5": "dot-keras-cross-load",
    "cross-fun-keras": "dot-keras-cross-load",
    "savedmodel-layers": "saved-model-keras3",
    "custom-no-get-config": "class-not-registered",
    "custom-unknown-h5": "class-not-registered",
    "custom-unknown-keras": "class-not-registered",
}


@pytest.mark.parametrize("recorded", RECORDED, ids=lambda recorded: f"{recorded['cause']}-keras{recorded['keras']}")
def test_only_known_exceptions_recorded_at_build_are_named(recorded: dict[str, str]) -> None:
    for chain in recorded["chains"]:
        failure = Failure(Stage.BUILD, "x", msgspec.convert(chain, tuple[Raised, ...]))
        expected = (NAMED[recorded["cause"]],) if recorded["cause"] in NAMED else ()
        assert recognise(failure, {"keras": recorded["keras"]}) == expected
