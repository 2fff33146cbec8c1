/* The converted model in this folder, by the names that it has in Python. Written by tfjs-compat.
 *
 * In Node, in the folder above (this one is replaced whole when it is converted again):
 *                           npm install @tensorflow/tfjs@TFJS_VERSION && node THIS_FOLDER/predict.mjs
 * In a browser:             serve this folder (python3 -m http.server) and open predict.html
 * In a program:             import { loadModel, predict } from './predict.mjs';
 *                           const model = await loadModel(tf, 'https://…/model.json');
 *                           const outputs = await predict(tf, model, { INPUT_NAME: tensor });
 *
 * As a program it predicts for the stored input in predict.json and shows the numbers beside those of Python.
 */

const MODEL = 'MODEL_INTERFACE';

/** Loads the model. `tf` is TensorFlow.js; `source` the address of model.json, or a handler of tf.io. */
export async function loadModel(tf, source) {
  return MODEL.format === 'layers' ? tf.loadLayersModel(source) : tf.loadGraphModel(source);
}

/** The outputs by name, as tensors. `inputs`: tensors by name. */
export async function predict(tf, model, inputs) {
  for (const one of MODEL.inputs) {
    if (!(one.name in inputs)) throw new Error('no input ' + one.name + '; the model takes ' + names(MODEL.inputs));
  }
  const asked = MODEL.outputs.map((one) => one.at);
  let results;
  if (MODEL.format === 'layers') {
    const ordered = [];
    for (const one of MODEL.inputs) ordered[one.at] = inputs[one.name];
    results = asList(model.predict(ordered.length === 1 ? ordered[0] : ordered));
    results = asked.map((at) => results[at]);
  } else {
    const fed = Object.fromEntries(MODEL.inputs.map((one) => [one.at, inputs[one.name]]));
    results = asList(MODEL.call === 'executeAsync' ? await model.executeAsync(fed, asked) : model.execute(fed, asked));
  }
  return Object.fromEntries(MODEL.outputs.map((one, i) => [one.name, results[i]]));
}

/** Predicts for the stored input; lines to show, and whether all numbers are Python's. `example`: predict.json. */
export async function check(tf, model, example) {
  const inputs = {};
  for (const one of example.inputs) inputs[one.name] = toTensor(tf, one);
  const outputs = await predict(tf, model, inputs);
  const lines = example.inputs.map((one) => 'input ' + one.name + ' ' + one.dtype + ' [' + one.shape + ']');
  let agrees = true;
  for (const wanted of example.outputs) {
    const got = Array.from(await outputs[wanted.name].data());
    const expected = wanted.dtype === 'string' ? wanted.values : wanted.values.map(Number);
    const good = String(outputs[wanted.name].shape) === String(wanted.shape) && got.length === expected.length &&
      expected.every((value, i) => wanted.random || same(value, got[i], wanted.allowed));
    agrees = agrees && good;
    lines.push('output ' + wanted.name + ' [' + wanted.shape + ']: ' + few(got));
    lines.push('    in Python: ' + few(expected) + (wanted.random ? ' (random)' : good ? '  the same' : '  DIFFERENT'));
  }
  return { lines: lines, agrees: agrees };
}

function names(places) {
  return places.map((one) => one.name).join(', ');
}

function asList(result) {
  return Array.isArray(result) ? result : [result];
}

function same(wanted, got, allowed) {
  if (typeof wanted === 'string') return wanted === got;
  if (!Number.isFinite(wanted)) return Object.is(wanted, Number(got));
  return Math.abs(wanted - got) <= allowed;
}

function few(values) {
  const shown = values.slice(0, 5).map((value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value));
  return shown.join(', ') + (values.length > 5 ? ', …' : '');
}

function toTensor(tf, one) {
  if (one.dtype === 'string') return tf.tensor(one.values, one.shape, 'string');
  const values = one.values.map(Number);
  if (one.dtype !== 'complex64') return tf.tensor(values, one.shape, one.dtype);
  const part = (first) => tf.tensor(values.filter((_, i) => i % 2 === first), one.shape, 'float32');
  return tf.complex(part(0), part(1));
}

/** A handler that reads the model from a folder of this machine. */
async function fromFolder(tf, folder) {
  const { readFile } = await import('node:fs/promises');
  const document = JSON.parse(await readFile(new URL('model.json', folder), 'utf8'));
  const groups = document.weightsManifest || [];
  const shards = await Promise.all(groups.flatMap((group) => group.paths).map((name) => readFile(new URL(name, folder))));
  const bytes = new Uint8Array(shards.reduce((sum, shard) => sum + shard.length, 0));
  let at = 0;
  for (const shard of shards) {
    bytes.set(shard, at);
    at += shard.length;
  }
  const { weightsManifest, ...artifacts } = document;
  artifacts.weightSpecs = groups.flatMap((group) => group.weights);
  artifacts.weightData = bytes.buffer;
  return { load: async () => artifacts };
}

/** The command that installs TensorFlow.js where Node finds it, and not in this folder, which is replaced whole. */
async function installing() {
  const { fileURLToPath } = await import('node:url');
  return "npm install --prefix '" + fileURLToPath(new URL('../', import.meta.url)) + "' @tensorflow/tfjs@TFJS_VERSION";
}

async function main() {
  let loaded;
  try {
    loaded = await import('@tensorflow/tfjs');
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    console.error('error: Node finds no @tensorflow/tfjs here\nhint: ' + await installing());
    process.exitCode = 3;
    return;
  }
  const tf = loaded.default || loaded;
  const { readFile } = await import('node:fs/promises');
  const folder = new URL('./', import.meta.url);
  const example = JSON.parse(await readFile(new URL('predict.json', folder), 'utf8'));
  const model = await loadModel(tf, await fromFolder(tf, folder));
  const { lines, agrees } = await check(tf, model, example);
  console.log(lines.join('\n'));
  process.exitCode = agrees ? 0 : 1;
}

const inNode = typeof process !== 'undefined' && process.versions && process.versions.node;
if (inNode && process.argv[1] && process.argv[1].endsWith('predict.mjs')) await main();
