/** Encryption at rest: AES-256-GCM, bound to the id of the row, with the id of the key for rotation. */
import { createCipheriv, createDecipheriv, createHash, createHmac, randomBytes } from 'node:crypto';
import { OperatorError } from '../lib/errors.js';

const ALGORITHM = 'aes-256-gcm';
/** Of a secret, which is sealed with the key itself. */
const VERSION = 1;
/** Of a text, which is sealed with a key of its own. */
const TEXT_VERSION = 2;
const KEY_ID_BYTES = 4;
const SALT_BYTES = 16;
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
/** Version and id of the key; before the nonce of a text is its salt. */
const START_BYTES = 1 + KEY_ID_BYTES;
/** How long the current key for texts is kept in memory, in milliseconds; a rotation waits far longer for former ones. */
const KEPT_MS = 1_000;

/** Keys of 32 bytes: the first one seals, all of them open. */
export type KeyRing = readonly [Buffer, ...Buffer[]];

export interface SecretBox {
  /** Encrypts a JSON value for the row with this id: version, key id, nonce, tag, ciphertext. */
  seal(value: unknown, rowId: string): Buffer;
  /** Decrypts what `seal` returned. Throws when the key is unknown or the bytes belong to another row. */
  open(sealed: Buffer, rowId: string): unknown;
  /**
   * Encrypts one of very many texts for the row with this id: version, key id, salt, nonce, tag, ciphertext. Each has a key
   * of its own, made of the key and a random salt, as random nonces of one key repeat after some 2^32 texts.
   */
  sealText(text: string, rowId: string): Buffer;
  /** Decrypts what `sealText` returned; throws as `open`. */
  openText(sealed: Buffer, rowId: string): string;
  /** The id of the key that seals now. */
  currentKeyId(): Buffer;
  /** Whether the key with this id is configured. */
  hasKey(id: Buffer): boolean;
}

/**
 * Creates a box that seals with the first key and opens with any of them. When keys can change at run time, pass a function:
 * it is called for every seal of a secret, once per second for texts, and when a key to open with is unknown.
 */
export function createSecretBox(keys: KeyRing | (() => KeyRing)): SecretBox {
  const byId = new Map<string, Buffer>();
  let kept: { readonly key: Buffer; readonly id: Buffer; readonly until: number } | undefined;
  const currentKey = (): Buffer => {
    const ring = typeof keys === 'function' ? keys() : keys;
    for (const key of ring) byId.set(keyId(key).toString('hex'), key);
    return ring[0];
  };
  const textKey = (): { readonly key: Buffer; readonly id: Buffer } => {
    const now = performance.now();
    if (kept && kept.until > now) return kept;
    const key = currentKey();
    kept = { key, id: keyId(key), until: now + KEPT_MS };
    return kept;
  };
  const findKey = (id: Buffer): Buffer | undefined => {
    const name = id.toString('hex');
    if (!byId.has(name)) currentKey();
    return byId.get(name);
  };
  const keyOf = (sealed: Buffer, version: number, what: string): Buffer => {
    const id = sealed.subarray(1, START_BYTES);
    const key = findKey(id);
    if (sealed[0] !== version || !key) throw unknownKey(what, [id]);
    return key;
  };
  return {
    seal(value, rowId) {
      const key = currentKey();
      return Buffer.concat([Buffer.of(VERSION), keyId(key), encrypt(JSON.stringify(value), key, rowId)]);
    },
    open(sealed, rowId) {
      const key = keyOf(sealed, VERSION, `The secrets of ${rowId} are`);
      return JSON.parse(decrypt(sealed.subarray(START_BYTES), key, rowId)) as unknown;
    },
    sealText(text, rowId) {
      const { key, id } = textKey();
      const salt = randomBytes(SALT_BYTES);
      return Buffer.concat([Buffer.of(TEXT_VERSION), id, salt, encrypt(text, deriveKey(key, salt), rowId)]);
    },
    openText(sealed, rowId) {
      const key = keyOf(sealed, TEXT_VERSION, `The payload of ${rowId} is`);
      const start = START_BYTES + SALT_BYTES;
      return decrypt(sealed.subarray(start), deriveKey(key, sealed.subarray(START_BYTES, start)), rowId);
    },
    currentKeyId: () => keyId(currentKey()),
    hasKey: (id) => findKey(id) !== undefined,
  };
}

/** Nonce, tag and ciphertext. */
function encrypt(text: string, key: Buffer, rowId: string): Buffer {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(ALGORITHM, key, nonce).setAAD(Buffer.from(rowId));
  const encrypted = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), encrypted]);
}

function decrypt(sealed: Buffer, key: Buffer, rowId: string): string {
  const nonce = sealed.subarray(0, NONCE_BYTES);
  const tag = sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES);
  const decipher = createDecipheriv(ALGORITHM, key, nonce, { authTagLength: TAG_BYTES });
  decipher.setAAD(Buffer.from(rowId)).setAuthTag(tag);
  return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]).toString('utf8');
}

/** The key of one text. The prefix keeps it apart from every other use of the key. */
function deriveKey(key: Buffer, salt: Buffer): Buffer {
  return createHmac('sha256', key).update('pigeonpost payload').update(salt).digest();
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
