/* What goes wrong: with a model, and with the machine; how a thrown error is told. */

/** A failure that this program proves itself; `type` is its stable name. */
export class Problem extends Error {
  constructor(type, message) {
    super(message);
    this.name = type;
  }
}

/** What went wrong with the machine or with this program, and says nothing about the model. */
export class Fault extends Problem {}

const MOST_LINES = 200;
const MOST_OF_A_LINE = 1000;
const MOST_OF_A_MESSAGE = 20000;

function clipped(message) {
  return message.length <= MOST_OF_A_MESSAGE ? message : message.slice(0, MOST_OF_A_MESSAGE) + '\u2026';
}

/** {type, message, stack}: never an empty message, no folder of this machine.
 *
 * `empty` marks an error that had no message, `internal` one of this program or the machine, not of TensorFlow.js.
 */
export function describe(error) {
  if (!(error instanceof Error)) {
    const text = typeof error === 'string' ? error : JSON.stringify(error);
    return { type: 'NotAnError', message: 'thrown: ' + text, stack: '' };
  }
  // The search for folders takes the square of a line's length: a model's own words may be long.
  const lines = String(error.stack || '').split('\n', MOST_LINES).map((line) => line.slice(0, MOST_OF_A_LINE));
  const stack = lines.join('\n').replace(/(?:[a-z-]+:\/\/)?[^\s()]*[\\/]([^\\/\s()]+:\d+:\d+)/g, '$1');
  const frames = stack.split('\n').map((line) => line.trim()).filter((line) => line.startsWith('at '));
  const type = error.name || (error.constructor && error.constructor.name) || 'Error';
  const shown = { type: type, message: clipped(String(error.message || '')), stack: stack.slice(0, 4000) };
  const ours = !(error instanceof Problem) && /\b\w+\.mjs:/.test(frames[0] || '');
  if (ours || error instanceof Fault) shown.internal = true;
  if (shown.message.trim() === '') {
    shown.empty = true;
    shown.message = type + ' without a message, ' + (frames.slice(0, 3).join(' < ') || 'and without a stack');
  }
  return shown;
}
