/** Identifiers made of random bytes that contracts are handed. */
import type { RandomBytes } from './entities.js';

const BASE62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A random UUID (RFC 9562, version 4). */
export function uuidV4(randomBytes: RandomBytes): string {
  const bytes = Buffer.from(randomBytes(16));
  bytes.writeUInt8((bytes.readUInt8(6) & 0x0f) | 0x40, 6);
  bytes.writeUInt8((bytes.readUInt8(8) & 0x3f) | 0x80, 8);
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/** Bytes in base62, padded to the length of the largest value: 20 bytes give the 27 characters of a KSUID. */
export function base62(bytes: Buffer): string {
  const length = Math.ceil((bytes.length * 8) / Math.log2(BASE62.length));
  const base = BigInt(BASE62.length);
  let rest = BigInt(`0x${bytes.toString('hex')}`);
  let text = '';
  for (let position = 0; position < length; position += 1) {
    text = BASE62.charAt(Number(rest % base)) + text;
    rest /= base;
  }
  return text;
}
