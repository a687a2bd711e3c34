/** Encryption at rest. */
import { createHash, randomBytes } from 'node:crypto';
import { createSecretBox } from '../../../src/store/secret-box.js';

const key = Buffer.alloc(32, 1);
const other = Buffer.alloc(32, 2);
const box = createSecretBox([key]);

test.each([
  ['an object', { password: 'hunter2', nested: { list: [1, null, 'ü💶'] } }],
  ['a text', 'hunter2'],
  ['nothing', null],
  ['an empty object', {}],
  ['a long text', 'x'.repeat(1_000_000)],
  ['a text with a NUL and half a character', 'a\0b\ud800'],
])('opens %s as it was sealed', (_what, value) => {
  expect(box.open(box.seal(value, 'sub_1'), 'sub_1')).toEqual(value);
});

test('does not contain the value in plain text', () => {
  const sealed = box.seal({ password: 'hunter2' }, 'sub_1');
  for (const encoding of ['latin1', 'base64', 'hex', 'utf16le'] as const) {
    expect(sealed.toString('latin1')).not.toContain(Buffer.from('hunter2').toString(encoding));
  }
});

test('seals the same value differently each time', () => {
  const sealed = Array.from({ length: 100 }, () => box.seal({}, 'sub_1').toString('hex'));
  expect(new Set(sealed).size).toBe(100);
});

test('rejects a sealed value of another row', () => {
  const sealed = box.seal({ password: 'hunter2' }, 'sub_1');
  for (const row of ['sub_2', '', 'sub_1 ', 'SUB_1']) expect(() => box.open(sealed, row)).toThrow();
});

test('rejects a sealed value when any byte has changed', () => {
  const sealed = box.seal({ password: 'hunter2' }, 'sub_1');
  for (let index = 0; index < sealed.length; index += 1) {
    const changed = Buffer.from(sealed);
    changed[index]! ^= 1;
    expect(() => box.open(changed, 'sub_1')).toThrow();
  }
});

test('rejects a sealed value that is truncated or empty', () => {
  const sealed = box.seal({ password: 'hunter2' }, 'sub_1');
  for (let length = 0; length < sealed.length; length += 1) {
    expect(() => box.open(sealed.subarray(0, length), 'sub_1')).toThrow();
  }
});

test('reports only the public id of a key that is not configured', () => {
  const sealed = createSecretBox([other]).seal({ password: 'hunter2' }, 'sub_1');
  const id = createHash('sha256').update(other).digest('hex').slice(0, 8);
  expect(() => box.open(sealed, 'sub_1')).toThrow(
    new RegExp(`^The secrets of sub_1 are encrypted with a key that is not configured \\(id ${id}\\)\\.$`),
  );
});

test('opens old values with the old key and seals new ones with the new key after a rotation', () => {
  const former = createSecretBox([other]).seal('before', 'sub_1');
  const rotated = createSecretBox([key, other]);
  expect(rotated.open(former, 'sub_1')).toBe('before');
  const sealed = rotated.seal('after', 'sub_1');
  expect(box.open(sealed, 'sub_1')).toBe('after');
  expect(() => createSecretBox([other]).open(sealed, 'sub_1')).toThrow();
});

test('distinguishes many keys', () => {
  const keys = Array.from({ length: 20 }, () => randomBytes(32));
  const [first, ...rest] = keys;
  const all = createSecretBox([first!, ...rest]);
  for (const each of keys) expect(all.open(createSecretBox([each]).seal('x', 'acc_1'), 'acc_1')).toBe('x');
});

test('a text is sealed with a key of its own, and opened with the key of the settings and its row only', () => {
  const text = '{"name":"Kim ü💶"}';
  const sealed = box.sealText(text, 'evt_1');
  expect(box.openText(sealed, 'evt_1')).toBe(text);
  expect(sealed.subarray(1, 5)).toEqual(box.currentKeyId());
  expect(sealed.toString('latin1')).not.toContain('Kim');
  expect(box.sealText(text, 'evt_1')).not.toEqual(sealed);
  expect(() => box.openText(sealed, 'evt_2')).toThrow(/authenticate/);
  // The salt is a part of the key.
  const changed = Buffer.from(sealed);
  changed[6]! ^= 1;
  expect(() => box.openText(changed, 'evt_1')).toThrow(/authenticate/);
  expect(() => createSecretBox([other]).openText(sealed, 'evt_1')).toThrow(
    'The payload of evt_1 is encrypted with a key',
  );
  // Neither is taken for the other.
  expect(() => box.open(sealed, 'evt_1')).toThrow();
  expect(() => box.openText(box.seal(text, 'evt_1'), 'evt_1')).toThrow();
});
