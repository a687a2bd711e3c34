/** Verifying as receivers do, against what libraries that we did not write sign, and against every kind of forgery. */
import crypto, { createHash, createHmac } from 'node:crypto';
import * as fc from 'fast-check';
import * as standardwebhooks from 'standardwebhooks';
import * as svix from 'svix';
import { newSigningSecret, signatureHeader, verificationKey } from '../../../src/contract/signing-keys.js';
import { contracts } from '../../../src/providers/registry.js';
import {
  findVerifier,
  VerificationError,
  verifiers,
  verifyBird,
  verifyPostack,
  verifyPostmark,
  verifyPostpress,
  verifyPostscript,
  verifyStandard,
} from '../../../src/providers/verify.js';
import { anyCharacter } from '../../support/characters.js';

const SECRET = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw';
const OTHER = 'whsec_YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4';
const NOW = new Date('2026-03-02T10:11:12Z');
const BODY = '{"größe": 12345678901234567890}';

const seconds = (time: Date) => String(Math.floor(time.getTime() / 1_000));
const later = (s: number) => new Date(NOW.getTime() + s * 1_000);

/** Headers as a sender makes them that signs with the public library. */
function message(prefix: 'webhook' | 'svix', body = BODY): Record<string, string> {
  const id = 'msg_1';
  const signature =
    prefix === 'webhook'
      ? new standardwebhooks.Webhook(SECRET).sign(id, NOW, body)
      : new svix.Webhook(SECRET).sign(id, NOW, body);
  return { [`${prefix}-id`]: id, [`${prefix}-timestamp`]: seconds(NOW), [`${prefix}-signature`]: signature };
}

test('there is a verifier for every contract', () => {
  expect(verifiers.map(({ provider }) => provider)).toEqual(contracts.map(({ provider }) => provider));
  expect(findVerifier('none')).toBeUndefined();
});

describe.each([
  ['standardwebhooks', 'webhook', verifyStandard],
  ['svix', 'svix', verifyPostack],
] as const)('what npm %s signs', (_library, prefix, verify) => {
  const headers = message(prefix);
  const at = { now: NOW };

  test('is genuine, whatever form headers and body have', () => {
    verify({ headers, body: BODY }, SECRET, at);
    verify({ headers, body: Buffer.from(BODY) }, SECRET, at);
    verify({ headers: new Headers(headers), body: BODY }, SECRET, at);
    const upper = Object.entries(headers).map(([name, value]) => [name.toUpperCase(), [value]]);
    verify({ headers: Object.fromEntries(upper), body: BODY }, SECRET, at);
  });

  test('is genuine for any body, and for no other', () => {
    fc.assert(
      fc.property(fc.string({ unit: anyCharacter }), fc.string({ minLength: 1 }), (body, more) => {
        const signed = message(prefix, body);
        verify({ headers: signed, body }, SECRET, at);
        expect(() => verify({ headers: signed, body: body + more }, SECRET, at)).toThrow(VerificationError);
      }),
      { numRuns: 50 },
    );
  });

  test('is genuine by one signature of several', () => {
    const name = `${prefix}-signature`;
    const several = { ...headers, [name]: `v1,AAAA v9,${'A'.repeat(44)} ${headers[name]}` };
    verify({ headers: several, body: BODY }, SECRET, at);
  });

  describe('bounds its work:', () => {
    let hmac: jest.SpiedFunction<typeof createHmac>;
    beforeEach(() => (hmac = jest.spyOn(crypto, 'createHmac')));
    afterEach(() => hmac.mockRestore());
    const signedBy = (signature: string) => ({
      headers: { ...headers, [`${prefix}-signature`]: signature },
      body: BODY,
    });
    const wrong = (count: number) => Array.from({ length: count }, () => `v1,${'A'.repeat(43)}=`).join(' ');

    test('computes one HMAC when there are many signatures', () => {
      expect(() => verify(signedBy(wrong(32)), SECRET, at)).toThrow('no signature');
      expect(hmac).toHaveBeenCalledTimes(1);
    });

    test('computes no HMAC when the timestamp is outside the tolerance', () => {
      expect(() => verify(signedBy(wrong(32)), SECRET, { now: later(301) })).toThrow('older than 300 s');
      expect(hmac).not.toHaveBeenCalled();
    });

    test('computes no HMAC when there are more than 32 signatures', () => {
      expect(() => verify(signedBy(wrong(33)), SECRET, at)).toThrow(
        new VerificationError(`${prefix}-signature has more than 32 signatures`),
      );
      expect(hmac).not.toHaveBeenCalled();
    });
  });

  test.each([
    ['id', 'msg_2'],
    ['timestamp', seconds(later(1))],
    ['signature', 'v1,'],
    ['signature', `v1a,${'A'.repeat(88)}`],
  ])('is forged with another %s', (name, value) => {
    const forged = { ...headers, [`${prefix}-${name}`]: value };
    expect(() => verify({ headers: forged, body: BODY }, SECRET, at)).toThrow(
      new VerificationError(`no signature in ${prefix}-signature is right for this body and secret`),
    );
  });

  test.each(['id', 'timestamp', 'signature'])('is nothing without %s', (name) => {
    const rest = Object.fromEntries(Object.entries(headers).filter(([key]) => key !== `${prefix}-${name}`));
    expect(() => verify({ headers: rest, body: BODY }, SECRET, at)).toThrow(`the header ${prefix}-${name} is missing`);
  });

  test('is forged with another secret', () => {
    expect(() => verify({ headers, body: BODY }, OTHER, at)).toThrow(VerificationError);
  });

  test('is too old after five minutes, or as long as one says', () => {
    verify({ headers, body: BODY }, SECRET, { now: later(300) });
    const old = { headers, body: BODY };
    expect(() => verify(old, SECRET, { now: later(301) })).toThrow('the request is older than 300 s');
    expect(() => verify(old, SECRET, { now: later(-301) })).toThrow('the request is more than 300 s in the future');
    expect(() => verify(old, SECRET, { now: later(61), toleranceS: 60 })).toThrow('older than 60 s');
    verify(old, SECRET, { now: later(1e6), toleranceS: Infinity });
    expect(() => verify(old, SECRET)).toThrow('older');
  });

  test.each([
    ['', 'must begin with whsec_'],
    ['whsec_AAAA', 'must hold 24 to 64 bytes'],
    ['whpk_AAAA', 'must be whpk_ followed by 32 bytes'],
    [newSigningSecret((size) => Buffer.alloc(size), 'v1a'), 'the public key, whpk_…, not with the private one'],
  ])('cannot be verified with %j', (secret, why) => {
    expect(() => verify({ headers, body: BODY }, secret, at)).toThrow(why);
    expect(() => verify({ headers, body: BODY }, secret, at)).not.toThrow(VerificationError);
  });
});

test('an ed25519 signature is verified with the public key', () => {
  const secret = newSigningSecret((size) => Buffer.alloc(size, 7), 'v1a');
  const signed = { id: 'msg_1', timestamp: Number(seconds(NOW)), body: BODY };
  const headers = {
    'webhook-id': signed.id,
    'webhook-timestamp': seconds(NOW),
    'webhook-signature': signatureHeader([{ secret }], signed, NOW),
  };
  const key = verificationKey(secret);
  verifyStandard({ headers, body: BODY }, key, { now: NOW });
  expect(() => verifyStandard({ headers, body: '{}' }, key, { now: NOW })).toThrow(VerificationError);
  expect(() => verifyStandard({ headers, body: BODY }, SECRET, { now: NOW })).toThrow(VerificationError);
});

describe('Bird', () => {
  const url = 'https://hooks.example.com/bird?tenant=1';
  /** By the algorithm as text on Bird's page. */
  const signature = createHmac('sha256', 'key')
    .update(`${seconds(NOW)}\n${url}\n`)
    .update(createHash('sha256').update(BODY).digest())
    .digest('base64');
  const headers = { 'messagebird-request-timestamp': seconds(NOW), 'messagebird-signature': signature };

  test('signs address, time and body', () => {
    verifyBird({ headers, body: BODY, url }, 'key');
    verifyBird({ headers, body: Buffer.from(BODY), url }, 'key', { now: later(10), toleranceS: 10 });
  });

  test.each([
    ['another address', { headers, body: BODY, url: 'https://hooks.example.com/bird' }, 'key'],
    ['another body', { headers, body: '{}', url }, 'key'],
    ['another key', { headers, body: BODY, url }, 'kez'],
    ['another time', { headers: { ...headers, 'messagebird-request-timestamp': '1' }, body: BODY, url }, 'key'],
    ['no signature', { headers: { 'messagebird-request-timestamp': '1' }, body: BODY, url }, 'key'],
    ['half a signature', { headers: { ...headers, 'messagebird-signature': 'AAAA' }, body: BODY, url }, 'key'],
  ])('%s is a forgery', (_what, received, key) => {
    expect(() => verifyBird(received, key)).toThrow(VerificationError);
  });

  test('is as old as it may be for the receiver that wants a limit', () => {
    const received = { headers, body: BODY, url };
    expect(() => verifyBird(received, 'key', { now: later(11), toleranceS: 10 })).toThrow('older than 10 s');
  });

  test('needs an address and a key', () => {
    expect(() => verifyBird({ headers, body: BODY }, 'key')).toThrow('url is missing');
    expect(() => verifyBird({ headers, body: BODY, url }, '')).toThrow('the signing key is empty');
  });
});

describe('what contains no signature', () => {
  test('Postscript sends the token', () => {
    verifyPostscript({ headers: { 'postscript-signature': 'token' }, body: BODY }, 'token');
    const forged = { headers: { 'postscript-signature': 'Token' }, body: BODY };
    expect(() => verifyPostscript(forged, 'token')).toThrow(VerificationError);
    expect(() => verifyPostscript({ headers: {}, body: BODY }, 'token')).toThrow(VerificationError);
    expect(() => verifyPostscript({ headers: { 'postscript-signature': '' }, body: BODY }, '')).toThrow();
  });

  test('postpress sends the headers it was given', () => {
    const headers = { 'postpress-auth': 'letmein', 'x-other': '1' };
    verifyPostpress({ headers, body: BODY }, { headers: { 'Postpress-Auth': 'letmein' } });
    const wanted = { headers: { 'Postpress-Auth': 'letmeout', 'X-Other': '1' } };
    expect(() => verifyPostpress({ headers, body: BODY }, wanted)).toThrow(
      'the header Postpress-Auth has another value',
    );
    expect(() => verifyPostpress({ headers: {}, body: BODY }, wanted)).toThrow('the header postpress-auth is missing');
    expect(() => verifyPostpress({ headers, body: BODY }, { headers: {} })).toThrow('no credentials to compare with');
  });

  test('Postmark sends Basic credentials, headers, or both', () => {
    const headers = { authorization: 'Basic a2ltOnNlY3JldA==', 'x-secret': 's' };
    const basicAuth = { username: 'kim', password: 'secret' };
    verifyPostmark({ headers, body: BODY }, { basicAuth });
    verifyPostmark({ headers, body: BODY }, { basicAuth, headers: { 'X-Secret': 's' } });
    const wrong = [{ basicAuth: { ...basicAuth, password: 'Secret' } }, { basicAuth, headers: { 'X-Secret': 't' } }];
    for (const credentials of wrong)
      expect(() => verifyPostmark({ headers, body: BODY }, credentials)).toThrow(VerificationError);
    expect(() => verifyPostmark({ headers, body: BODY }, {})).toThrow('no credentials to compare with');
  });
});

describe('a secret on one line', () => {
  test.each([
    ['postmark', 'kim:se:cret', { basicAuth: { username: 'kim', password: 'se:cret' } }],
    ['postmark', 'X-Secret: s t', { headers: { 'X-Secret': 's t' } }],
    ['postpress', 'Postpress-Auth: letmein', { headers: { 'Postpress-Auth': 'letmein' } }],
    ['postscript', 'token', 'token'],
    ['bird', 'any text', 'any text'],
    ['standard', SECRET, SECRET],
  ])('of %s: %s', (provider, text, secret) => {
    expect(findVerifier(provider)!.readSecret(text)).toEqual(secret);
  });

  test.each([
    ['postmark', 'kim', 'user:password'],
    ['postpress', 'letmein', "'Name: value'"],
    ['postpress', 'kim:secret', "'Name: value'"],
    ['postscript', '', 'empty'],
    ['bird', '', 'empty'],
    ['postack', 'secret', 'whsec_'],
  ])('of %s cannot be %j', (provider, text, advice) => {
    expect(() => findVerifier(provider)!.readSecret(text)).toThrow(advice);
  });
});
