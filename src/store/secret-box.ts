/** Encryption at rest: AES-256-GCM, bound to the id of the row, with the id of the key for rotation. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { OperatorError } from '../lib/errors.js';

const ALGORITHM = 'aes-256-gcm';
const VERSION = 1;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;

/** Keys of 32 bytes: the first one seals, all of them open. */
export type KeyRing = readonly [Buffer, ...Buffer[]];

export interface SecretBox {
  /** Encrypts a JSON value for the row with this id: version, key id, nonce, tag, ciphertext. */
  seal(value: unknown, rowId: string): Buffer;
  /** Decrypts what `seal` returned. Throws when the key is unknown or the bytes belong to another row. */
  open(sealed: Buffer, rowId: string): unknown;
  /** The id of the key that seals now. */
  currentKeyId(): Buffer;
  /** Whether the key with this id is configured. */
  hasKey(id: Buffer): boolean;
}

/**
 * Creates a box that seals with the first key and opens with any of them. When keys can change at run time, pass a function:
 * it is called for every seal, and when a key to open with is unknown.
 */
export function createSecretBox(keys: KeyRing | (() => KeyRing)): SecretBox {
  const byId = new Map<string, Buffer>();
  const currentKey = (): Buffer => {
    const ring = typeof keys === 'function' ? keys() : keys;
    for (const key of ring) byId.set(keyId(key).toString('hex'), key);
    return ring[0];
  };
  const findKey = (id: Buffer): Buffer | undefined => {
    const name = id.toString('hex');
    if (!byId.has(name)) currentKey();
    return byId.get(name);
  };
  return {
    seal(value, rowId) {
      const key = currentKey();
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(rowId));
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), keyId(key), nonce, cipher.getAuthTag(), text]);
    },
    open(sealed, rowId) {
      const id = sealed.subarray(1, 1 + KEY_ID_BYTES);
      const key = findKey(id);
      if (sealed[0] !== VERSION || !key) throw unknownKey(`The secrets of ${rowId} are`, [id]);
      const nonce = sealed.subarray(1 + KEY_ID_BYTES, HEAD_BYTES - TAG_BYTES);
      const tag = sealed.subarray(HEAD_BYTES - TAG_BYTES, HEAD_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(rowId)).setAuthTag(tag);
      const text = Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()]);
      return JSON.parse(text.toString('utf8')) as unknown;
    },
    currentKeyId: () => keyId(currentKey()),
    hasKey: (id) => findKey(id) !== undefined,
  };
}

/** The error when something is encrypted with keys that are not configured. */
export function unknownKey(what: string, ids: readonly Buffer[]): OperatorError {
  const names = ids.map((id) => id.toString('hex')).join(', ');
  return new OperatorError(
    `${what} encrypted with ${ids.length === 1 ? 'a key that is' : 'keys that are'} not configured (id ${names}).`,
    'Set PIGEONPOST_ENCRYPTION_KEY, or PIGEONPOST_ENCRYPTION_KEY_PREVIOUS beside it, to the key that was used.',
  );
}

/** The public name of a key: the first bytes of its SHA-256. */
export function keyId(key: Buffer): Buffer {
  return createHash('sha256').update(key).digest().subarray(0, KEY_ID_BYTES);
}
