/* Prints what a bundle of TensorFlow.js knows: node tfjs_vocabulary.js tf.min.js
 *
 * {"tfjs": version, "classes": names that its (de)serializer registers (layers, activations, initializers, regularizers,
 * constraints, optimizers, as camelCase where TensorFlow.js converts them), "ops": TensorFlow ops of graph models}.
 * The ops are the mapper's table: an op that is not in it reaches no executor, whatever code the bundle holds.
 */
'use strict';

const fs = require('fs');
const path = require('path');

const bundle = path.resolve(process.argv[2]);
const tf = require(bundle);
const text = fs.readFileSync(bundle, 'utf8');
const ops = new Set(Array.from(text.matchAll(/tfOpName["']?\s*:\s*["']([A-Za-z0-9_>]+)["']/g), (found) => found[1]));
const classes = Object.keys(tf.serialization.SerializationMap.getMap().classNameMap);
const known = { tfjs: tf.version.tfjs, classes: classes.sort(), ops: Array.from(ops).sort() };
fs.writeSync(1, JSON.stringify(known) + '\n');
