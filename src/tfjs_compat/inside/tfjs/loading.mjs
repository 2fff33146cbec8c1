/* Loads an artifact in TensorFlow.js; its weights are proven to be the artifact's. */

import { Problem } from './faults.mjs';
import { bytesNeeded, checkGraphWeights, checkLayersWeights, decodeWeights } from './weights.mjs';

/** The bytes of all parts; a part is given up as soon as it is copied, and a single one is not. */
function joined(parts) {
  if (parts.length === 1) return parts[0].buffer;
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const [index, part] of parts.entries()) {
    bytes.set(part, at);
    at += part.length;
    parts[index] = null;
  }
  return bytes.buffer;
}

/** What an IOHandler of TensorFlow.js hands over for a model.json, as its own HTTP handler does.
 *
 * Of files that are longer than the weights in them the rest is not read: it would take memory for nothing.
 */
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
  for (const group of manifest) {
    const sound = group && Array.isArray(group.paths) && Array.isArray(group.weights) &&
      group.weights.every((spec) => spec && typeof spec.name === 'string' && Array.isArray(spec.shape));
    if (!sound) throw new Problem('BadModelJson', 'an entry of weightsManifest lacks paths or weights');
    for (const spec of group.weights) artifacts.weightSpecs.push(spec);
  }
  const parts = [];
  let left = bytesNeeded(artifacts.weightSpecs);
  for (const path of manifest.flatMap((group) => group.paths)) {
    parts.push(new Uint8Array(await readShard(path, left)));
    left -= parts[parts.length - 1].length;
  }
  artifacts.weightData = joined(parts);
  return artifacts;
}

export async function load(tf, task) {
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
    agree: found.problems.length === 0,
  });
  if (found.problems.length > 0) {
    const more = found.problems.length > 5 ? ' (and ' + (found.problems.length - 5) + ' more)' : '';
    throw new Problem('WeightsNotLoaded', found.problems.slice(0, 5).join('; ') + more);
  }
  return { model: model, topology: modelJson.modelTopology };
}
