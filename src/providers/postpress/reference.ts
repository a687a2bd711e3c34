import type { RandomBytes } from '../../contract/entities.js';

/** Crockford's base32, which ULIDs are written in. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Characters that 128 bits take at 5 bits each. */
const LENGTH = 26;

/** A webhook id of the form that postpress' samples show (`wh_01HX…`): 128 random bits written like a ULID. */
export function newReference(randomBytes: RandomBytes): string {
  const bits = BigInt(`0x${randomBytes(16).toString('hex')}`);
  const digits = Array.from({ length: LENGTH }, (_, index) => Number((bits >> BigInt(5 * (LENGTH - 1 - index))) & 31n));
  return `wh_${digits.map((digit) => ALPHABET[digit]).join('')}`;
}
