import * as fc from 'fast-check';

/** Any code point but the surrogates, like fast-check's `unit: 'binary'`, which takes a second to build its tables. */
export const anyCharacter = fc
  .integer({ min: 0, max: 0x10ffff - 0x800 })
  .map((number) => String.fromCodePoint(number < 0xd800 ? number : number + 0x800));
