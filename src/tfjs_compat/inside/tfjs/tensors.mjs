/* Tensors in files: the folders with tensors.json and tensors.bin that Python writes and reads. */

import { Problem } from './faults.mjs';

export function halfToFloat(half) {
  const sign = half & 0x8000 ? -1 : 1;
  const exponent = (half >> 10) & 0x1f;
  const fraction = half & 0x3ff;
  if (exponent === 0) return sign * fraction * Math.pow(2, -24);
  if (exponent === 31) return fraction ? NaN : sign * Infinity;
  return sign * (1 + fraction / 1024) * Math.pow(2, exponent - 15);
}

/** dtype of the tensor in TensorFlow.js that holds a numpy or DT_ dtype. */
export function tfDtype(dtype) {
  const name = String(dtype || 'float32').toLowerCase().replace(/^dt_/, '');
  if (name === 'string' || name === 'bool') return name;
  if (/^complex/.test(name)) return 'complex64';
  return /^u?int\d*$/.test(name) ? 'int32' : 'float32';
}

const READERS = {
  float32: (buffer) => new Float32Array(buffer),
  float64: (buffer) => new Float64Array(buffer),
  float16: (buffer) => Float32Array.from(new Uint16Array(buffer), halfToFloat),
  int8: (buffer) => new Int8Array(buffer),
  uint8: (buffer) => new Uint8Array(buffer),
  int16: (buffer) => new Int16Array(buffer),
  uint16: (buffer) => new Uint16Array(buffer),
  int32: (buffer) => new Int32Array(buffer),
  uint32: (buffer) => new Uint32Array(buffer),
  int64: (buffer) => Float64Array.from(new BigInt64Array(buffer), Number),
  uint64: (buffer) => Float64Array.from(new BigUint64Array(buffer), Number),
  bool: (buffer) => new Uint8Array(buffer),
  // Real and imaginary part in turn, as TensorFlow.js gives them too.
  complex64: (buffer) => new Float32Array(buffer),
  complex128: (buffer) => new Float64Array(buffer),
};

/** The tensors of a folder: [{name, dtype, shape, values, batch, logits}]. `folder`: {meta: parsed tensors.json, data: ArrayBuffer}. */
export function readTensors(folder) {
  return folder.meta.tensors.map((entry) => {
    const shown = { name: entry.name, dtype: entry.dtype, shape: entry.shape, batch: entry.batch || 0, logits: entry.logits || '' };
    if (entry.dtype === 'string') return Object.assign(shown, { values: entry.values });
    const read = READERS[entry.dtype];
    if (!read) throw new Problem('UnsupportedDtype', 'tensor ' + entry.name + ' has the dtype ' + entry.dtype);
    const part = folder.data.slice(entry.offset, entry.offset + entry.bytes);
    return Object.assign(shown, { values: read(part) });
  });
}

/** {meta, data} of output tensors: the reverse of readTensors. */
export function packTensors(tensors) {
  let offset = 0;
  const entries = [];
  const parts = [];
  for (const tensor of tensors) {
    const entry = { name: tensor.name, dtype: tensor.dtype, shape: tensor.shape, batch: tensor.batch || 0 };
    if (tensor.logits) entry.logits = tensor.logits;
    if (tensor.dtype === 'string') entry.values = Array.from(tensor.values, String);
    else {
      const type = { int32: Int32Array, bool: Uint8Array }[tensor.dtype] || Float32Array;
      const values = tensor.values instanceof type ? tensor.values : type.from(tensor.values);
      const bytes = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
      entry.offset = offset;
      entry.bytes = bytes.length;
      offset += bytes.length;
      parts.push(bytes);
    }
    entries.push(entry);
  }
  const data = new Uint8Array(offset);
  let at = 0;
  for (const part of parts) {
    data.set(part, at);
    at += part.length;
  }
  return { meta: { tensors: entries }, data: data };
}

/** A tensor of TensorFlow.js of the dtype that the model wants, from one that was given. */
export function toTensor(tf, given, wanted) {
  const dtype = wanted ? tfDtype(wanted) : tfDtype(given.dtype);
  if ((dtype === 'complex64') !== /^complex/.test(given.dtype)) {
    throw new Problem('InputsNotMatched', 'input ' + given.name + ' is ' + given.dtype + ', the model wants ' + dtype);
  }
  if (dtype === 'complex64') {
    const part = (first) => tf.tensor(Float32Array.from(given.values.filter((_, i) => i % 2 === first)), given.shape, 'float32');
    return tf.complex(part(0), part(1));
  }
  if ((dtype === 'string') !== (given.dtype === 'string')) {
    throw new Problem('InputsNotMatched', 'input ' + given.name + ' is ' + given.dtype + ', the model wants ' + dtype);
  }
  if (dtype === 'string') return tf.tensor(given.values, given.shape, 'string');
  if (dtype === 'int32') {
    const wrong = given.values.findIndex((value) => value !== (value | 0));
    if (wrong >= 0) {
      throw new Problem('InputsNotMatched', 'input ' + given.name + ' holds ' + given.values[wrong] +
        ', which is no 32-bit integer, and the model wants ' + wanted);
    }
    return tf.tensor(Int32Array.from(given.values), given.shape, 'int32');
  }
  if (dtype === 'bool') return tf.tensor(Uint8Array.from(given.values, (v) => (v ? 1 : 0)), given.shape, 'bool');
  return tf.tensor(Float32Array.from(given.values), given.shape, 'float32');
}
