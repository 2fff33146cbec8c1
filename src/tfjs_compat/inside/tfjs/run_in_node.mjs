/* Loads a converted model in TensorFlow.js under Node and runs it: node run_in_node.mjs JOB.json
 * or, to have TensorFlow.js loaded before there is a job:          node run_in_node.mjs --wait FD tf.min.js
 * which then reads the path of the job, one line, from the pipe FD, and ends where there is none.
 *
 * The job: {"bundle": tf.min.js, "model": folder of model.json, "format": "layers"|"graph", "inputs": tensor folder (without it the model is only loaded),
 * "outputs": tensor folder to write, "record": JSON-lines file to append to, "expected": tensor folder (may be left out)}.
 * Events in the record: facts, stage (load, predict; start, done), weights, inputs, outputs, failure.
 * Exit code 0: both stages ended; 1: a failure is in the record; 2: no such job.
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { Problem, describe } from './faults.mjs';
import { escapes } from './file_names.mjs';
import { run } from './run.mjs';

let emit = null;
let stage = 'load';

function fail(error) {
  if (emit) emit({ event: 'failure', stage: stage, error: describe(error) });
  else console.error(error);
  process.exit(emit ? 1 : 2);
}

/** The real path of a file of the model's folder, or a Problem: nothing outside the folder is opened. */
function inside(folder, name) {
  if (escapes(name)) {
    throw new Problem('UnsafePath', 'the artifact names a file outside its folder: ' + JSON.stringify(name));
  }
  let real;
  try {
    real = fs.realpathSync(path.join(folder, name));
  } catch (error) {
    throw new Problem('MissingFile', 'the artifact has no file ' + JSON.stringify(name));
  }
  if (!real.startsWith(fs.realpathSync(folder) + path.sep)) {
    throw new Problem('UnsafePath', 'the artifact links to a file outside its folder: ' + JSON.stringify(name));
  }
  if (!fs.statSync(real).isFile()) throw new Problem('MissingFile', JSON.stringify(name) + ' is not a file');
  return real;
}

function bytesOf(file) {
  const buffer = fs.readFileSync(file);
  // A large file has a buffer of its own, a small one a part of a shared buffer.
  if (buffer.length === buffer.buffer.byteLength) return buffer.buffer;
  return buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);
}

/** The first bytes of a file, at most so many. */
function startOf(file, most) {
  if (fs.statSync(file).size <= most) return bytesOf(file);
  const bytes = new Uint8Array(most);
  const descriptor = fs.openSync(file, 'r');
  try {
    let at = 0;
    for (let count = 1; at < most && count > 0; at += count) count = fs.readSync(descriptor, bytes, at, most - at);
    return bytes.buffer;
  } finally {
    fs.closeSync(descriptor);
  }
}

function readFolder(folder) {
  const meta = JSON.parse(fs.readFileSync(path.join(folder, 'tensors.json'), 'utf8'));
  const data = path.join(folder, 'tensors.bin');
  return { meta: meta, data: fs.existsSync(data) ? bytesOf(data) : new ArrayBuffer(0) };
}

async function started(bundle) {
  const file = path.resolve(bundle);
  const tf = createRequire(file)(file);
  await tf.setBackend('cpu');
  await tf.ready();
  return tf;
}

/** One line from a pipe; '' where it closes before. */
function lineFrom(descriptor) {
  const chunk = Buffer.alloc(4096);
  let text = '';
  for (;;) {
    const count = fs.readSync(descriptor, chunk);
    if (count === 0) return '';
    text += chunk.toString('utf8', 0, count);
    if (text.endsWith('\n')) return text.slice(0, -1);
  }
}

async function main(words) {
  if (words[0] !== '--wait') return runJob(words[0]);
  const tf = started(words[2]);
  // That it does not start is written to the record of a job.
  await tf.catch(() => {});
  const jobFile = lineFrom(Number(words[1]));
  if (jobFile === '') process.exit(0);
  return runJob(jobFile, tf);
}

async function runJob(jobFile, loaded) {
  const job = JSON.parse(fs.readFileSync(jobFile, 'utf8'));
  const record = fs.openSync(job.record, 'a');
  emit = (event) => {
    if (event.event === 'stage') stage = event.stage;
    fs.writeSync(record, JSON.stringify(event) + '\n');
  };
  const tf = await (loaded || started(job.bundle));
  emit({ event: 'facts', tfjs: tf.version.tfjs, backend: tf.getBackend(), node: process.version });
  const done = await run(tf, {
    format: job.format,
    emit: emit,
    loadOnly: job.inputs === undefined,
    readModelJson: async () => {
      const text = fs.readFileSync(inside(job.model, 'model.json'), 'utf8');
      try {
        return JSON.parse(text);
      } catch (error) {
        throw new Problem('BadModelJson', 'model.json is not JSON: ' + error.message);
      }
    },
    readShard: async (name, most) => startOf(inside(job.model, name), most),
    readInputs: async () => readFolder(job.inputs),
    readExpected: async () => (job.expected ? readFolder(job.expected) : null),
    writeOutputs: async (folder) => {
      fs.mkdirSync(job.outputs, { recursive: true });
      fs.writeFileSync(path.join(job.outputs, 'tensors.bin'), folder.data);
      fs.writeFileSync(path.join(job.outputs, 'tensors.json'), JSON.stringify(folder.meta));
    },
  });
  process.exit(done ? 0 : 1);
}

process.on('uncaughtException', fail);
process.on('unhandledRejection', fail);
main(process.argv.slice(2)).catch(fail);
