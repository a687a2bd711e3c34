/** Unusual JSON values, for properties that must hold for any body. */
import * as fc from 'fast-check';

/** Text that databases, regular expressions and headers have problems with. */
const nasty = fc.constantFrom('', '\0', '\ud800', 'a\nb', '__proto__', 'constructor', 'https://', 'x'.repeat(3_000));

/** Any JSON value; texts are often problematic. */
export const jsonValues: fc.Arbitrary<unknown> = fc.letrec((tie) => ({
  value: fc.oneof(
    { depthSize: 'small' },
    nasty,
    fc.string(),
    fc.constantFrom(null, true, false, 0, -1, 1.5, 1e300, 65_536),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.oneof(nasty, fc.string()), tie('value'), { maxKeys: 3 }),
  ),
})).value;

/** Far below the maximum size of a body, so that no response is about its size. */
const MAX_LENGTH = 250_000;

/** Objects with these keys and any values; small enough to be read as a body. */
export function objectsOf(...names: string[]): fc.Arbitrary<unknown> {
  return fc
    .oneof(
      { weight: 5, arbitrary: fc.dictionary(fc.constantFrom(...names), jsonValues) },
      { weight: 1, arbitrary: jsonValues },
    )
    .filter((value) => JSON.stringify(value).length <= MAX_LENGTH);
}
