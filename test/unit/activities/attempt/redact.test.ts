import fc from 'fast-check';
import {
  createSecretMask,
  MAX_SECRET_CHARS,
  redactExchange,
  redactMessage,
} from '../../../../src/activities/attempt/redact.js';
import type { Exchange } from '../../../../src/egress/types.js';

const basic = (user: string, password: string): string =>
  `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;

const request = {
  headers: [
    { name: 'Content-Type', value: 'application/json' },
    { name: 'Authorization', value: basic('kim', 'pass:word'), secret: true },
    { name: 'X-Token', value: 'Bearer abc"def$&', secret: true },
    { name: 'X-Short', value: 'yes', secret: true },
  ],
};
const response = (excerpt: string, headers: Record<string, string> = {}): Exchange => ({
  kind: 'response',
  status: 500,
  headers,
  excerpt,
  truncated: false,
  durationMs: 1,
  url: 'https://example.com/',
});

test.each([
  ['a complete value', `got ${basic('kim', 'pass:word')}`, 'got ***'],
  ['a part of it', 'token abc"def$& is unknown', 'token *** is unknown'],
  ['a decoded password', 'kim, your password pass:word is wrong', 'kim, your password *** is wrong'],
  ['a value in JSON', JSON.stringify({ t: 'Bearer abc"def$&' }), '{"t":"***"}'],
  ['nothing that is not secret', 'yes, application/json', 'yes, application/json'],
])('masks in a response %s', (_what, text, expected) => {
  expect(redactExchange(response(text, { 'x-echo': text }), request)).toEqual(
    response(expected, { 'x-echo': expected }),
  );
});

test.each([
  ['cannot reach https://kim:secret@example.com/a@b', 'cannot reach https://***@example.com/a@b'],
  ['cannot reach http://secret@[::1]:80/', 'cannot reach http://***@[::1]:80/'],
  ['https://example.com/?to=a@b.com refuses', 'https://example.com/?to=a@b.com refuses'],
  ['mail a@b.com about Bearer abc"def$&', 'mail a@b.com about ***'],
])('removes secrets from the message %j', (message, expected) => {
  const failure: Exchange = { kind: 'failure', reason: 'reset', message, durationMs: 1 };
  expect(redactExchange(failure, request)).toEqual({ ...failure, message: expected });
  expect(redactMessage(message, request.headers)).toBe(expected);
});

/** A naive implementation: masks every occurrence of every secret. */
function naively(text: string, secrets: readonly string[]): string {
  const isSecret = Array.from({ length: text.length }, () => false);
  for (const secret of secrets) {
    for (let at = text.indexOf(secret); at >= 0; at = text.indexOf(secret, at + 1)) {
      isSecret.fill(true, at, at + secret.length);
    }
  }
  return [...isSecret.keys()]
    .map((at) => (!isSecret[at] ? text[at]! : isSecret[at - 1] === true ? '' : '***'))
    .join('');
}

test('masks the same as a naive implementation', () => {
  const letters = (minLength: number, maxLength: number) =>
    fc.array(fc.constantFrom('a', 'b', 'c'), { minLength, maxLength }).map((each) => each.join(''));
  fc.assert(
    fc.property(letters(0, 40), fc.array(letters(1, 6), { maxLength: 8 }), (text, secrets) => {
      expect(createSecretMask(secrets)(text)).toBe(naively(text, secrets));
    }),
    { numRuns: 2_000 },
  );
});

test('masks overlapping secrets completely', () => {
  expect(createSecretMask(['abcdefgh', 'cdefghijkl'])('> abcdefghijkl <')).toBe('> *** <');
  expect(createSecretMask(['😀secret', 'secret'])('a😀secretb')).toBe('a***b');
});

test('masks everything when the secrets exceed the limit', () => {
  const mask = createSecretMask(['x'.repeat(MAX_SECRET_CHARS), 'secret']);
  expect(mask('nothing in here')).toBe('***');
  expect(mask('')).toBe('');
});

test('splits no value when the secrets exceed the limit', () => {
  const value = 'secret '.repeat(MAX_SECRET_CHARS / 7 + 1);
  const split = jest.spyOn(String.prototype, 'split');
  const exchange = redactExchange(
    { kind: 'response', status: 500, headers: {}, excerpt: 'some text', truncated: false, durationMs: 1, url: '' },
    { headers: [{ name: 'X-Secret', value, secret: true }] },
  );
  const splits = split.mock.calls.length;
  split.mockRestore();
  expect(exchange).toMatchObject({ excerpt: '***' });
  expect(splits).toBe(0);
});

test('reads each character of a response once when the request has thousands of secret words', () => {
  const words = Array.from({ length: 2_000 }, (_, nth) => `word-${nth}`).join(' ');
  const value = `${'a'.repeat(6_000)}b`;
  const request = {
    headers: [words, value].map((each) => ({ name: 'X-Secret', value: each, secret: true })),
  };
  const responseHeaders = Object.fromEntries(Array.from({ length: 500 }, (_, nth) => [`x-${nth}`, 'a'.repeat(20)]));
  const excerpt = 'a'.repeat(16_000);
  let read = 0;
  // eslint-disable-next-line @typescript-eslint/unbound-method -- called with its own string below
  const { charCodeAt } = String.prototype;
  const counted = jest.spyOn(String.prototype, 'charCodeAt').mockImplementation(function (this: string, at) {
    read += 1;
    return charCodeAt.call(this, at);
  });
  const replaced = jest.spyOn(String.prototype, 'replaceAll');
  const exchange = redactExchange(
    { kind: 'response', status: 500, headers: responseHeaders, excerpt, truncated: false, durationMs: 1, url: '' },
    request,
  );
  const masks = replaced.mock.calls.length;
  counted.mockRestore();
  replaced.mockRestore();
  expect(exchange).toMatchObject({ excerpt, headers: responseHeaders });
  expect(masks).toBe(0);
  // The secrets twice, complete and as words, and the response.
  expect(read).toBeLessThanOrEqual(2 * (words.length + value.length) + 500 * 20 + excerpt.length);
});
