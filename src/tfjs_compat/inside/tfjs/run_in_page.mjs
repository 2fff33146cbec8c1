/* The page of trials/runtimes/page_server.py: the same check as run_in_node.mjs, in a browser. Files come from, and the record and the
 * outputs go to, the folder of addresses that this page was served from.
 */
import { Fault, Problem, describe } from './faults.mjs';
import { run } from './run.mjs';

// The server is on this machine: that it cannot be reached says nothing about the model.
const reach = (name, options) => fetch(name, options).catch((error) => {
  throw new Fault('ServerUnreachable', name + ': ' + error.message);
});
const post = (name, body) => reach(name, { method: 'POST', body: body });
// One event after the other: their order in the record is the order in which things happened.
let sent = Promise.resolve();
const emit = (event) => {
  sent = sent.then(() => post('event', JSON.stringify(event)));
};
let stage = 'load';
const fail = (error) => {
  emit({ event: 'failure', stage: stage, error: describe(error) });
  sent.then(() => post('done', '1'));
};
window.addEventListener('error', (event) => fail(event.error || String(event.message)));
window.addEventListener('unhandledrejection', (event) => fail(event.reason));

async function get(name) {
  const answer = await reach(name);
  if (!answer.ok) {
    const why = await answer.text();
    throw new Problem(answer.status === 403 ? 'UnsafePath' : 'MissingFile', why);
  }
  return answer;
}
async function folder(name) {
  const meta = await (await get(name + '/tensors.json')).json();
  return { meta: meta, data: await (await get(name + '/tensors.bin')).arrayBuffer() };
}
async function chooseBackend(wanted) {
  const reasons = [];
  for (const name of wanted) {
    try {
      if (await tf.setBackend(name)) return;
      reasons.push(name + ': does not start');
    } catch (error) {
      reasons.push(name + ': ' + describe(error).message);
    }
  }
  throw new Problem('NoBackend', 'no backend starts in this browser: ' + reasons.join('; '));
}
// What is computed after the browser's graphics process was lost is not the model's result.
const lost = () => new Fault('ContextLost', 'the graphics process of the browser ended');
function graphics() {
  const gpgpu = tf.getBackend() === 'webgl' && tf.backend().gpgpu;
  return gpgpu ? gpgpu.gl : null;
}
function watchGraphics() {
  const gl = graphics();
  if (gl) gl.canvas.addEventListener('webglcontextlost', () => fail(lost()));
}
/** Raises a Fault: a page that computes hears of the loss only when it is done. */
function checkGraphics() {
  const gl = graphics();
  if (gl && gl.isContextLost()) throw lost();
}
function renderer() {
  const gl = document.createElement('canvas').getContext('webgl2');
  const names = gl && gl.getExtension('WEBGL_debug_renderer_info');
  return names ? gl.getParameter(names.UNMASKED_RENDERER_WEBGL) : null;
}

const job = await (await get('job.json')).json();
await chooseBackend(job.backends);
await tf.ready();
watchGraphics();
emit({
  event: 'facts', tfjs: tf.version.tfjs, backend: tf.getBackend(), browser: navigator.userAgent,
  renderer: tf.getBackend() === 'webgl' ? renderer() : null,
});
const done = await run(tf, {
  format: job.format,
  loadOnly: job.load_only,
  emit: (event) => {
    if (event.event === 'stage') stage = event.stage;
    if (event.event === 'failure' || event.status === 'done') checkGraphics();
    emit(event);
  },
  readModelJson: async () => {
    const text = await (await get('file?name=model.json')).text();
    try {
      return JSON.parse(text);
    } catch (error) {
      throw new Problem('BadModelJson', 'model.json is not JSON: ' + error.message);
    }
  },
  readShard: async (name, most) =>
    (await get('file?name=' + encodeURIComponent(name) + (most < Infinity ? '&most=' + most : ''))).arrayBuffer(),
  readInputs: () => folder('inputs'),
  readExpected: () => (job.expected ? folder('expected') : null),
  writeOutputs: async (tensors) => {
    await post('outputs/tensors.bin', tensors.data);
    await post('outputs/tensors.json', JSON.stringify(tensors.meta));
  },
});
await sent;
await post('done', done ? '0' : '1');
