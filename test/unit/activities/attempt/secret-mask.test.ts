import fc from 'fast-check';
import { redactExchange } from '../../../../src/activities/attempt/redact';
import { createSecretMask, MAX_SECRET_CHARS } from '../../../../src/activities/attempt/secret-mask';

/** Marks the characters of every occurrence of every secret, one after the other. */
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

test('masks what masking every secret by itself would mask', () => {
  const letters = (minLength: number, maxLength: number) =>
    fc.array(fc.constantFrom('a', 'b', 'c'), { minLength, maxLength }).map((each) => each.join(''));
  fc.assert(
    fc.property(letters(0, 40), fc.array(letters(1, 6), { maxLength: 8 }), (text, secrets) => {
      expect(createSecretMask(secrets)(text)).toBe(naively(text, secrets));
    }),
    { numRuns: 2_000 },
  );
});

test('leaves no rest of a secret when two of them overlap', () => {
  expect(createSecretMask(['abcdefgh', 'cdefghijkl'])('> abcdefghijkl <')).toBe('> *** <');
  expect(createSecretMask(['😀secret', 'secret'])('a😀secretb')).toBe('a***b');
});

test('masks everything when there are more secrets than it looks for', () => {
  const mask = createSecretMask(['x'.repeat(MAX_SECRET_CHARS), 'secret']);
  expect(mask('nothing in here')).toBe('***');
  expect(mask('')).toBe('');
});

test('takes no value apart when they are more than it looks for', () => {
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

test('reads each character of a response once when its request has thousands of secret words', () => {
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
  // The secrets twice, whole and as words, and the response.
  expect(read).toBeLessThanOrEqual(2 * (words.length + value.length) + 500 * 20 + excerpt.length);
});
