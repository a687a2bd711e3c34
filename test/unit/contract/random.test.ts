/** Identifiers made of random bytes. */
import * as fc from 'fast-check';
import { base62, uuidV4 } from '../../../src/contract/random.js';

const bytes = (length: number) =>
  fc.uint8Array({ minLength: length, maxLength: length }).map((array) => Buffer.from(array));

describe('uuidV4', () => {
  test.each([
    [0x00, '00000000-0000-4000-8000-000000000000'],
    [0xab, 'abababab-abab-4bab-abab-abababababab'],
    [0xff, 'ffffffff-ffff-4fff-bfff-ffffffffffff'],
  ])('of bytes %p', (byte, uuid) => {
    expect(uuidV4((size) => Buffer.alloc(size, byte))).toBe(uuid);
  });

  test('marks version and variant, and leaves the bytes that it was handed alone', () => {
    fc.assert(
      fc.property(bytes(16), (random) => {
        const before = random.toString('hex');
        expect(uuidV4(() => random)).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
        expect(random.toString('hex')).toBe(before);
      }),
    );
  });
});

describe('base62', () => {
  test('gives KSUIDs: the example of the svix-ksuid package, and the extremes', () => {
    const example = [13, 53, 196, 51, 225, 147, 62, 55, 242, 117, 112, 135, 99, 173, 199, 116, 90, 245, 231, 242];
    expect(base62(Buffer.from(example))).toBe('1srOrx2ZWZBpBUvZwXKQmoEYga2');
    expect(base62(Buffer.alloc(20))).toBe('000000000000000000000000000');
    expect(base62(Buffer.alloc(20, 0xff))).toBe('aWgEPTl1tmebfsQzFP4bxwgy80V');
  });

  test('has one length for all values of a size, and sorts as they do', () => {
    const pair = fc.integer({ min: 1, max: 40 }).chain((length) => fc.tuple(bytes(length), bytes(length)));
    fc.assert(
      fc.property(pair, ([left, right]) => {
        const [first, second] = [base62(left), base62(right)];
        expect(first).toMatch(/^[0-9A-Za-z]+$/);
        expect(first).toHaveLength(second.length);
        expect(Buffer.compare(Buffer.from(first), Buffer.from(second))).toBe(Buffer.compare(left, right));
      }),
    );
  });
});
