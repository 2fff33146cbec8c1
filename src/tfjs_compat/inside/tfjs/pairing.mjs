/* Which tensor belongs to which input or output of a model, whatever the converter called them. */

import { tfDtype } from './tensors.mjs';

/** The name of a node from that of a tensor: `name:0` → `name`. */
export function withoutNumber(name) {
  return name.replace(/:\d+$/, '');
}

/** A name as TensorFlow may have rewritten it for a signature. */
function rewritten(name) {
  return withoutNumber(name).replace(/^serving_default_/, '').replace(/\W/g, '_').toLowerCase();
}

/** A name without the number that Keras counts up: `dense_1` → `dense`. */
function uncounted(name) {
  return rewritten(name).replace(/_\d+$/, '');
}

// Each next form forgives more.
const FORMS = [(name) => name, withoutNumber, rewritten, uncounted];

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
export function match(tensors, places) {
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

export function list(items) {
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
      return { tensor: tensor, place: place, by: place && withoutNumber(place.name) === keys[i] ? 'name' : 'order' };
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

/** A layers model keeps the order of its outputs in model.json; a graph model does not. */
export function pairOutputs(layers, expected, got) {
  const positional = layers && got.length === expected.length &&
    expected.every((one, i) => uncounted(one.name) === uncounted(got[i].name)) &&
    !expected.some((one, i) => got.some((other, k) => k !== i && other.name === one.name));
  if (positional) {
    return { pairs: expected.map((tensor, i) => ({ tensor: tensor, place: got[i], by: 'name' })), ambiguous: false };
  }
  return layers ? { pairs: match(expected, got), ambiguous: false } : matchGraphOutputs(expected, got);
}

/** Pairs the outputs as an earlier batch did. */
export function pairsAsBefore(expected, got, places) {
  const pairs = expected.map((tensor) => ({ tensor: tensor, place: got.find((one) => one.at === places.get(tensor.name)), by: 'name' }));
  return { pairs: pairs.filter((pair) => pair.place), ambiguous: false };
}
