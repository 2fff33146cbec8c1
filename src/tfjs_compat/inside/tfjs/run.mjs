/* Loads one converted model in TensorFlow.js, proves that the loaded weights are the artifact's, and runs it.
 *
 * Works in Node and in a browser page: knows no files and no network, only what its caller hands it. What happens is
 * passed to `task.emit` as events (stage, weights, inputs, outputs, failure); see run_in_node.mjs for the record they form.
 */

import { describe } from './faults.mjs';
import { load } from './loading.mjs';
import { predict } from './predicting.mjs';
import { packTensors } from './tensors.mjs';

/** Loads and runs one model. True where both stages ended; a failure is passed to `task.emit`.
 *
 * `task`: {format: 'layers'|'graph', emit(event), readModelJson(), readShard(path, most) → ArrayBuffer of at most that many bytes, readInputs() and
 * readExpected() → {meta, data} (expected may be null), writeOutputs({meta, data}), loadOnly?: boolean}.
 */
export async function run(tf, task) {
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
