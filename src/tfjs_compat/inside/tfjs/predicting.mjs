/* Feeds a loaded model batch after batch; its outputs under the names that are expected. */

import { Problem } from './faults.mjs';
import { logitsNode, withLayersLogits } from './logits.mjs';
import { list, match, pairOutputs, pairsAsBefore, withoutNumber } from './pairing.mjs';
import { readTensors, toTensor } from './tensors.mjs';

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
      const node = nodes.get(withoutNumber(keys[key].name)) || {};
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

/** The tensors of a model's weights: an output may be one of them, and is wanted again then. */
function weightsOf(model) {
  const kept = Object.values(model.weights || {}).flat().filter(Boolean);
  return new Set(kept.map((weight) => weight.val || weight));
}

/** A tensor's {dtype, shape, values}; null for none. Disposes of it. */
async function dataOf(tensor) {
  if (!tensor) return null;
  const found = { dtype: tensor.dtype, shape: tensor.shape, values: await tensor.data() };
  tensor.dispose();
  return found;
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
  const weights = weightsOf(model);
  for (const [i, tensor] of ran.results.entries()) {
    got.push({
      name: ran.names[i].name, node: ran.names[i].node, at: ran.names[i].at, shape: tensor.shape, dtype: tensor.dtype,
      values: await tensor.data(), logits: await dataOf(ran.logits[i]),
    });
  }
  // One tensor may be several outputs.
  for (const tensor of new Set(ran.results)) if (!weights.has(tensor)) tensor.dispose();
  for (const one of bound) one.tensor.dispose();
  if (!expected) {
    emit({ event: 'outputs', call: ran.call, ambiguous: false, matched: got.map((one) => ({ name: one.name, from: one.name, by: 'name' })) });
    return got;
  }
  const how = places.size > 0 ? pairsAsBefore(expected, got, places) : pairOutputs(layers, expected, got);
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

/** The outputs for all batches, one after another, under the names that are expected. */
export async function predict(tf, loaded, task) {
  const given = readTensors(await task.readInputs());
  const folder = await task.readExpected();
  const expected = folder ? readTensors(folder) : null;
  const outputs = [];
  // Which output of the artifact each expected one is: what the first batch says holds for all.
  const places = new Map();
  // A model without inputs is run as often as something is expected of it, and once in any case.
  const batches = new Set(given.concat(expected || []).map((one) => one.batch));
  for (const batch of batches.size > 0 ? Array.from(batches).sort((a, b) => a - b) : [0]) {
    const ofBatch = (tensors) => tensors.filter((one) => one.batch === batch);
    const emit = outputs.length === 0 ? task.emit : () => {};
    const got = await predictBatch(tf, loaded, task, ofBatch(given), expected && ofBatch(expected), places, emit);
    for (const one of got) outputs.push(Object.assign(one, { batch: batch }));
  }
  return outputs;
}
