/* Which file names of an artifact are looked up. */

// The white space of Python's str.strip, which the other half of this rule uses.
const SPACES_AT_ENDS = /^[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]|[\t-\r\x1c-\x20\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]$/;

/** Whether a file name of an artifact is refused before it is looked up: the rule of artifact/shards.py `escapes`. */
export function escapes(name) {
  if (typeof name !== 'string' || name === '' || SPACES_AT_ENDS.test(name) || /[\0-\x1f]/.test(name)) return true;
  if (/[\ud800-\udbff](?![\udc00-\udfff])|(?:[^\ud800-\udbff]|^)[\udc00-\udfff]/.test(name)) return true;
  if (name.includes('\\') || name.startsWith('/') || /^[A-Za-z][A-Za-z0-9+.-]*:/.test(name)) return true;
  const plain = name.replace(/%2e/gi, '.');
  return /%(2f|5c)/i.test(plain) || plain.split('/').includes('..');
}
