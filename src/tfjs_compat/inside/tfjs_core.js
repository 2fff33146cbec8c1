/* Loads one converted model in TensorFlow.js, proves that the loaded weights are the artifact's, and runs it.
 *
 * Works in Node and in a browser page: knows no files and no network, only what its caller hands it. What happens is
 * passed to `task.emit` as events (stage, weights, inputs, outputs, failure); see tfjs_run.js for the record they form.
 */
(function (root, factory) {
  if (typeof module === 'object' && module.exports) module.exports = factory();
  else root.tfjsCore = factory();
})(typeof self !== 'undefined' ? self : this, function () {
  'use strict';

  /** A failure that this program proves itself; `type` is its stable name. */
  class Problem extends Error {
    constructor(type, message) {
      super(message);
      this.name = type;
    }
  }

  /** What went wrong with the machine or with this program, and says nothing about the model. */
  class Fault extends Problem {}

  // ------------------------------------------------------------------------------------------------ file names

  // The white space of Python's str.strip, which the other half of this rule uses.
  const SPACES_AT_ENDS = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]|[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

  /** Whether a file name of an artifact is refused before it is looked up: the rule of artifact/shards.py `escapes`. */
  function escapes(name) {
    if (typeof name !== 'string' || name === '' || SPACES_AT_ENDS.test(name) || /[\0-\x1f]/.test(name)) return true;
    if (/[\ud800-\udbff](?![\udc00-\udfff])|(?:[^\ud800-\udbff]|^)[\udc00-\udfff]/.test(name)) return true;
    if (name.includes('\\') || name.startsWith('/') || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(name)) return true;
    const plain = name.replace(/%2e/gi, '.');
    return /%(2f|5c)/i.test(plain) || plain.split('/').includes('..');
  }

  // ---------------------------------------------------------------------------------------------------- errors

  /** {type, message, stack}: never an empty message, no folder of this machine.
   *
   * `empty` marks an error that had no message, `internal` one of this program or the machine, not of TensorFlow.js.
   */
  function describe(error) {
    if (!(error instanceof Error)) {
      const text = typeof error === 'string' ? error : JSON.stringify(error);
      return { type: 'NotAnError', message: 'thrown: ' + text, stack: '' };
    }
    const stack = String(error.stack || '').replace(/(?:[a-z-]+:\/\/)?[^\s()]*[\\/]([^\\/\s()]+:\d+:\d+)/g, '$1');
    const frames = stack.split('\n').map((line) => line.trim()).filter((line) => line.startsWith('at '));
    const type = error.name || (error.constructor && error.constructor.name) || 'Error';
    const shown = { type: type, message: String(error.message || ''), stack: stack.slice(0, 4000) };
    const ours = !(error instanceof Problem) && /\btfjs_(core|run)\.js:/.test(frames[0] || '');
    if (ours || error instanceof Fault) shown.internal = true;
    if (shown.message.trim() === '') {
      shown.empty = true;
      shown.message = type + ' without a message, ' + (frames.slice(0, 3).join(' < ') || 'and without a stack');
    }
    return shown;
  }

  // ------------------------------------------------------------------------------------------- weights, by hand

  const WIDTH = { float32: 4, int32: 4, bool: 1, complex64: 8, uint8: 1, uint16: 2, float16: 2 };

  function size(shape) {
    return shape.reduce((product, dim) => product * dim, 1);
  }

  function halfToFloat(half) {
    const sign = half & 0x8000 ? -1 : 1;
    const exponent = (half >> 10) & 0x1f;
    const fraction = half & 0x3ff;
    if (exponent === 0) return sign * fraction * Math.pow(2, -24);
    if (exponent === 31) return fraction ? NaN : sign * Infinity;
    return sign * (1 + fraction / 1024) * Math.pow(2, exponent - 15);
  }

  /** The values of one weight (typed array; array of byte arrays for strings) and the bytes it took. */
  function decodeWeight(spec, bytes, offset) {
    const count = size(spec.shape);
    if (spec.dtype === 'string' && !spec.quantization) {
      const values = [];
      let at = offset;
      for (let i = 0; i < count; i++) {
        if (at + 4 > bytes.byteLength) throw new Problem('WeightsTruncated', 'weight ' + spec.name + ' runs past its shards');
        const length = new DataView(bytes, at, 4).getUint32(0, true);
        values.push(new Uint8Array(bytes.slice(at + 4, at + 4 + length)));
        at += 4 + length;
      }
      return { values: values, bytes: at - offset };
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

  /** Every weight of the artifact, in order: [{name, shape, dtype, group, values}]. */
  function decodeWeights(specs, bytes) {
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
        const text = typeof b === 'string' ? new TextEncoder().encode(b) : b;
        if (a.length !== text.length || a.some((byte, k) => byte !== text[k])) return i;
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
    const at = firstDifference(weight.values, await tensor.data());
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

  async function checkLayersWeights(model, weights) {
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
    const nodes = [];
    for (const graph of [modelJson.modelTopology, modelJson.modelInitializer]) {
      if (!graph) continue;
      nodes.push(...(graph.node || []));
      for (const one of (graph.library && graph.library.function) || []) nodes.push(...(one.nodeDef || []));
    }
    return nodes;
  }

  async function checkGraphWeights(model, weights, modelJson) {
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

  // --------------------------------------------------------------------------------------------- tensor folders

  /** dtype of the tensor in TensorFlow.js that holds a numpy or DT_ dtype. */
  function tfDtype(dtype) {
    const name = String(dtype || 'float32').toLowerCase().replace(/^dt_/, '');
    if (name === 'string' || name === 'bool') return name;
    if (/^complex/.test(name)) return 'complex64';
    return /^u?int\d*$/.test(name) ? 'int32' : 'float32';
  }

  const READERS = {
    float32: (buffer) => new Float32Array(buffer),
    float64: (buffer) => new Float64Array(buffer),
    float16: (buffer) => Float32Array.from(new Uint16Array(buffer), halfToFloat),
    int8: (buffer) => new Int8Array(buffer),
    uint8: (buffer) => new Uint8Array(buffer),
    int16: (buffer) => new Int16Array(buffer),
    uint16: (buffer) => new Uint16Array(buffer),
    int32: (buffer) => new Int32Array(buffer),
    uint32: (buffer) => new Uint32Array(buffer),
    int64: (buffer) => Float64Array.from(new BigInt64Array(buffer), Number),
    uint64: (buffer) => Float64Array.from(new BigUint64Array(buffer), Number),
    bool: (buffer) => new Uint8Array(buffer),
    // Real and imaginary part in turn, as TensorFlow.js gives them too.
    complex64: (buffer) => new Float32Array(buffer),
    complex128: (buffer) => new Float64Array(buffer),
  };

  /** The tensors of a folder: [{name, dtype, shape, values, batch, logits}]. `folder`: {meta: parsed tensors.json, data: ArrayBuffer}. */
  function readTensors(folder) {
    return folder.meta.tensors.map((entry) => {
      const shown = { name: entry.name, dtype: entry.dtype, shape: entry.shape, batch: entry.batch || 0, logits: entry.logits || '' };
      if (entry.dtype === 'string') return Object.assign(shown, { values: entry.values });
      const read = READERS[entry.dtype];
      if (!read) throw new Problem('UnsupportedDtype', 'tensor ' + entry.name + ' has the dtype ' + entry.dtype);
      const part = folder.data.slice(entry.offset, entry.offset + entry.bytes);
      return Object.assign(shown, { values: read(part) });
    });
  }

  /** {meta, data} of output tensors: the reverse of readTensors. */
  function packTensors(tensors) {
    let offset = 0;
    const entries = [];
    const parts = [];
    for (const tensor of tensors) {
      const entry = { name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, batch: tensor.batch || 0 };
      if (tensor.logits) entry.logits = tensor.logits;
      if (tensor.dtype === 'string') entry.values = Array.from(tensor.values, String);
      else {
        const type = { int32: Int32Array, bool: Uint8Array }[tensor.dtype] || Float32Array;
        const values = tensor.values instanceof type ? tensor.values : type.from(tensor.values);
        const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
        entry.offset = offset;
        entry.bytes = bytes.length;
        offset += bytes.length;
        parts.push(bytes);
      }
      entries.push(entry);
    }
    const data = new Uint8Array(offset);
    let at = 0;
    for (const part of parts) {
      data.set(part, at);
      at += part.length;
    }
    return { meta: { tensors: entries }, data: data };
  }

  /** A tensor of TensorFlow.js of the dtype that the model wants, from one that was given. */
  function toTensor(tf, given, wanted) {
    const dtype = wanted ? tfDtype(wanted) : tfDtype(given.dtype);
    if ((dtype === 'complex64') !== /^complex/.test(given.dtype)) {
      throw new Problem('InputsNotMatched', 'input ' + given.name + ' is ' + given.dtype + ', the model wants ' + dtype);
    }
    if (dtype === 'complex64') {
      const part = (first) => tf.tensor(Float32Array.from(given.values.filter((_, i) => i % 2 === first)), given.shape, 'float32');
      return tf.complex(part(0), part(1));
    }
    if ((dtype === 'string') !== (given.dtype === 'string')) {
      throw new Problem('InputsNotMatched', 'input ' + given.name + ' is ' + given.dtype + ', the model wants ' + dtype);
    }
    if (dtype === 'string') return tf.tensor(given.values, given.shape, 'string');
    if (dtype === 'int32') {
      const wrong = given.values.findIndex((value) => value !== (value | 0));
      if (wrong >= 0) {
        throw new Problem('InputsNotMatched', 'input ' + given.name + ' holds ' + given.values[wrong] +
          ', which is no 32-bit integer, and the model wants ' + wanted);
      }
      return tf.tensor(Int32Array.from(given.values), given.shape, 'int32');
    }
    if (dtype === 'bool') return tf.tensor(Uint8Array.from(given.values, (v) => (v ? 1 : 0)), given.shape, 'bool');
    return tf.tensor(Float32Array.from(given.values), given.shape, 'float32');
  }

  // --------------------------------------------------------------------------------------------------- matching

  // Each next form forgives more: tensor suffixes, names that TensorFlow rewrote, the number Keras counts up.
  const FORMS = [
    (name) => name,
    (name) => name.replace(/:\d+$/, ''),
    (name) => name.replace(/:\d+$/, '').replace(/^serving_default_/, '').replace(/\W/g, '_').toLowerCase(),
    (name) => name.replace(/:\d+$/, '').replace(/^serving_default_/, '').replace(/\W/g, '_').toLowerCase().replace(/_\d+$/, ''),
  ];

  /** Whether a tensor fits a place: same rank, equal dimensions where the place fixes them, same kind of value. */
  function fits(tensor, place) {
    if (place.dtype && (tfDtype(tensor.dtype) === 'string') !== (tfDtype(place.dtype) === 'string')) return false;
    if (!place.shape) return true;
    return tensor.shape.length === place.shape.length &&
      place.shape.every((dim, i) => dim === null || dim === undefined || dim < 0 || dim === tensor.shape[i]);
  }

  /** The one pair of a partial pairing that is certain: each the only partner of the other. */
  function certainPair(tensors, places, accept) {
    for (const tensor of tensors) {
      const open = places.filter((place) => accept(tensor, place));
      if (open.length === 1 && tensors.filter((other) => accept(other, open[0])).length === 1) return [tensor, open[0]];
    }
    return null;
  }

  /** Pairs tensors with places by name, else by shapes that leave no choice, else by order.
   *
   * Returns [{tensor, place, by}] in the order of `tensors`; a tensor without a place is left out.
   */
  function match(tensors, places) {
    let openTensors = tensors.slice();
    let openPlaces = places.slice();
    const found = new Map();
    const pair = (tensor, place, by) => {
      found.set(tensor, { tensor: tensor, place: place, by: by });
      openTensors = openTensors.filter((one) => one !== tensor);
      openPlaces = openPlaces.filter((one) => one !== place);
    };
    const exhaust = (accept, by) => {
      for (let next; (next = certainPair(openTensors, openPlaces, accept)); ) pair(next[0], next[1], by);
    };
    FORMS.forEach((form, looseness) => {
      exhaust((tensor, place) => form(tensor.name) === form(place.name) && (looseness === 0 || fits(tensor, place)), 'name');
    });
    if (tensors.length > 1 || places.length > 1) exhaust(fits, 'shape');
    for (const tensor of openTensors.slice()) {
      const place = openPlaces.find((one) => fits(tensor, one));
      if (place) pair(tensor, place, 'order');
    }
    return tensors.filter((tensor) => found.has(tensor)).map((tensor) => found.get(tensor));
  }

  function shapeText(one) {
    return one.name + ' [' + (one.shape || ['?']).map((dim) => (dim === null || dim < 0 ? '?' : dim)) + ']';
  }

  function list(items) {
    return items.map(shapeText).join(', ') || 'nothing';
  }

  /** Position of a graph's output among the outputs of the function that was frozen: Identity, Identity_1, … */
  function identityIndex(node) {
    const parts = /^Identity(?:_(\d+))?(?::0)?$/.exec(node);
    return parts ? Number(parts[1] || 0) : -1;
  }

  /** How far numbers are from what was expected, to choose between two orders that the artifact leaves open. */
  function distance(expected, actual) {
    let sum = 0;
    for (let i = 0; i < expected.values.length; i++) {
      const one = Math.abs(Number(expected.values[i]) - Number(actual.values[i]));
      if (one > 0) sum += one;
    }
    return sum;
  }

  /** The keys that the outputs may have had in the signature that was frozen, in the order of the expected outputs.
   *
   * Keras 2 keys are the output names, Keras 3 keys are output_0, output_1, … (read off TF 2.16.1 with Keras 3.2.1 and
   * tf-keras 2.16.0).
   */
  function possibleKeys(expected) {
    const names = expected.map((one) => one.name);
    const numbered = names.map((_, i) => 'output_' + i);
    return new Set(names).size === names.length ? [names, numbered] : [numbered];
  }

  /** Pairs the expected outputs with what a graph model gave. `got`: [{name, node, shape, dtype, values}].
   *
   * Freezing flattens the outputs of a signature by sorted key into Identity, Identity_1, … (tf.nest), and the
   * converter keeps a key only where dtype and shape leave no doubt. Where two orders stay possible, the artifact itself
   * does not say which is meant: the one nearer to what was expected is taken, and `ambiguous` says so.
   */
  function matchGraphOutputs(expected, got) {
    const general = () => ({ pairs: match(expected, got), ambiguous: false });
    const byIndex = new Map(got.map((one) => [identityIndex(one.node), one]));
    if (byIndex.size !== got.length || byIndex.has(-1) || got.length !== expected.length) return general();
    const possible = new Map();
    for (const keys of possibleKeys(expected)) {
      const sorted = keys.slice().sort();
      const pairs = expected.map((tensor, i) => {
        const place = byIndex.get(sorted.indexOf(keys[i]));
        return { tensor: tensor, place: place, by: place && FORMS[1](place.name) === keys[i] ? 'name' : 'order' };
      });
      const sound = pairs.every((one) => one.place && fits(one.tensor, one.place) &&
        (one.by === 'name' || identityIndex(one.place.name) >= 0));
      const order = pairs.map((one) => one.place && one.place.node).join();
      if (sound && !possible.has(order)) possible.set(order, pairs);
    }
    if (possible.size === 0) return general();
    const far = (pairs) => pairs.reduce((sum, one) => sum + distance(one.tensor, one.place), 0);
    const nearest = Array.from(possible.values()).reduce((best, one) => (far(one) < far(best) ? one : best));
    return { pairs: nearest, ambiguous: possible.size > 1 };
  }

  // ------------------------------------------------------------------------------------------------ load and run

  /** What an IOHandler of TensorFlow.js hands over for a model.json, as its own HTTP handler does. */
  async function readArtifacts(modelJson, readShard) {
    const artifacts = {
      modelTopology: modelJson.modelTopology,
      format: modelJson.format,
      generatedBy: modelJson.generatedBy,
      convertedBy: modelJson.convertedBy,
    };
    for (const key of ['trainingConfig', 'signature', 'userDefinedMetadata', 'modelInitializer', 'initializerSignature']) {
      if (modelJson[key] != null) artifacts[key] = modelJson[key];
    }
    const manifest = modelJson.weightsManifest;
    if (manifest == null) return artifacts;
    if (!Array.isArray(manifest)) throw new Problem('BadModelJson', 'weightsManifest is not a list');
    artifacts.weightSpecs = [];
    const parts = [];
    for (const group of manifest) {
      const sound = group && Array.isArray(group.paths) && Array.isArray(group.weights) &&
        group.weights.every((spec) => spec && typeof spec.name === 'string' && Array.isArray(spec.shape));
      if (!sound) throw new Problem('BadModelJson', 'an entry of weightsManifest lacks paths or weights');
      artifacts.weightSpecs.push(...group.weights);
      for (const path of group.paths) parts.push(new Uint8Array(await readShard(path)));
    }
    const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
    let at = 0;
    for (const part of parts) {
      bytes.set(part, at);
      at += part.length;
    }
    artifacts.weightData = bytes.buffer;
    return artifacts;
  }

  async function load(tf, task) {
    const modelJson = await task.readModelJson();
    if (modelJson === null || typeof modelJson !== 'object' || modelJson.modelTopology == null) {
      throw new Problem('BadModelJson', 'model.json has no modelTopology');
    }
    const artifacts = await readArtifacts(modelJson, task.readShard);
    // TensorFlow.js may change the artifacts it is given: decode before it has them.
    const decoded = decodeWeights(artifacts.weightSpecs || [], artifacts.weightData || new ArrayBuffer(0));
    const handler = { load: async () => artifacts };
    const layers = task.format === 'layers';
    const model = layers ? await tf.loadLayersModel(handler, { strict: true }) : await tf.loadGraphModel(handler);
    const check = layers ? checkLayersWeights(model, decoded.weights) : checkGraphWeights(model, decoded.weights, modelJson);
    const found = await check;
    task.emit({
      event: 'weights', weights: decoded.weights.length, variables: found.variables, values: found.values,
      unread_bytes: decoded.unread, agree: found.problems.length === 0,
    });
    if (found.problems.length > 0) {
      const more = found.problems.length > 5 ? ' (and ' + (found.problems.length - 5) + ' more)' : '';
      throw new Problem('WeightsNotLoaded', found.problems.slice(0, 5).join('; ') + more);
    }
    return { model: model, topology: modelJson.modelTopology };
  }

  function signatureOf(model) {
    return model.modelSignature || {};
  }

  /** Where a model takes its inputs: [{name, feed, shape, dtype}]. */
  function inputPlaces(model, layers) {
    if (layers) {
      // A sequential model has no inputNames; what its inputs are called is kept by the tensors.
      const names = model.inputNames || [];
      return model.inputs.map((one, i) => ({ name: names[i] || one.name, feed: i, shape: one.shape, dtype: one.dtype }));
    }
    const nodes = new Map(model.inputs.map((one) => [one.name, one]));
    const keys = signatureOf(model).inputs;
    const number = new Intl.Collator('en', { numeric: true });
    const places = keys
      ? Object.keys(keys).filter((key) => keys[key].resourceId == null).map((key) => {
        const node = nodes.get(FORMS[1](keys[key].name)) || {};
        return { name: key, feed: key, shape: node.shape, dtype: node.dtype || keys[key].dtype };
      })
      : model.inputs.map((one) => ({ name: one.name, feed: one.name, shape: one.shape, dtype: one.dtype }));
    // A signature is a map: its order in the file says nothing, the numbers in the names do.
    return places.sort((a, b) => number.compare(a.name, b.name));
  }

  function bindInputs(tf, model, layers, given, emit) {
    const places = inputPlaces(model, layers);
    const pairs = match(given, places);
    const missing = places.filter((place) => !pairs.some((pair) => pair.place === place));
    emit({
      event: 'inputs',
      matched: pairs.map((pair) => ({ name: pair.tensor.name, to: pair.place.name, at: pair.place.feed, by: pair.by })),
      unused: given.filter((tensor) => !pairs.some((pair) => pair.tensor === tensor)).map((tensor) => tensor.name),
    });
    if (missing.length > 0) {
      throw new Problem('InputsNotMatched', 'the model wants ' + list(places) + ' and was given ' + list(given));
    }
    return pairs.map((pair) => ({ feed: pair.place.feed, tensor: toTensor(tf, pair.tensor, pair.place.dtype) }));
  }

  function asList(result) {
    return Array.isArray(result) ? result : [result];
  }

  // ---------------------------------------------------------------------------------------------------- logits
  // What the last softmax or sigmoid of an output is given, taken from the model that was loaded, in the same pass.

  /** The layer that computes an output of a layers model, inside nested models too. */
  function lastLayer(output) {
    let symbolic = output;
    while (symbolic && symbolic.sourceLayer && symbolic.sourceLayer.outputs && symbolic.sourceLayer.layers) {
      symbolic = symbolic.sourceLayer.outputs[symbolic.outputTensorIndex || 0];
    }
    return symbolic && symbolic.sourceLayer;
  }

  /** Keeps what an output's last softmax or sigmoid is given while `work` runs.
   *
   * Null for an output without one, and for one whose layer is called several times: which call is the output's is not
   * known. The activation of a recurrent layer is its cell's, and not the last.
   */
  function withLayersLogits(tf, model, work) {
    const kept = model.outputs.map(() => null);
    const restore = [];
    const calls = model.outputs.map(() => 0);
    model.outputs.forEach((output, i) => {
      const layer = lastLayer(output);
      const name = layer && layer.getClassName();
      const keep = (x) => {
        calls[i] += 1;
        if (kept[i]) kept[i].dispose();
        kept[i] = calls[i] === 1 ? tf.keep(tf.clone(x)) : null;
      };
      if (name === 'Softmax' && typeof layer.softmax === 'function') {
        const own = layer.softmax;
        restore.push(() => (layer.softmax = own));
        layer.softmax = (x, axis) => (keep(x), own(x, axis));
      } else if (layer && Object.prototype.hasOwnProperty.call(layer, 'activation') && layer.activation &&
                 /^(softmax|sigmoid)$/.test(layer.activation.getClassName && layer.activation.getClassName())) {
        const own = layer.activation;
        restore.push(() => (layer.activation = own));
        layer.activation = { apply: (x, axis) => (keep(x), own.apply(x, axis)), getClassName: () => own.getClassName(), getConfig: () => own.getConfig() };
      }
    });
    try {
      return { result: work(), logits: kept };
    } finally {
      restore.forEach((one) => one());
    }
  }

  /** For an output node of a graph: the name of the node that its Softmax or Sigmoid takes, null where it has none. */
  function logitsNode(nodes, output) {
    const named = (text) => nodes.get(FORMS[1](text));
    let node = named(output);
    while (node && node.op === 'Identity' && node.input) node = named(node.input[0]);
    if (!node || !/^(Softmax|Sigmoid)$/.test(node.op) || !node.input) return null;
    return named(node.input[0]) ? FORMS[1](node.input[0]) : null;
  }

  // ------------------------------------------------------------------------------------------------------- running

  /** Runs a layers model in one batch, as Python ran it. */
  function runLayers(tf, model, bound, wantLogits) {
    const inputs = [];
    for (const one of bound) inputs[one.feed] = one.tensor;
    const batch = inputs[0].shape[0];
    const options = batch > 0 ? { batchSize: batch } : {};
    const predictAll = () => asList(model.predict(inputs.length === 1 ? inputs[0] : inputs, options));
    const ran = wantLogits ? withLayersLogits(tf, model, predictAll) : { result: predictAll(), logits: [] };
    const names = model.outputNames || (model.model && model.model.outputNames) || [];
    const called = ran.result.map((_, i) => names[i] || model.outputs[i].name);
    return { call: 'predict', results: ran.result, logits: ran.logits, names: called.map((name, i) => ({ name: name, node: name, at: i })) };
  }

  /** Runs a graph model: at once where TensorFlow.js lets it, else asynchronously, as it then asks for. */
  async function runGraph(tf, model, topology, bound, wantLogits) {
    const keys = signatureOf(model).outputs;
    const names = keys && Object.keys(keys).length > 0
      ? Object.keys(keys).map((key) => ({ name: key, node: keys[key].name || key, at: keys[key].name || key }))
      : model.outputNodes.map((name) => ({ name: name, node: name, at: name }));
    const outputs = names.map((one) => one.node);
    const nodes = new Map(((wantLogits && topology.node) || []).map((node) => [node.name, node]));
    const within = outputs.map((output) => logitsNode(nodes, output));
    const feed = () => {
      const named = {};
      for (const one of bound) named[one.feed] = one.tensor;
      return named;
    };
    const execute = async (wanted) => {
      try {
        return { call: 'execute', results: asList(model.execute(feed(), wanted)) };
      } catch (error) {
        if (!/executeAsync|returned a promise/.test(String(error && error.message))) throw error;
      }
      return { call: 'executeAsync', results: asList(await model.executeAsync(feed(), wanted)) };
    };
    const taps = Array.from(new Set(within.filter((node) => node !== null && !outputs.includes(node))));
    let ran = null;
    if (taps.length > 0) {
      // An output that fails alone fails below too.
      ran = await execute(outputs.concat(taps)).catch(() => null);
    }
    const tapped = ran === null ? [] : ran.results.slice(outputs.length);
    if (ran === null) ran = await execute(outputs);
    const logits = within.map((node) => {
      const found = tapped[taps.indexOf(node)];
      return found ? tf.clone(found) : null;
    });
    tapped.forEach((tensor) => tensor.dispose());
    return { call: ran.call, results: ran.results.slice(0, outputs.length), logits: logits, names: names };
  }

  /** The outputs for all batches, one after another, under the names that are expected. */
  async function predict(tf, loaded, task) {
    const given = readTensors(await task.readInputs());
    const folder = await task.readExpected();
    const expected = folder ? readTensors(folder) : null;
    const outputs = [];
    // Which output of the artifact each expected one is: what the first batch says holds for all.
    const places = new Map();
    for (const batch of Array.from(new Set(given.map((one) => one.batch))).sort((a, b) => a - b)) {
      const ofBatch = (tensors) => tensors.filter((one) => one.batch === batch);
      const emit = outputs.length === 0 ? task.emit : () => {};
      const got = await predictBatch(tf, loaded, task, ofBatch(given), expected && ofBatch(expected), places, emit);
      outputs.push(...got.map((one) => Object.assign(one, { batch: batch })));
    }
    return outputs;
  }

  /** Pairs the outputs as an earlier batch did. */
  function known(expected, got, places) {
    const pairs = expected.map((tensor) => ({ tensor: tensor, place: got.find((one) => one.at === places.get(tensor.name)), by: 'name' }));
    return { pairs: pairs.filter((pair) => pair.place), ambiguous: false };
  }

  /** A layers model keeps the order of its outputs in model.json; a graph model does not. */
  function pairOutputs(layers, expected, got) {
    const positional = layers && got.length === expected.length &&
      expected.every((one, i) => FORMS[3](one.name) === FORMS[3](got[i].name)) &&
      !expected.some((one, i) => got.some((other, k) => k !== i && other.name === one.name));
    if (positional) {
      return { pairs: expected.map((tensor, i) => ({ tensor: tensor, place: got[i], by: 'name' })), ambiguous: false };
    }
    return layers ? { pairs: match(expected, got), ambiguous: false } : matchGraphOutputs(expected, got);
  }

  async function predictBatch(tf, loaded, task, given, all, places, emit) {
    const layers = task.format === 'layers';
    const model = loaded.model;
    const expected = all && all.filter((one) => !one.logits);
    const wanted = (all || []).filter((one) => one.logits);
    const bound = bindInputs(tf, model, layers, given, emit);
    // A stateful layer starts from nothing in every batch, as in Python.
    if (layers && model.resetStates) model.resetStates();
    const ran = layers
      ? runLayers(tf, model, bound, wanted.length > 0)
      : await runGraph(tf, model, loaded.topology, bound, wanted.length > 0);
    const got = [];
    for (const [i, tensor] of ran.results.entries()) {
      got.push({
        name: ran.names[i].name, node: ran.names[i].node, at: ran.names[i].at, shape: tensor.shape, dtype: tensor.dtype,
        values: await tensor.data(), logits: await dataOf(ran.logits[i]),
      });
      tensor.dispose();
    }
    for (const one of bound) one.tensor.dispose();
    if (!expected) {
      emit({ event: 'outputs', call: ran.call, ambiguous: false, matched: got.map((one) => ({ name: one.name, from: one.name, by: 'name' })) });
      return got;
    }
    const how = places.size > 0 ? known(expected, got, places) : pairOutputs(layers, expected, got);
    const unique = new Set(expected.map((one) => one.name)).size === expected.length;
    if (unique) for (const pair of how.pairs) places.set(pair.tensor.name, pair.place.at);
    const left = got.filter((one) => !how.pairs.some((pair) => pair.place === one));
    const missing = expected.filter((one) => !how.pairs.some((pair) => pair.tensor === one));
    // What has no partner by name or shape is still compared, in order: a wrong shape is a finding, not a gap.
    while (left.length > 0 && missing.length > 0) how.pairs.push({ tensor: missing.shift(), place: left.shift(), by: 'order' });
    emit({
      event: 'outputs', call: ran.call, ambiguous: how.ambiguous,
      matched: how.pairs.map((pair) => ({ name: pair.tensor.name, from: pair.place.name, at: pair.place.at, by: pair.by })),
      missing: missing.map((one) => one.name), extra: left.map((one) => one.name),
    });
    if (missing.length > 0) {
      throw new Problem('OutputsNotMatched', 'the model gives ' + list(got) + '; expected ' + list(expected));
    }
    const results = expected.map((tensor) => {
      const place = how.pairs.find((pair) => pair.tensor === tensor).place;
      return { name: tensor.name, dtype: place.dtype, shape: place.shape, values: place.values };
    });
    const logitsOf = (tensor) => how.pairs.find((pair) => pair.tensor.name === tensor.name).place.logits;
    const logits = wanted.filter(logitsOf).map((tensor) => (
      Object.assign({ name: tensor.name, logits: tensor.logits }, logitsOf(tensor))
    ));
    return results.concat(logits);
  }

  /** A tensor's {dtype, shape, values}; null for none. Disposes of it. */
  async function dataOf(tensor) {
    if (!tensor) return null;
    const found = { dtype: tensor.dtype, shape: tensor.shape, values: await tensor.data() };
    tensor.dispose();
    return found;
  }

  /** Loads and runs one model. True where both stages ended; a failure is passed to `task.emit`.
   *
   * `task`: {format: 'layers'|'graph', emit(event), readModelJson(), readShard(path) → ArrayBuffer, readInputs() and
   * readExpected() → {meta, data} (expected may be null), writeOutputs({meta, data}), loadOnly?: boolean}.
   */
  async function run(tf, task) {
    let stage = 'load';
    const timed = async (name, work) => {
      stage = name;
      const started = Date.now();
      task.emit({ event: 'stage', stage: name, status: 'start' });
      const result = await work();
      task.emit({ event: 'stage', stage: name, status: 'done', seconds: (Date.now() - started) / 1000 });
      return result;
    };
    try {
      const model = await timed('load', () => load(tf, task));
      if (task.loadOnly) return true;
      await timed('predict', async () => task.writeOutputs(packTensors(await predict(tf, model, task))));
      return true;
    } catch (error) {
      task.emit({ event: 'failure', stage: stage, error: describe(error) });
      return false;
    }
  }

  return { run: run, describe: describe, escapes: escapes, readTensors: readTensors, Problem: Problem, Fault: Fault };
});
