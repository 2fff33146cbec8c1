/* What the last softmax or sigmoid of an output is given, taken from the model that was loaded, in the same pass. */

import { withoutNumber } from './pairing.mjs';

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
export function withLayersLogits(tf, model, work) {
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
export function logitsNode(nodes, output) {
  const named = (text) => nodes.get(withoutNumber(text));
  let node = named(output);
  while (node && node.op === 'Identity' && node.input) node = named(node.input[0]);
  if (!node || !/^(Softmax|Sigmoid)$/.test(node.op) || !node.input) return null;
  return named(node.input[0]) ? withoutNumber(node.input[0]) : null;
}
