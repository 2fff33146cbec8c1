"""TensorFlow.js for real: artifacts written by hand, loaded and run in Node, and in a browser where there is one."""

import json
import os
import shutil
import subprocess
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any, Literal

import msgspec
import numpy as np
import psutil
import pytest
from support.artifacts import (
    BIAS,
    FLOAT,
    GRAPH_WEIGHTS,
    KERNEL,
    WEIGHTS,
    X,
    Y,
    dense,
    entry,
    flat_io,
    functional,
    graph,
    graph_node,
    one_dense,
    one_product,
    place,
    put_artifact,
)
from support.samples import result
from support.tfjs import children, wait_for_event

from tfjs_compat.artifact.tensors import Tensor, read_tensors, write_tensors
from tfjs_compat.errors import MachineryError, RequestError
from tfjs_compat.handover.first_load import first_load
from tfjs_compat.outcomes.outcome import Outcome
from tfjs_compat.outcomes.parity import Parity
from tfjs_compat.outcomes.stages import Stage
from tfjs_compat.system import process
from tfjs_compat.system.context import Context
from tfjs_compat.system.store import Store
from tfjs_compat.trials.comparison import compare
from tfjs_compat.trials.runtimes.browser import find_browser, run_in_browser
from tfjs_compat.trials.runtimes.bundle import Bundle, default_version, get_bundle, read_vocabulary
from tfjs_compat.trials.runtimes.exits import TfjsExit
from tfjs_compat.trials.runtimes.job import TfjsJob, run_in_node
from tfjs_compat.trials.runtimes.node import Node, find_node
from tfjs_compat.trials.runtimes.record import read_record
from tfjs_compat.trials.runtimes.warm_nodes import WarmNode
from tfjs_compat.trials.tfjs_check import read_run

pytestmark = pytest.mark.real


@pytest.fixture(scope="session")
def node() -> Node:
    return find_node()


@pytest.fixture(scope="session")
def bundle(store: Store, node: Node) -> Bundle:
    return get_bundle(default_version(), Context(store), node)


class Ran:
    """What a run left."""

    def __init__(self, ended: TfjsExit, task: TfjsJob, log: Path) -> None:
        self.ended, self.fault, self.task, self.log = ended.status, ended.fault, task, log
        self.ended_run = ended
        self.events = read_record(task.record)

    def event(self, kind: str) -> dict[str, Any]:
        return next(event for event in self.events if event["event"] == kind)

    @property
    def failure(self) -> tuple[str, str, str]:
        failure = self.event("failure")
        return failure["stage"], failure["error"]["type"], failure["error"]["message"]

    @property
    def parity(self) -> Parity:
        assert self.ended.exit_code == 0, self.events
        assert self.task.expected is not None
        return compare(read_tensors(self.task.expected), read_tensors(self.task.outputs))

    def by(self, kind: str) -> list[str]:
        return [match["by"] for match in self.event(kind)["matched"]]


Run = Callable[..., Ran]


@pytest.fixture
def start(tmp_path: Path, bundle: Bundle, node: Node) -> Run:
    """Run the artifact in ``tmp_path / "a model"`` on inputs, and say what came of it."""

    def run_it(
        inputs: dict[str, np.ndarray] | None = None,
        expected: dict[str, np.ndarray] | None = None,
        kind: str = "layers",
        **options: Any,
    ) -> Ran:
        for name, tensors in (("inputs", inputs or {"x": X}), ("expected", expected or {"d": Y})):
            write_tensors(tmp_path / name, [Tensor(*named) for named in tensors.items()])
        places = {name: tmp_path / name for name in ("inputs", "outputs", "expected")}
        job = TfjsJob(model=tmp_path / "a model", format=kind, record=tmp_path / "record.jsonl", **places)  # type: ignore[arg-type]
        log = tmp_path / "log"
        options = {"limits": process.Limits(seconds=60), "scratch": tmp_path, "log": log, **options}
        browser, warm = options.pop("browser", None), options.pop("warm", False)
        used = options.pop("bundle", bundle)
        if browser is not None:
            return Ran(run_in_browser(job, used, browser, **options), job, log)
        chosen = options.pop("node", node)
        if not warm:
            return Ran(run_in_node(job, used, chosen, **options), job, log)
        (tmp_path / "warm").mkdir(exist_ok=True)
        warm_node = WarmNode(used, chosen, tmp_path / "warm")
        return Ran(run_in_node(job, used, chosen, warm_node=warm_node, **options), job, log)

    return run_it


@pytest.fixture(params=["new node", "warm node"])
def run(start: Run, request: pytest.FixtureRequest) -> Run:
    """In a Node that is started for it, and in a warm one: nothing may depend on that."""
    return partial(start, warm=request.param == "warm node")


@pytest.fixture
def browse(start: Run, browser: Path) -> Run:
    return partial(start, browser=browser)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return tmp_path / "a model"


# -------------------------------------------------------------------------------------------------------- it works


@pytest.mark.parametrize("version", ["4.10.0", "4.17.0", "4.22.0", "4.23.0-rc.0"])
def test_both_formats_run_on_every_pinned_generation(
    run: Run, model: Path, store: Store, node: Node, version: str
) -> None:
    used = get_bundle(version, Context(store), node)
    assert used.pinned
    for kind, content, weights in (("layers", one_dense(), WEIGHTS), ("graph", one_product(), GRAPH_WEIGHTS)):
        put_artifact(model, content, weights)
        ran = run(kind=kind, bundle=used)
        assert ran.parity.agrees, ran.parity
        assert ran.parity.informative
        assert ran.event("weights") | {"agree": True, "variables": 2, "values": 8} == ran.event("weights")
        ran.task.record.unlink()
    known = read_vocabulary(used, node)
    assert known.tfjs == version
    assert {"Dense", "LSTM", "GlorotUniform", "hardSigmoid", "L1L2"} <= known.classes
    assert {"Const", "Placeholder", "MatMul", "_FusedMatMul", "StatelessWhile"} <= known.ops
    assert "MultiHeadAttention" not in known.classes
    assert "StatefulPartitionedCall" not in known.ops
    assert read_vocabulary(used, node) == known


def test_the_record_tells_what_happened_in_order(run: Run, model: Path) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    ran = run()
    order = [(event["event"], event.get("stage"), event.get("status")) for event in ran.events]
    assert order == [
        ("facts", None, None),
        ("stage", "load", "start"),
        ("weights", None, None),
        ("stage", "load", "done"),
        ("stage", "predict", "start"),
        ("inputs", None, None),
        ("outputs", None, None),
        ("stage", "predict", "done"),
    ]
    facts = ran.event("facts")
    assert (facts["tfjs"], facts["backend"]) == (default_version(), "cpu")
    assert all(event["seconds"] >= 0 for event in ran.events if event.get("status") == "done")


def test_a_system_node_does_as_well(run: Run, model: Path) -> None:
    try:
        system = find_node("system")
    except (MachineryError, RequestError) as error:
        pytest.skip(str(error))
    put_artifact(model, one_dense(), WEIGHTS)
    ran = run(node=system)
    assert ran.parity.agrees
    assert ran.event("facts")["node"] == f"v{system.version}"


def two_inputs() -> dict[str, Any]:
    layers = [
        entry("zebra", [3]),
        entry("apple", [3]),
        dense("d", [["zebra", 0, 0, {}]]),
        dense("e", [["apple", 0, 0, {}]]),
    ]
    return functional(layers, [["zebra", 0, 0], ["apple", 0, 0]], [["d", 0, 0], ["e", 0, 0]])


@pytest.mark.parametrize(
    ("names", "by"),
    [
        (("zebra", "apple"), "name"),
        (("zebra:0", "apple:0"), "name"),
        (("serving_default_zebra:0", "APPLE_1"), "name"),
        (("keras_tensor", "keras_tensor_1"), "order"),
    ],
)
def test_layers_inputs_go_where_they_belong(run: Run, model: Path, names: tuple[str, str], by: str) -> None:
    put_artifact(model, two_inputs(), WEIGHTS | {"e/kernel": KERNEL * 3, "e/bias": BIAS})
    other = X[::-1] * 2
    expected = {"d": Y, "e": other @ (KERNEL * 3) + BIAS}
    inputs = {names[0]: X, names[1]: other}
    ran = run(inputs, expected)
    assert ran.parity.agrees
    assert ran.by("inputs") == [by, by]
    ran.task.record.unlink()
    if by == "name":
        swapped = run(dict(reversed(inputs.items())), dict(reversed(expected.items())))
        assert swapped.parity.agrees
        assert [tensor.name for tensor in read_tensors(swapped.task.outputs)] == ["e", "d"]


def test_inputs_of_other_shapes_are_matched_by_shape(run: Run, model: Path) -> None:
    layers = [entry("a", [3]), entry("b", [2]), dense("d", [["a", 0, 0, {}]]), dense("e", [["b", 0, 0, {}]])]
    content = functional(layers, [["a", 0, 0], ["b", 0, 0]], [["d", 0, 0], ["e", 0, 0]])
    put_artifact(model, content, WEIGHTS | {"e/kernel": KERNEL[:2], "e/bias": BIAS})
    ran = run({"p": X[:, :2], "q": X}, {"d": Y, "e": X[:, :2] @ KERNEL[:2] + BIAS})
    assert ran.parity.agrees
    assert ran.by("inputs") == ["shape", "shape"]


def three_outputs(keys: list[str]) -> dict[str, Any]:
    """Outputs x, 2x, 3x as Identity, Identity_1, Identity_2 under the keys of a signature."""
    nodes = [place("x", "DT_FLOAT", -1, 3)]
    for i, key in enumerate(keys):
        nodes.append(graph_node(f"by{i}", "Const", dtype=FLOAT))
        nodes.append(graph_node(f"times{i}", "Mul", ["x", f"by{i}"], T=FLOAT))
        nodes.append(graph_node(f"Identity_{i}" if i else "Identity", "Identity", [f"times{i}"], T=FLOAT))
        assert key
    names = [f"Identity_{i}:0" if i else "Identity:0" for i in range(len(keys))]
    return graph(nodes, {"x": "x:0"}, dict(zip(keys, names, strict=True)))


@pytest.mark.parametrize(
    ("keys", "expected", "by", "ambiguous"),
    [
        # The converter keeps a name where it can tell outputs apart by shape, else the node's.
        (["a", "b", "c"], "bca", ["name"] * 3, False),
        (["output_0", "output_1", "output_2"], "zyx", ["name"] * 3, False),
        (["Identity:0", "b", "Identity_2:0"], "cab", ["order", "order", "name"], False),
        (["Identity:0", "output_1", "Identity_2:0"], "zyx", ["order", "name", "order"], False),
        (["Identity:0", "Identity_1:0", "Identity_2:0"], "abc", ["order"] * 3, False),
        (["Identity:0", "Identity_1:0", "Identity_2:0"], "cab", ["order"] * 3, True),
    ],
)
def test_graph_outputs_are_told_apart(
    run: Run, model: Path, keys: list[str], expected: str, by: list[str], ambiguous: bool
) -> None:
    put_artifact(model, three_outputs(keys), {f"by{i}": np.array(i + 1.0, "float32") for i in range(3)})
    if "output" in "".join(keys):
        wanted = {name: (i + 1) * X for i, name in enumerate(expected)}
    else:
        wanted = {name: ("abc".index(name) + 1) * X for name in expected}
    ran = run({"x": X}, wanted, kind="graph")
    assert ran.parity.agrees, (ran.parity, ran.events)
    assert ran.by("outputs") == by
    assert ran.event("outputs")["ambiguous"] is ambiguous


def test_swapped_outputs_are_a_mismatch(run: Run, model: Path) -> None:
    put_artifact(model, three_outputs(["a", "b", "c"]), {f"by{i}": np.array(i + 1.0, "float32") for i in range(3)})
    assert not run({"x": X}, {"a": 2 * X, "b": X, "c": 3 * X}, kind="graph").parity.agrees


def test_dynamic_operations_are_run_asynchronously(run: Run, model: Path) -> None:
    nodes = [
        place("x", "DT_FLOAT", -1, 3),
        graph_node("zero", "Const", dtype=FLOAT),
        graph_node("above", "Greater", ["x", "zero"], T=FLOAT),
        graph_node("Identity", "Where", ["above"], T={"type": "DT_BOOL"}),
    ]
    put_artifact(model, graph(nodes, {"x": "x:0"}, {"d": "Identity:0"}), {"zero": np.array(0, "float32")})
    ran = run({"x": X}, {"d": np.argwhere(X > 0).astype("int64")}, kind="graph")
    assert ran.parity.agrees
    assert ran.event("outputs")["call"] == "executeAsync"


def test_strings_and_booleans_go_in_and_out(run: Run, model: Path) -> None:
    nodes = [
        place("text", "DT_STRING", -1),
        place("flag", "DT_BOOL", -1),
        graph_node("Identity", "Identity", ["text"], T={"type": "DT_STRING"}),
        graph_node("Identity_1", "LogicalNot", ["flag"]),
    ]
    content = graph(nodes, {"text": "text:0", "flag": "flag:0"}, {"t": "Identity:0", "u": "Identity_1:0"})
    put_artifact(model, content, {})
    text, flag = np.array(["a", "höllo"]), np.array([True, False])
    assert run({"text": text, "flag": flag}, {"t": text, "u": ~flag}, kind="graph").parity.agrees


@pytest.mark.parametrize("dtype", ["int64", "int32", "float32", "uint8"])
def test_integers_are_cast_to_what_the_model_wants(run: Run, model: Path, dtype: str) -> None:
    table = np.arange(12, dtype="float32").reshape(6, 2)
    config = {"name": "e", "input_dim": 6, "output_dim": 2}
    embedding = {"class_name": "Embedding", "name": "e", "config": config, "inbound_nodes": [[["x", 0, 0, {}]]]}
    content = functional([entry("x", [3], "int32"), embedding], [["x", 0, 0]], [["e", 0, 0]])
    put_artifact(model, content, {"e/embeddings": table})
    words = np.array([[0, 5, 2], [3, 1, 4]])
    assert run({"x": words.astype(dtype)}, {"e": table[words]}).parity.agrees


def test_numbers_that_fit_no_integer_input_are_refused(run: Run, model: Path) -> None:
    nodes = [place("x", "DT_INT32", -1), graph_node("Identity", "Identity", ["x"], T={"type": "DT_INT32"})]
    put_artifact(model, graph(nodes, {"x": "x:0"}, {"d": "Identity:0"}), {})
    for values in (np.array([0.5, 1.0]), np.array([2**40, 1])):
        ran = run({"x": values}, {"d": values}, kind="graph")
        assert ran.failure[:2] == ("predict", "InputsNotMatched")
        ran.task.record.unlink()


@pytest.mark.parametrize("stored", ["uint8", "uint16", "float16"])
def test_quantised_weights_are_those_of_the_artifact(run: Run, model: Path, stored: str) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    low, scale = -1.0, 3.0 / 255
    raw = KERNEL.astype("float16") if stored == "float16" else np.round((KERNEL - low) / scale).astype(stored)
    kernel = raw.astype("float64") if stored == "float16" else raw.astype("float64") * scale + low
    content = json.loads((model / "model.json").read_text())
    content["weightsManifest"][0]["weights"][0]["quantization"] = {"dtype": stored, "min": low, "scale": scale}
    (model / "model.json").write_text(json.dumps(content))
    (model / "group1-shard1of1.bin").write_bytes(raw.tobytes() + BIAS.tobytes())
    assert run(expected={"d": (X @ kernel + BIAS).astype("float32")}).parity.agrees


# --------------------------------------------------------------------------------------------- it does not work


def test_not_a_number_stays_one(run: Run, model: Path) -> None:
    broken = KERNEL.copy()
    broken[0, 0] = np.nan
    put_artifact(model, one_dense(), {"d/kernel": broken, "d/bias": BIAS})
    assert not run().parity.agrees
    parity = run(expected={"d": X @ broken + BIAS}).parity
    assert parity.agrees
    assert parity.informative


def test_a_flipped_bit_is_a_mismatch(run: Run, model: Path) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    shard = bytearray((model / "group1-shard1of1.bin").read_bytes())
    shard[6] ^= 0x20
    (model / "group1-shard1of1.bin").write_bytes(shard)
    assert not run().parity.agrees


def test_without_weights_nothing_random_passes(run: Run, model: Path) -> None:
    for manifest in (None, []):
        put_artifact(model, one_dense(), WEIGHTS, manifest=manifest)
        ran = run()
        assert ran.failure[0] == "load"
        assert "d/kernel" in ran.failure[2]
        ran.task.record.unlink()


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"d/kernel": KERNEL}, "1 of 2 weights are not set: d/bias"),
        (WEIGHTS | {"e/kernel": KERNEL}, "no target variable: e/kernel"),
        ({"d/kernel": KERNEL.T.copy(), "d/bias": BIAS}, "Shape mismatch"),
    ],
)
def test_weights_that_do_not_fit_a_layers_model(run: Run, model: Path, weights: dict[str, Any], said: str) -> None:
    put_artifact(model, one_dense(), weights)
    ran = run()
    assert ran.ended.exit_code == 1
    assert ran.failure[0] == "load"
    assert said in ran.failure[2]


@pytest.mark.parametrize(
    ("weights", "said"),
    [
        ({"kernel": KERNEL}, "constant bias has no value"),
        (GRAPH_WEIGHTS | {"more": BIAS}, "weight more of the artifact belongs to no node"),
    ],
)
def test_weights_that_do_not_fit_a_graph_model(run: Run, model: Path, weights: dict[str, Any], said: str) -> None:
    put_artifact(model, one_product(), weights)
    ran = run(kind="graph")
    assert ran.failure[:2] == ("load", "WeightsNotLoaded")
    assert said in ran.failure[2]


def changed(bundle: Bundle, folder: Path, code: str) -> Bundle:
    """A TensorFlow.js that does something else than the real one."""
    path = folder / "changed.js"
    path.write_text(f"const tf = require({json.dumps(str(bundle.path))});\nmodule.exports = tf;\n{code}\n")
    return msgspec.structs.replace(bundle, path=path)


@pytest.mark.parametrize(
    ("code", "weights", "said"),
    [
        # What a lenient load leaves: variables that were drawn at random.
        (
            "const load = tf.loadLayersModel; tf.loadLayersModel = (h) => load(h, {strict: false});",
            {"other/kernel": KERNEL, "d/bias": BIAS},
            "variable d/kernel [3,2] has no value in the artifact",
        ),
        (
            "const load = tf.loadLayersModel; tf.loadLayersModel = async (h) => {"
            " const m = await load(h); m.layers[1].setWeights([tf.ones([3, 2]), tf.zeros([2])]); return m; };",
            WEIGHTS,
            "variable d/kernel holds other values than the artifact",
        ),
    ],
)
def test_a_load_that_lies_is_caught(
    run: Run, model: Path, bundle: Bundle, tmp_path: Path, code: str, weights: dict[str, Any], said: str
) -> None:
    put_artifact(model, one_dense(), weights)
    ran = run(bundle=changed(bundle, tmp_path, code))
    assert ran.failure[:2] == ("load", "WeightsNotLoaded")
    assert said in ran.failure[2]


@pytest.mark.parametrize(
    "path", ["../secret.bin", "/etc/hostname", "a/../../secret.bin", "file:///etc/hostname", "link.bin"]
)
def test_nothing_outside_the_folder_is_read(run: Run, model: Path, tmp_path: Path, path: str) -> None:
    put_artifact(model, one_dense(), WEIGHTS, paths=[path])
    (tmp_path / "secret.bin").write_bytes(bytes(32))
    (model / "link.bin").symlink_to(tmp_path / "secret.bin")
    ran = run()
    assert ran.failure[:2] == ("load", "UnsafePath")
    assert path in ran.failure[2]


@pytest.mark.parametrize(
    "damage", ["missing", "empty", "short", "pipe", "not json", "no topology", "no model", "no specs"]
)
def test_damaged_artifacts_are_refused_with_the_reason(run: Run, model: Path, damage: str) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    shard, text = model / "group1-shard1of1.bin", (model / "model.json").read_text()
    kind = "WeightsTruncated"
    if damage == "missing":
        shard.unlink()
        kind = "MissingFile"
    elif damage == "empty":
        shard.write_bytes(b"")
    elif damage == "short":
        shard.write_bytes(shard.read_bytes()[:-1])
    elif damage == "pipe":
        shard.unlink()
        os.mkfifo(shard)
        kind = "MissingFile"
    else:
        kind = "MissingFile" if damage == "no model" else "BadModelJson"
        content = {"not json": text[:-5], "no topology": "{}", "no specs": text.replace('"weights":', '"weight":')}
        (model / "model.json").write_text(content.get(damage, ""))
        if damage == "no model":
            (model / "model.json").unlink()
    ran = run()
    assert ran.ended.exit_code == 1
    assert ran.failure[:2] == ("load", kind)


def test_an_error_without_a_message_still_says_something(run: Run, model: Path) -> None:
    put_artifact(model, flat_io(), WEIGHTS)
    ran = run()
    assert ran.event("failure")["error"]["empty"] is True
    assert ran.failure[0] == "load"
    assert ran.failure[2].startswith("Error without a message, at ")
    assert str(Path.home()) not in json.dumps(ran.event("failure"))


def test_a_wrong_input_shape_is_reported(run: Run, model: Path) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    ran = run({"nothing": X[:, :2]})
    assert ran.failure == (
        "predict",
        "InputsNotMatched",
        "the model wants x [?,3] and was given nothing [2,2]",
    )


# -------------------------------------------------------------------------------------------- it does not even end


def test_a_load_that_never_returns_is_ended(run: Run, model: Path) -> None:
    put_artifact(model, never_loaded(), WEIGHTS)
    ran = run(limits=process.Limits(seconds=3))
    assert "time limit" in (ran.ended.limit_exceeded or "")
    assert [(event["stage"], event["status"]) for event in ran.events if event["event"] == "stage"] == [
        ("load", "start")
    ]


@pytest.mark.parametrize(
    ("code", "limits", "killed"),
    [
        ("process.abort();", process.Limits(seconds=60), None),
        (
            "for (;;) try { require('fs').writeSync(1, 'x'.repeat(1 << 16)); } catch (full) {}",
            process.Limits(seconds=60, output=8 << 20),
            "output limit",
        ),
        # Node keeps what it cannot write at once: a flood of console.log shows as memory.
        ("for (;;) console.log('x'.repeat(1 << 16));", process.Limits(seconds=60, memory=1 << 30), "memory limit"),
        (
            "const a = []; for (;;) a.push(Buffer.alloc(1 << 24, 1));",
            process.Limits(seconds=60, memory=1 << 30),
            "memory limit",
        ),
    ],
)
def test_a_runtime_that_dies_or_eats_everything_harms_nothing_else(
    run: Run, model: Path, bundle: Bundle, tmp_path: Path, code: str, limits: process.Limits, killed: str | None
) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    ran = run(bundle=changed(bundle, tmp_path, code), limits=limits)
    assert ran.ended.exit_code not in (0, 1)
    assert killed is None or killed in (ran.ended.limit_exceeded or "")
    assert ran.log.stat().st_size < 8 << 20


def test_an_error_outside_the_check_is_recorded(run: Run, model: Path, bundle: Bundle, tmp_path: Path) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    code = "tf.loadLayersModel = () => new Promise(() => { setTimeout(() => { throw new RangeError('late'); }); });"
    assert run(bundle=changed(bundle, tmp_path, code)).failure == ("load", "RangeError", "late")


# ------------------------------------------------------------------------------------------------------ in a browser


@pytest.fixture(scope="session")
def browser() -> Path:
    try:
        return find_browser()
    except MachineryError as error:
        pytest.skip(str(error))


def test_a_browser_gives_the_same_numbers(browse: Run, model: Path) -> None:
    for kind, content, weights in (("layers", one_dense(), WEIGHTS), ("graph", one_product(), GRAPH_WEIGHTS)):
        put_artifact(model, content, weights)
        ran = browse(kind=kind)
        assert ran.parity.agrees, ran.parity
        assert ran.event("facts")["backend"] in ("webgl", "cpu")
        assert "Chrom" in ran.event("facts")["browser"]
        ran.task.record.unlink()


def test_a_browser_uses_the_backend_that_is_asked_for(browse: Run, model: Path) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    ran = browse(backends=("cpu",))
    assert ran.parity.agrees
    assert ran.event("facts")["backend"] == "cpu"


def test_a_browser_fails_as_node_does(browse: Run, model: Path, tmp_path: Path) -> None:
    put_artifact(model, flat_io(), WEIGHTS)
    ran = browse()
    assert ran.ended.exit_code == 1
    assert ran.failure[2].startswith("Error without a message, at ")
    ran.task.record.unlink()
    (tmp_path / "secret.bin").write_bytes(bytes(32))
    put_artifact(model, one_dense(), WEIGHTS, paths=["../secret.bin"])
    ran = browse()
    assert ran.failure[:2] == ("load", "UnsafePath")
    ran.task.record.unlink()
    (model / "group1-shard1of1.bin").unlink()
    put_artifact(model, one_dense(), WEIGHTS, paths=["gone.bin"])
    assert browse().failure[:2] == ("load", "MissingFile")


def test_a_page_that_never_answers_is_ended(browse: Run, model: Path) -> None:
    put_artifact(model, never_loaded(), WEIGHTS)
    ran = browse(limits=process.Limits(seconds=5))
    assert "time limit" in (ran.ended.limit_exceeded or "")


def never_loaded() -> dict[str, Any]:
    """TensorFlow.js waits for the sixth call of the input layer, which never comes."""
    return functional([entry("x", [3]), dense("d", [["x", 5, 0, {}]])], [["x", 0, 0]], [["d", 0, 0]])


def changed_page(bundle: Bundle, folder: Path, code: str) -> Bundle:
    """A TensorFlow.js for a page that does something else than the real one."""
    path = folder / "changed.js"
    path.write_text(bundle.path.read_text("utf-8") + f";\n{code}\n", "utf-8")
    return msgspec.structs.replace(bundle, path=path)


@pytest.mark.parametrize("busy", [False, True])
@pytest.mark.parametrize(
    ("kind", "fault"),
    [
        ("renderer", "the browser's tab crashed (possibly out of memory)"),
        ("browser", "the browser was killed by SIGKILL (possibly out of memory)"),
    ],
)
def test_what_is_killed_in_a_browser_is_noticed_at_once(
    browse: Run, model: Path, bundle: Bundle, tmp_path: Path, kind: str, fault: str, busy: bool
) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    wait = "const until = Date.now() + 20000; while (Date.now() < until);" if busy else "await new Promise(() => {});"
    used = changed_page(bundle, tmp_path, f"tf.loadLayersModel = async () => {{ {wait} }};")
    with ThreadPoolExecutor(1) as executor:
        ran = executor.submit(browse, bundle=used, limits=process.Limits(seconds=60))
        wait_for_event(tmp_path / "record.jsonl", '"start"')
        for child in children(f"--type={kind}") if kind == "renderer" else browsers():
            child.kill()
        killed = time.monotonic()
        ended = ran.result(50)
    assert time.monotonic() - killed < 10
    assert ended.fault == fault
    assert ended.ended.limit_exceeded is None
    assert children("--user-data-dir") == []
    assert not list(Path("/tmp").glob("tfjs-compat-browser-*"))


def browsers() -> list[psutil.Process]:
    """The browsers themselves, without their children and the guard."""
    found = children("--user-data-dir")
    return [child for child in found if not any("--type=" in word or "guard.py" in word for word in child.cmdline())]


@pytest.mark.parametrize("busy", [False, True])
def test_lost_graphics_are_no_result_of_the_model(
    browse: Run, model: Path, bundle: Bundle, tmp_path: Path, busy: bool
) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    wait = "const until = Date.now() + 4000; while (Date.now() < until);" if busy else "await new Promise(() => {});"
    code = f"const load = tf.loadLayersModel; tf.loadLayersModel = async (...all) => {{ {wait} return load(...all); }};"
    used = changed_page(bundle, tmp_path, code)
    with ThreadPoolExecutor(1) as executor:
        ran = executor.submit(browse, bundle=used, limits=process.Limits(seconds=60))
        wait_for_event(tmp_path / "record.jsonl", '"start"')
        for child in children("--type=gpu-process"):
            child.kill()
        ended = ran.result(50)
    if ended.event("facts")["backend"] != "webgl":
        pytest.skip("there is no WebGL here")
    assert ended.event("failure")["error"]["internal"] is True
    assert ended.failure[1] == "ContextLost"


def test_the_memory_of_a_browser_is_known(browse: Run, model: Path) -> None:
    put_artifact(model, one_dense(), WEIGHTS)
    ran = browse()
    assert ran.ended.exit_code == 0
    assert ran.ended.peak_memory > 50 << 20


def test_no_browser_says_what_was_looked_for(
    start: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(MachineryError, match=r"no chromium, .*\nhint: "):
        find_browser()
    broken = tmp_path / "chromium"
    broken.write_text("#!/bin/sh\necho cannot open display >&2\nexit 7\n")
    broken.chmod(0o755)
    put_artifact(model, one_dense(), WEIGHTS)
    with pytest.raises(MachineryError, match=r"exit code 7.*cannot open display"):
        start(browser=find_browser())


def test_nothing_is_read_from_npm_a_second_time(store: Store, node: Node, bundle: Bundle) -> None:
    without = msgspec.structs.replace(node, npm=())
    assert get_bundle(bundle.version, Context(store), without) == bundle
    with pytest.raises(RequestError, match="there is no such release"):
        get_bundle("4.22.99", Context(store), node)


@pytest.mark.parametrize("kind", ["layers", "graph"])
def test_the_program_beside_a_model_shows_the_numbers_of_python(
    tmp_path: Path, start: Run, bundle: Bundle, node: Node, kind: Literal["layers", "graph"]
) -> None:
    folder = tmp_path / "a model"
    if kind == "layers":
        put_artifact(folder, one_dense(), WEIGHTS)
    else:
        put_artifact(folder, one_product(), GRAPH_WEIGHTS)
    ran = start(kind=kind)
    outcome = read_run(ran.events, ran.ended_run, Outcome(Stage.CHECK), "node")
    case = result(route=kind, tfjs=bundle.version, interface=outcome.interface, parity=ran.parity)
    for name, content in first_load(case, tmp_path).items():
        (folder / name).write_bytes(content)
    package = folder / "node_modules" / "@tensorflow" / "tfjs"
    package.mkdir(parents=True)
    (package / "package.json").write_text('{"main": "tf.min.js"}')
    shutil.copy(bundle.path, package / "tf.min.js")
    command = [str(node.path), "predict.mjs"]
    shown = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert shown.returncode == 0, shown.stderr
    assert "output d [2,2]: -3.75, -1.25, 7, -1.5" in shown.stdout
    assert "the same" in shown.stdout
    # Other weights: it says so, and its exit code does.
    (folder / "group1-shard1of1.bin").write_bytes(bytes((folder / "group1-shard1of1.bin").stat().st_size))
    wrong = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert wrong.returncode == 1
    assert "DIFFERENT" in wrong.stdout
