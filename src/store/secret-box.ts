/** Encryption at rest: AES-256-GCM, bound to the row it belongs to, with the id of the key for rotation. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'crypto';

const ALGORITHM = 'aes-256-gcm';
const VERSION = 1;
const KEY_ID_BYTES = 4;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const HEAD_BYTES = 1 + KEY_ID_BYTES + NONCE_BYTES + TAG_BYTES;

export interface SecretBox {
  /** Encrypts a JSON value for the row with this id: version, key id, nonce, tag, ciphertext. */
  seal(value: unknown, rowId: string): Buffer;
  /** Decrypts what `seal` made. Throws when the key is unknown or the bytes belong to another row. */
  open(sealed: Buffer, rowId: string): unknown;
}

/** A box that seals with the first key and opens with any of them. Keys are 32 bytes. */
export function createSecretBox(keys: readonly [Buffer, ...Buffer[]]): SecretBox {
  const [current] = keys;
  const byId = new Map(keys.map((key) => [keyId(key).toString('hex'), key]));
  return {
    seal(value, rowId) {
      const nonce = randomBytes(NONCE_BYTES);
      const cipher = createCipheriv(ALGORITHM, current, nonce).setAAD(Buffer.from(rowId));
      const text = Buffer.concat([cipher.update(JSON.stringify(value), 'utf8'), cipher.final()]);
      return Buffer.concat([Buffer.of(VERSION), keyId(current), nonce, cipher.getAuthTag(), text]);
    },
    open(sealed, rowId) {
      const id = sealed.subarray(1, 1 + KEY_ID_BYTES);
      const key = byId.get(id.toString('hex'));
      if (sealed[0] !== VERSION || !key) {
        throw new Error(`secrets of ${rowId} are encrypted with key ${id.toString('hex')}, which is not configured`);
      }
      const nonce = sealed.subarray(1 + KEY_ID_BYTES, HEAD_BYTES - TAG_BYTES);
      const tag = sealed.subarray(HEAD_BYTES - TAG_BYTES, HEAD_BYTES);
      const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
      decipher.setAAD(Buffer.from(rowId)).setAuthTag(tag);
      const text = Buffer.concat([decipher.update(sealed.subarray(HEAD_BYTES)), decipher.final()]);
      return JSON.parse(text.toString('utf8')) as unknown;
    },
  };
}

/** The public name of a key: the first bytes of its SHA-256. */
function keyId(key: Buffer): Buffer {
  return createHash('sha256').update(key).digest().subarray(0, KEY_ID_BYTES);
}
