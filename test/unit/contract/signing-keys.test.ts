/** Keys and signatures of the Standard Webhooks specification, against its own vector and other implementations. */
import { createPublicKey, generateKeyPairSync, verify } from 'node:crypto';
import * as fc from 'fast-check';
import * as standardwebhooks from 'standardwebhooks';
import {
  checkSigningSecret,
  newSigningSecret,
  rotateSigningKeys,
  signatureHeader,
  verificationKey,
} from '../../../src/contract/signing-keys.js';
import { anyCharacter } from '../../support/characters.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const NOW = new Date('2026-03-02T10:11:12.345Z');
const MESSAGE = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', timestamp: 1_614_265_330, body: '{"test": 2432232314}' };

/** Counting bytes: 0, 1, 2 … */
const counting = (size: number) => Buffer.from(Array.from({ length: size }, (_, index) => index));

const whsec = (size: number) => `whsec_${Buffer.alloc(size).toString('base64')}`;
const whsk = (size: number) => `whsk_${Buffer.alloc(size).toString('base64')}`;
const later = (milliseconds: number) => new Date(NOW.getTime() + milliseconds);

/** Verifies a `v1a` signature as a receiver does, who knows the `whpk_` key only. */
function verifies(whpk: string, signature: string, { id, timestamp, body }: typeof MESSAGE): boolean {
  const x = Buffer.from(whpk.slice('whpk_'.length), 'base64').toString('base64url');
  const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
  const bytes = Buffer.from(signature.slice('v1a,'.length), 'base64');
  return verify(null, Buffer.from(`${id}.${timestamp}.${body}`), key, bytes);
}

describe('v1 signatures', () => {
  test("are those of the specification's vector", () => {
    expect(signatureHeader([{ secret: SECRET }], MESSAGE, NOW)).toBe('v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=');
  });

  test("are those of the specification's library for any key and body", () => {
    const bytes = fc.uint8Array({ minLength: 24, maxLength: 64 });
    fc.assert(
      fc.property(bytes, fc.string({ unit: anyCharacter }), (key, body) => {
        const secret = `whsec_${Buffer.from(key).toString('base64')}`;
        const signed = new standardwebhooks.Webhook(secret).sign(MESSAGE.id, new Date(MESSAGE.timestamp * 1_000), body);
        expect(signatureHeader([{ secret }], { ...MESSAGE, body }, NOW)).toBe(signed);
        expect(checkSigningSecret(secret)).toBeUndefined();
      }),
      { numRuns: 50 },
    );
  });
});

describe('v1a signatures', () => {
  test('are verified with the public key alone', () => {
    const secret = newSigningSecret(counting, 'v1a');
    expect(secret).toBe('whsk_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=');
    const signature = signatureHeader([{ secret }], MESSAGE, NOW);
    expect(signature).toMatch(/^v1a,\S{88}$/);
    const whpk = verificationKey(secret);
    expect(verifies(whpk, signature, MESSAGE)).toBe(true);
    expect(verifies(whpk, signature, { ...MESSAGE, body: '{}' })).toBe(false);
    expect(verifies(whpk, signature, { ...MESSAGE, timestamp: MESSAGE.timestamp + 1 })).toBe(false);
    expect(verifies(verificationKey(whsk(32)), signature, MESSAGE)).toBe(false);
  });

  test('are made with a seed or with the key pair that begins with it', () => {
    const jwk = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' });
    const seed = Buffer.from(jwk.d ?? '', 'base64url');
    const publicKey = Buffer.from(jwk.x ?? '', 'base64url');
    for (const bytes of [seed, Buffer.concat([seed, publicKey])]) {
      const secret = `whsk_${bytes.toString('base64')}`;
      expect(checkSigningSecret(secret)).toBeUndefined();
      expect(verificationKey(secret)).toBe(`whpk_${publicKey.toString('base64')}`);
      expect(verifies(verificationKey(secret), signatureHeader([{ secret }], MESSAGE, NOW), MESSAGE)).toBe(true);
    }
  });
});

describe('secrets', () => {
  test('are made of 24 random bytes and are their own verification key', () => {
    expect(newSigningSecret(counting)).toBe('whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX');
    expect(verificationKey(SECRET)).toBe(SECRET);
  });

  test.each([
    [SECRET, undefined],
    [whsec(24), undefined],
    [whsec(64), undefined],
    [whsec(25).replace(/=+$/, ''), undefined],
    [whsk(32), undefined],
    [whsk(64), undefined],
    [whsec(23), 'must hold 24 to 64 bytes'],
    [whsec(65), 'must hold 24 to 64 bytes'],
    ['whsec_', 'must hold 24 to 64 bytes'],
    [whsk(31), 'must hold an ed25519 key of 32 bytes'],
    [whsk(33), 'must hold an ed25519 key of 32 bytes'],
    [`${SECRET}!`, 'must be whsec_ followed by base64'],
    [`${SECRET}====`, 'must be whsec_ followed by base64'],
    [`${SECRET}\n`, 'must be whsec_ followed by base64'],
    [whsec(25).replace('==', '='), 'must be whsec_ followed by base64'],
    [`whsec_${'-_'.repeat(16)}`, 'must be whsec_ followed by base64'],
    [`whsk_${'é'.repeat(43)}=`, 'must be whsk_ followed by base64'],
    [SECRET.slice('whsec_'.length), 'must begin with whsec_ (shared secret) or whsk_ (ed25519 private key)'],
    ['whpk_AAAA', 'must begin with whsec_ (shared secret) or whsk_ (ed25519 private key)'],
    ['', 'must begin with whsec_ (shared secret) or whsk_ (ed25519 private key)'],
  ])('%j: %p', (secret, problem) => {
    expect(checkSigningSecret(secret)).toBe(problem);
  });
});

describe('rotation', () => {
  const [a, b, c] = [whsec(24), whsec(25), whsk(32)];
  const overlapEndsAt = later(1_000);
  const rotate = (keys: Parameters<typeof rotateSigningKeys>[0], secret: string, end = overlapEndsAt) =>
    rotateSigningKeys(keys, { secret, now: NOW, overlapEndsAt: end });
  const rotateAll = (keys: Parameters<typeof rotateSigningKeys>[0], secret: string) => rotate(keys, secret);

  test('signs with both keys until the overlap ends, the newest first', () => {
    const keys = rotate([{ secret: a }], c);
    expect(keys).toEqual([{ secret: c }, { secret: a, expiresAt: overlapEndsAt.toISOString() }]);
    const [first, second] = [c, a].map((secret) => signatureHeader([{ secret }], MESSAGE, NOW));
    expect(signatureHeader(keys, MESSAGE, NOW)).toBe(`${first} ${second}`);
    expect(signatureHeader(keys, MESSAGE, later(999))).toBe(`${first} ${second}`);
    expect(signatureHeader(keys, MESSAGE, overlapEndsAt)).toBe(first);
  });

  test('prolongs no key that was rotated out before', () => {
    const sooner = later(500).toISOString();
    expect(rotate(rotate([{ secret: a }], b, later(500)), c)).toEqual([
      { secret: c },
      { secret: b, expiresAt: overlapEndsAt.toISOString() },
      { secret: a, expiresAt: sooner },
    ]);
    expect(rotate([{ secret: b }, { secret: a, expiresAt: later(2_000).toISOString() }], c).at(-1)).toEqual({
      secret: a,
      expiresAt: overlapEndsAt.toISOString(),
    });
  });

  test('drops expired keys, and all former ones where there is no overlap', () => {
    expect(rotate([{ secret: b }, { secret: a, expiresAt: NOW.toISOString() }], c)).toHaveLength(2);
    expect(rotate([{ secret: b }, { secret: a, expiresAt: later(1).toISOString() }], c, NOW)).toEqual([{ secret: c }]);
  });

  test('throws when more than ten former keys would sign', () => {
    const secrets = Array.from({ length: 12 }, (_, index) => whsec(24 + index));
    const eleven = secrets.slice(1, 11).reduce(rotateAll, [{ secret: secrets[0]! }]);
    expect(eleven).toHaveLength(11);
    expect(() => rotate(eleven, secrets[11]!)).toThrow(`the next one expires at ${overlapEndsAt.toISOString()}`);
    expect(rotate(eleven, secrets[11]!, NOW)).toHaveLength(1);
  });

  test('holds a secret once, without end, when it comes back', () => {
    expect(rotate(rotate([{ secret: a }], b), a)).toEqual([
      { secret: a },
      { secret: b, expiresAt: overlapEndsAt.toISOString() },
    ]);
    expect(rotate([{ secret: a }], a)).toEqual([{ secret: a }]);
  });
});
