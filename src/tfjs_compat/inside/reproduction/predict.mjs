/* Loads the converted model in TensorFlow.js and compares its predictions with Python's: node predict.mjs [FOLDER]
 *
 * FOLDER (default: this one) holds web_model and, to compare, inputs and expected. What TensorFlow.js gave goes to
 * work/outputs, what happened to work/tfjs.json: {"stage", "message"}, stage null where all agreed.
 * Exit code 0: it loads, and the predictions agree; 1: it does not, or they differ.
 */
import childProcess from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { readTensors } from './harness/tfjs/tensors.mjs';

const here = path.dirname(fileURLToPath(import.meta.url));
const folder = path.resolve(process.argv[2] || here);
const work = path.join(here, 'work');
const record = path.join(work, 'tfjs.jsonl');
const job = {
  bundle: path.join(here, 'node_modules/@tensorflow/tfjs/dist/tf.min.js'),
  model: path.join(folder, 'web_model'),
  outputs: path.join(work, 'outputs'),
  record: record,
};
const reproduction = JSON.parse(fs.readFileSync(path.join(here, 'reproduction.json'), 'utf8'));

function readFolder(name) {
  const data = path.join(name, 'tensors.bin');
  const bytes = fs.existsSync(data) ? fs.readFileSync(data) : Buffer.alloc(0);
  const meta = JSON.parse(fs.readFileSync(path.join(name, 'tensors.json'), 'utf8'));
  const tensors = readTensors({
    meta: meta,
    data: bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength),
  });
  return tensors.map((tensor, i) => Object.assign(tensor, { noise: meta.tensors[i].noise, random: meta.tensors[i].random }));
}

function end(stage, message) {
  fs.writeFileSync(path.join(work, 'tfjs.json'), JSON.stringify({ stage: stage, message: message }));
  console.log(stage === null ? 'TensorFlow.js loads it, and the predictions agree' : stage + ' fails: ' + message);
  process.exit(stage === null ? 0 : 1);
}

function first(values) {
  const shown = Array.from(values.slice(0, 6), (value) => (typeof value === 'number' ? Number(value.toPrecision(6)) : value));
  return shown.join(' ') + (values.length > 6 ? ' …' : '');
}

/** What differs between the two predictions of one output, or null. */
function difference(wanted, got) {
  if (wanted.shape.join() !== got.shape.join()) return 'shape [' + got.shape + '] instead of [' + wanted.shape + ']';
  const one = Array.from(wanted.values);
  const other = Array.from(got.values);
  if (wanted.dtype === 'string') return one.join('\n') === other.join('\n') ? null : 'other strings';
  const scale = Math.max(0, ...one.map((value) => Math.abs(Number(value))).filter(Number.isFinite));
  const exact = !/float|complex/.test(wanted.dtype);
  // A half-precision number is right only to its last bits; where it is known what rounding does, that is allowed.
  const relative = Math.max(reproduction.tolerance.relative, wanted.dtype === 'float16' ? 8 * Math.pow(2, -10) : 0);
  const floor = wanted.noise === undefined || scale === 0 ? reproduction.tolerance.absolute : 8 * wanted.noise;
  const allowed = exact ? 0 : floor + relative * scale;
  let largest = 0;
  let places = 0;
  one.forEach((value, i) => {
    const far = Math.abs(Number(value) - Number(other[i]));
    const same = Object.is(Number(value), Number(other[i])) || far <= allowed;
    if (same) return;
    places += 1;
    if (far > largest) largest = far;
  });
  if (places === 0) return null;
  return places + ' of ' + one.length + ' values differ by up to ' + largest.toPrecision(3) + ' (allowed: ' + allowed.toPrecision(3) + ')';
}

fs.mkdirSync(work, { recursive: true });
fs.rmSync(record, { force: true });
const manifest = path.join(job.model, 'model.json');
try {
  job.format = JSON.parse(fs.readFileSync(manifest, 'utf8')).format === 'graph-model' ? 'graph' : 'layers';
} catch (error) {
  job.format = reproduction.format;
}
for (const name of ['inputs', 'expected']) {
  if (fs.existsSync(path.join(folder, name))) job[name] = path.join(folder, name);
}
const file = path.join(work, 'tfjs-job.json');
fs.writeFileSync(file, JSON.stringify(job));
const ran = childProcess.spawnSync(process.execPath, [path.join(here, 'harness/tfjs/run_in_node.mjs'), file], { stdio: 'inherit' });
const events = fs.existsSync(record)
  ? fs.readFileSync(record, 'utf8').split('\n').filter((line) => line !== '').map((line) => JSON.parse(line))
  : [];
const stages = events.filter((event) => event.event === 'stage').map((event) => event.stage);
const facts = events.find((event) => event.event === 'facts');
if (facts) console.log('TensorFlow.js ' + facts.tfjs + ', backend ' + facts.backend + ', Node ' + facts.node);
const failure = events.find((event) => event.event === 'failure');
if (failure) {
  if (failure.error.stack) console.log(failure.error.stack);
  end(failure.stage, failure.error.type + ': ' + failure.error.message);
}
if (ran.status !== 0) end(stages[stages.length - 1] || 'load', 'TensorFlow.js ended with ' + (ran.signal || 'exit code ' + ran.status));
if (!job.expected) end(null, '');
const outputs = readFolder(job.outputs);
const different = [];
readFolder(job.expected).forEach((wanted) => {
  const got = outputs.find((one) => one.name === wanted.name && !one.logits === !wanted.logits);
  if (!got && wanted.logits) return;
  const name = (wanted.logits ? 'logits of output ' : 'output ') + wanted.name;
  console.log(name + ', ' + wanted.dtype + ' [' + wanted.shape + ']');
  console.log('  Python         ' + first(wanted.values));
  console.log('  TensorFlow.js  ' + first(got.values));
  const what = wanted.random ? null : difference(wanted, got);
  if (what !== null) different.push(name + ': ' + what);
});
if (different.length > 0) end('predict', 'predictions differ: ' + different.join('; '));
end(null, '');
