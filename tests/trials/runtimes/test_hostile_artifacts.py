"""What the TensorFlow.js half does with an artifact of any size, without TensorFlow.js."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tfjs_compat.system import process
from tfjs_compat.system.child_environment import clean_environment
from tfjs_compat.trials.runtimes.node import find_node

HALF = Path(process.__file__).parents[1] / "inside" / "tfjs"


def in_node(folder: Path, code: str) -> Any:
    """What a piece of an ES module prints as JSON; ``faults``, ``loading``, ``predicting`` and ``weights`` are
    modules of the half.
    """
    names = ("faults", "loading", "predicting", "weights")
    imports = "".join(f"import * as {name} from {json.dumps((HALF / f'{name}.mjs').as_uri())};\n" for name in names)
    (folder / "program.mjs").write_text(imports + code)
    command = [str(find_node().path), str(folder / "program.mjs")]
    limits = process.Limits(seconds=60)
    ended = process.run(command, env=clean_environment(folder), cwd=folder, log=folder / "said", limits=limits)
    said = (folder / "said").read_text()
    assert ended.ok, f"{ended.describe()}: {said}"
    return json.loads(said)


def test_an_error_with_a_million_letters_is_described_in_short(tmp_path: Path) -> None:
    code = """
    const told = faults.describe(new Error('Unknown: ' + 'x'.repeat(1e6) + '\\n'.repeat(1e5)));
    console.log(JSON.stringify([told.message.length, told.message.slice(0, 12), told.stack.length <= 4000]));
    """
    length, start, short = in_node(tmp_path, code)
    assert length < 30_000
    assert start == "Unknown: xxx"
    assert short


def test_a_graph_may_have_half_a_million_nodes(tmp_path: Path) -> None:
    code = """
    const node = Array.from({ length: 5e5 }, (_, i) => ({ name: 'n' + i, op: 'Identity' }));
    const library = { function: [{ nodeDef: node }] };
    const found = await weights.checkGraphWeights({ weights: {} }, [], { modelTopology: { node, library } });
    console.log(JSON.stringify(found));
    """
    assert in_node(tmp_path, code) == {"problems": [], "variables": 0, "values": 0}


def test_strings_are_taken_apart_as_they_lie(tmp_path: Path) -> None:
    code = """
    const bytes = new Uint8Array([9, 3, 0, 0, 0, 97, 255, 98, 0, 0, 0, 0, 1, 0, 0, 0, 99, 7]).buffer;
    const specs = [{ name: 'a', shape: [1], dtype: 'bool' }, { name: 's', shape: [3], dtype: 'string' },
      { name: 'b', shape: [1], dtype: 'bool' }];
    const { weights: found, unread } = weights.decodeWeights(specs, bytes);
    console.log(JSON.stringify([found[1].values.map((value) => Array.from(value)), found[2].values[0], unread]));
    """
    assert in_node(tmp_path, code) == [[[97, 255, 98], [], [99]], 7, 0]


def test_strings_that_there_are_not_are_a_problem(tmp_path: Path) -> None:
    code = """
    const lies = [[1e15], [3], [2]].map((shape) => {
      const bytes = new Uint8Array([1, 0, 0, 0, 97, 255, 255, 255, 255]).buffer;
      try {
        return weights.decodeWeights([{ name: 's', shape, dtype: 'string' }], bytes).unread;
      } catch (error) {
        return error.name;
      }
    });
    console.log(JSON.stringify(lies));
    """
    assert in_node(tmp_path, code) == ["WeightsTruncated"] * 3


def test_a_model_without_inputs_that_gives_a_weight_is_run(tmp_path: Path) -> None:
    code = """
    let disposed = false;
    const weight = {
      shape: [], dtype: 'float32', dispose: () => { disposed = true; },
      data: async () => { if (disposed) throw new Error('Tensor is disposed.'); return new Float32Array([6]); },
    };
    const model = { inputs: [], outputNodes: ['y'], weights: { y: [weight] }, execute: () => weight };
    const spec = (batch) => ({ name: 'y', shape: [], batch, dtype: 'float32', offset: 0, bytes: 4 });
    const folder = (tensors) => ({ meta: { tensors }, data: new Float32Array([6]).buffer });
    const run = async (expected) => predicting.predict({}, { model, topology: {} }, {
      format: 'graph', emit: () => {},
      readInputs: async () => folder([]), readExpected: async () => expected && folder(expected),
    });
    const found = [await run([spec(0), spec(1)]), await run(null)];
    console.log(JSON.stringify(found.map((outputs) => outputs.map((one) => [one.name, one.batch, one.values[0]]))));
    """
    assert in_node(tmp_path, code) == [[["y", 0, 6], ["y", 1, 6]], [["y", 0, 6]]]


def test_of_files_longer_than_their_weights_the_rest_is_not_read(tmp_path: Path) -> None:
    code = """
    const asked = [];
    const file = new Uint8Array(100).fill(1);
    const given = async (specs, paths) => {
      asked.length = 0;
      const task = {
        format: 'layers', emit: () => {},
        readModelJson: async () => ({ modelTopology: {}, weightsManifest: [{ paths, weights: specs }] }),
        readShard: async (name, most) => {
          asked.push(most);
          return file.slice(0, most).buffer;
        },
      };
      const stop = new Error('far enough');
      let artifacts;
      const tf = { loadLayersModel: async (handler) => { artifacts = await handler.load(); throw stop; } };
      try {
        await loading.load(tf, task);
      } catch (error) {
        if (error !== stop) throw error;
      }
      return [artifacts.weightData.byteLength, asked.slice()];
    };
    const floats = { name: 'f', shape: [30], dtype: 'float32' };
    const bytes = { name: 'q', shape: [7], dtype: 'float32', quantization: { dtype: 'uint8', scale: 1, min: 0 } };
    const text = { name: 's', shape: [0], dtype: 'string' };
    console.log(JSON.stringify([
      await given([floats, bytes], ['a', 'b', 'c', 'd']),
      await given([bytes], ['a', 'b']),
      await given([text], ['a']),
    ]));
    """
    assert in_node(tmp_path, code) == [[127, [127, 27, 0, 0]], [7, [7, 0]], [100, [None]]]
