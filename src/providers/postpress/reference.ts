import type { RandomBytes } from '../../contract/entities.js';

/** Crockford's base32, the alphabet of ULIDs. */
const ALPHABET = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';
/** Number of characters for 128 bits at 5 bits each. */
const LENGTH = 26;

/** A webhook id in the format of postpress' samples (`wh_01HX…`): 128 random bits written like a ULID. */
export function newReference(randomBytes: RandomBytes): string {
  const bits = BigInt(`0x${randomBytes(16).toString('hex')}`);
  const digits = Array.from({ length: LENGTH }, (_, index) => Number((bits >> BigInt(5 * (LENGTH - 1 - index))) & 31n));
  return `wh_${digits.map((digit) => ALPHABET[digit]).join('')}`;
}
