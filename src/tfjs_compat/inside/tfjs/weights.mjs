/* The weights of an artifact, decoded by hand, and the proof that a loaded model holds just these. */

import { Problem } from './faults.mjs';
import { halfToFloat } from './tensors.mjs';

const WIDTH = { float32: 4, int32: 4, bool: 1, complex64: 8, uint8: 1, uint16: 2, float16: 2 };

function size(shape) {
  return shape.reduce((product, dim) => product * dim, 1);
}

/** The strings of a weight, each after its length in four bytes: views of one copy, for there may be millions. */
function decodeStrings(spec, bytes, offset, count) {
  const truncated = () => new Problem('WeightsTruncated', 'weight ' + spec.name + ' runs past its shards');
  if (offset + 4 * count > bytes.byteLength) throw truncated();
  const lengths = new DataView(bytes);
  const starts = new Float64Array(count);
  let at = offset;
  for (let i = 0; i < count; i++) {
    if (at + 4 > bytes.byteLength) throw truncated();
    starts[i] = at + 4 - offset;
    at += 4 + lengths.getUint32(at, true);
  }
  if (at > bytes.byteLength) throw truncated();
  const whole = new Uint8Array(bytes.slice(offset, at));
  const values = Array.from(starts, (start, i) => whole.subarray(start, i + 1 < count ? starts[i + 1] - 4 : at - offset));
  return { values: values, bytes: at - offset };
}

/** The values of one weight (typed array; array of byte arrays for strings) and the bytes it took. */
function decodeWeight(spec, bytes, offset) {
  const count = size(spec.shape);
  if (spec.dtype === 'string' && !spec.quantization) {
    return decodeStrings(spec, bytes, offset, count);
  }
  const stored = spec.quantization ? spec.quantization.dtype : spec.dtype;
  const width = WIDTH[stored];
  if (width === undefined) throw new Problem('WeightsNotLoaded', 'weight ' + spec.name + ' has the unknown dtype ' + stored);
  const length = count * width;
  if (offset + length > bytes.byteLength) {
    throw new Problem('WeightsTruncated', 'weight ' + spec.name + ' needs bytes ' + offset + ' to ' + (offset + length) +
      ' of its shards, which hold ' + bytes.byteLength);
  }
  const part = bytes.slice(offset, offset + length);
  let values;
  if (spec.quantization) {
    const raw = stored === 'uint8' ? new Uint8Array(part) : new Uint16Array(part);
    const scale = spec.quantization.scale;
    const min = spec.quantization.min;
    values = spec.dtype === 'int32' ? new Int32Array(count) : new Float32Array(count);
    for (let i = 0; i < count; i++) {
      if (stored === 'float16') values[i] = halfToFloat(raw[i]);
      else values[i] = spec.dtype === 'int32' ? Math.round(raw[i] * scale + min) : raw[i] * scale + min;
    }
  } else if (stored === 'int32') values = new Int32Array(part);
  else if (stored === 'bool') values = new Uint8Array(part);
  else values = new Float32Array(part);
  return { values: values, bytes: length };
}

/** The bytes that all weights take together; Infinity where only the bytes themselves say (strings). */
export function bytesNeeded(specs) {
  const needed = specs.reduce((sum, spec) => sum + size(spec.shape) * WIDTH[(spec.quantization || spec).dtype], 0);
  return needed >= 0 ? needed : Infinity;
}

/** Every weight of the artifact, in order: [{name, shape, dtype, group, values}]. */
export function decodeWeights(specs, bytes) {
  const decoded = [];
  let offset = 0;
  for (const spec of specs) {
    const one = decodeWeight(spec, bytes, offset);
    offset += one.bytes;
    decoded.push({ name: spec.name, shape: spec.shape, dtype: spec.dtype, group: spec.group, values: one.values });
  }
  return { weights: decoded, unread: bytes.byteLength - offset };
}

function sameShape(one, other) {
  return one.length === other.length && one.every((dim, i) => dim === other[i]);
}

/** Index of the first value that differs, or -1. Bit for bit, but for NaN, -0 and a rounding of dequantised values. */
function firstDifference(wanted, got) {
  if (wanted.length !== got.length) return Math.min(wanted.length, got.length);
  for (let i = 0; i < wanted.length; i++) {
    const a = wanted[i];
    const b = got[i];
    if (typeof a === 'object') {
      if (a.length !== b.length || a.some((byte, k) => byte !== b[k])) return i;
    } else if (Number(a) !== Number(b) && !(Number.isNaN(a) && Number.isNaN(b)) &&
               !(Math.abs(a - b) <= 1e-6 * Math.abs(a))) {
      return i;
    }
  }
  return -1;
}

async function compareWeight(weight, tensor, owner) {
  if (!sameShape(weight.shape, tensor.shape)) {
    return owner + ' has shape [' + tensor.shape + '], the artifact has [' + weight.shape + ']';
  }
  const got = await (weight.dtype === 'string' ? tensor.bytes() : tensor.data());
  const at = firstDifference(weight.values, got);
  return at < 0 ? null : owner + ' holds other values than the artifact, first at element ' + at;
}

/** Names under which TensorFlow.js looks for the values of a layer's variable (Container.loadWeights, 4.x). */
function namesOf(variable, index) {
  const folder = variable.name.split('/').slice(0, -1).join('/');
  return [variable.originalName, variable.name, folder + '/' + index];
}

/** `layer/cell/kernel` is also found as `layer/kernel`: TensorFlow.js drops the cell's name. */
function shortened(name) {
  const parts = name.split('/');
  return parts.slice(0, -2).concat(parts.slice(-1)).join('/');
}

export async function checkLayersWeights(model, weights) {
  const problems = [];
  const byName = new Map();
  for (const weight of weights) {
    if (weight.group === 'optimizer') continue;
    if (byName.has(weight.name)) problems.push('the artifact holds two weights named ' + weight.name);
    byName.set(weight.name, weight);
  }
  const byShort = new Map();
  for (const name of byName.keys()) byShort.set(shortened(name), name);
  const unused = new Set(byName.keys());
  const seen = new Set();
  let values = 0;
  for (const layer of model.layers) {
    for (const [index, variable] of layer.weights.entries()) {
      if (seen.has(variable.id)) continue;
      seen.add(variable.id);
      const names = namesOf(variable, index);
      const name = names.find((one) => byName.has(one)) || byShort.get(names.find((one) => byShort.has(one)));
      if (name === undefined) {
        problems.push('variable ' + variable.originalName + ' [' + variable.shape + '] has no value in the artifact');
        continue;
      }
      unused.delete(name);
      const problem = await compareWeight(byName.get(name), variable.read(), 'variable ' + variable.originalName);
      if (problem) problems.push(problem);
      values += size(variable.shape);
    }
  }
  for (const name of unused) problems.push('weight ' + name + ' of the artifact belongs to no variable');
  return { problems: problems, variables: seen.size, values: values };
}

/** All nodes of a graph model: the graph's, its functions' and the initializer's. */
function graphNodes(modelJson) {
  // As arguments of one call, hundreds of thousands of nodes are too many for the stack.
  return [modelJson.modelTopology, modelJson.modelInitializer].filter(Boolean).flatMap((graph) => {
    const functions = (graph.library && graph.library.function) || [];
    return (graph.node || []).concat(functions.flatMap((one) => one.nodeDef || []));
  });
}

export async function checkGraphWeights(model, weights, modelJson) {
  const problems = [];
  const constants = new Set(graphNodes(modelJson).filter((node) => node.op === 'Const').map((node) => node.name));
  const seen = new Set();
  let values = 0;
  for (const weight of weights) {
    // Constants of two functions may share a name: sound as long as they share the value too.
    seen.add(weight.name);
    const held = model.weights[weight.name];
    if (!held || !held[0]) {
      problems.push('weight ' + weight.name + ' of the artifact was not loaded');
      continue;
    }
    if (!constants.has(weight.name)) problems.push('weight ' + weight.name + ' of the artifact belongs to no node');
    if (weight.dtype === 'complex64') continue; // read back in another layout
    const problem = await compareWeight(weight, held[0], 'constant ' + weight.name);
    if (problem) problems.push(problem);
    values += size(weight.shape);
  }
  for (const name of constants) {
    if (!seen.has(name)) problems.push('constant ' + name + ' has no value in the artifact');
  }
  return { problems: problems, variables: seen.size, values: values };
}
