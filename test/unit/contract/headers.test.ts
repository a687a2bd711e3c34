/** Which custom headers a subscription may set. */
import * as fc from 'fast-check';
import { checkHeaders } from '../../../src/contract/headers.js';

const NAME = 'is not a header name: use letters, digits and hyphens';
const VALUE = 'has a value with control or non-ASCII characters, or longer than 4096';
const FRAMES = 'frames the request and cannot be set';
const RESERVED = 'is set by the contract itself';

const check = (headers: Record<string, string>) => checkHeaders(headers, ['webhook-id', 'content-type']);
const numbered = (count: number) => Object.fromEntries(Array.from({ length: count }, (_, index) => [`X-${index}`, '']));

test.each([
  {},
  { Authorization: 'Bearer a.b-c', 'X-Team': 'kim & co; "a"', Cookie: 'a=b' },
  { "!#$%&'*+.^_`|~-09azAZ": '\t !~' },
  { 'X-Empty': '', 'x-webhook-id': '1', 'Content-Type-2': '1' },
  { [`X${'a'.repeat(127)}`]: 'a'.repeat(4096) },
  numbered(50),
])('%j can be sent', (headers) => {
  expect(check(headers)).toBeUndefined();
});

test.each([
  ['', 'a', NAME],
  ['X Team', 'a', NAME],
  ['X-Team:', 'a', NAME],
  ['X-Téam', 'a', NAME],
  ['X-Team\r\nX-Other', 'a', NAME],
  ['X-Team\n', 'a', NAME],
  ['X-Team\0', 'a', NAME],
  ['a'.repeat(129), 'a', NAME],
  ['X-Team', 'a\r\nX-Other: b', VALUE],
  ['X-Team', 'a\n', VALUE],
  ['X-Team', '\r', VALUE],
  ['X-Team', 'a\0b', VALUE],
  ['X-Team', '\x7f', VALUE],
  ['X-Team', 'é', VALUE],
  ['X-Team', 'a'.repeat(4097), VALUE],
  ['Host', 'a', FRAMES],
  ['content-length', '0', FRAMES],
  ['Transfer-Encoding', 'chunked', FRAMES],
  ['CONNECTION', 'close', FRAMES],
  ['Keep-Alive', 'timeout=5', FRAMES],
  ['Proxy-Connection', 'close', FRAMES],
  ['Proxy-Authorization', 'a', FRAMES],
  ['TE', 'trailers', FRAMES],
  ['Trailer', 'X-Team', FRAMES],
  ['Upgrade', 'h2c', FRAMES],
  ['Expect', '100-continue', FRAMES],
  ['Webhook-Id', 'a', RESERVED],
  ['content-type', 'text/plain', RESERVED],
])('%j with %j cannot: %s', (name, value, problem) => {
  expect(check({ 'X-First': '1', [name]: value })).toEqual({ name, problem });
});

test('a header is not given twice, in whatever case', () => {
  expect(check({ 'X-Team': 'a', 'x-team': 'a' })).toEqual({ name: 'x-team', problem: 'is given twice' });
});

test('there are at most 50', () => {
  expect(check(numbered(51))?.problem).toBe('is one of more than 50 headers');
});

test('what passes fits on the lines of a request', () => {
  const printable = fc.string({ minLength: 1 });
  const hostile = fc.string({ unit: fc.constantFrom('a', '-', ' ', ':', '\r', '\n', '\0', 'é'), minLength: 1 });
  const text = fc.oneof(printable, hostile);
  fc.assert(
    fc.property(text, text, (name, value) => {
      const passes = check({ [name]: value }) === undefined;
      expect(!passes || /^[^\s:\0]+: [\t\x20-\x7e]*$/.test(`${name}: ${value}`)).toBe(true);
    }),
  );
});
