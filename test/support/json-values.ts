/** Values of JSON as nobody should send them, for properties that must hold of any body. */
import * as fc from 'fast-check';

/** Text that stores, regular expressions and headers stumble over. */
const nasty = fc.constantFrom('', '\0', '\ud800', 'a\nb', '__proto__', 'constructor', 'https://', 'x'.repeat(3_000));

/** Any JSON value; texts are often nasty. */
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

/** Far below what a body may have, so that no answer is about its size. */
const MAX_LENGTH = 250_000;

/** Objects whose keys are of these names and whose values are anything; small enough to be read as a body. */
export function objectsOf(...names: string[]): fc.Arbitrary<unknown> {
  return fc
    .oneof(
      { weight: 5, arbitrary: fc.dictionary(fc.constantFrom(...names), jsonValues) },
      { weight: 1, arbitrary: jsonValues },
    )
    .filter((value) => JSON.stringify(value).length <= MAX_LENGTH);
}
