/** Wrong keys: counted, logged and rejected, and no hindrance for valid ones. */
import pino from 'pino';
import { SignInLimits } from '../../../src/http/sign-in-limits.js';
import { registry } from '../../../src/telemetry/metrics.js';
import { ADMIN_KEY, startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { expectStatus, newAccount } from '../../support/samples.js';

const MAX = 5;
const lines: Record<string, unknown>[] = [];
let api: TestApi & { readonly database: TestDatabase };
beforeEach(async () => {
  lines.length = 0;
  const log = pino({ level: 'warn' }, { write: (line: string) => void lines.push(JSON.parse(line)) });
  api = await startApiWithDatabase({ maxSignInFailures: MAX, log });
});
afterEach(() => api.close());

const bearer = (key: string, headers: Record<string, string> = {}) => ({ authorization: `Bearer ${key}`, ...headers });
const signIn = (key: string, headers: Record<string, string> = {}) =>
  api.ask('GET', '/v1/me', undefined, bearer(key, headers));

/** Wrong keys, each with a prefix of its own. */
async function failTimes(count: number, headers: Record<string, string> = {}): Promise<number[]> {
  const statuses = [];
  for (let index = 0; index < count; index += 1) {
    statuses.push((await signIn(`sk_${1_000_000_000 + index}_wrong`, headers)).status);
  }
  return statuses;
}

async function failures(): Promise<Record<string, number>> {
  const metric = await registry.getSingleMetric('pigeonpost_auth_failures_total')!.get();
  return Object.fromEntries(metric.values.map(({ labels, value }) => [labels.reason, value]));
}

describe('wrong keys', () => {
  test('get a 429 and Retry-After when an address sends too many', async () => {
    expect(await failTimes(MAX + 2)).toEqual([...Array.from({ length: MAX }, () => 401), 429, 429]);
    const rejected = await signIn('sk_another_wrong_key');
    expect(rejected.body).toMatchObject({ code: 'rate_limited', status: 429 });
    expect(Number(rejected.headers.get('retry-after'))).toBeGreaterThan(0);
    expect(rejected.headers.get('content-type')).toMatch('application/problem+json');
  });

  test('get a 429 when too many have the same prefix, from whatever address', async () => {
    const behind = await startApiWithDatabase({ maxSignInFailures: MAX, trustProxy: ['127.0.0.0/8'] });
    const statuses = [];
    for (let index = 0; index <= MAX; index += 1) {
      const headers = bearer(`sk_same_prefix_${index}`, { 'x-forwarded-for': `203.0.113.${index}` });
      statuses.push((await behind.ask('GET', '/v1/me', undefined, headers)).status);
    }
    await behind.close();
    expect(statuses).toEqual([...Array.from({ length: MAX }, () => 401), 429]);
  });

  test('hinder no valid key, nor the admin key, at the same address', async () => {
    const { apiKey } = await newAccount(api.ask, 'standard');
    await failTimes(MAX * 10);
    expectStatus(await signIn(apiKey), 200);
    expectStatus(await signIn(ADMIN_KEY), 200);
  });

  test('are looked up four at a time when there were too many, while known keys pass', async () => {
    const { apiKey } = await newAccount(api.ask, 'standard');
    expectStatus(await signIn(apiKey), 200);
    await failTimes(MAX);
    const { pool } = api.database.store;
    const query = pool.query.bind(pool) as (...args: unknown[]) => Promise<unknown>;
    const waiting: (() => void)[] = [];
    let isHeld = true;
    let lookups = 0;
    const holdLookups: (...args: unknown[]) => unknown = async (...args) => {
      if (isHeld && /FROM api_keys WHERE hash/.test(String(args[0]))) {
        lookups += 1;
        await new Promise<void>((resolve) => waiting.push(resolve));
      }
      return query(...args);
    };
    jest.spyOn(pool, 'query').mockImplementation(holdLookups);
    const guesses = Array.from({ length: 50 }, (_, index) => signIn(`sk_${2_000_000_000 + index}_wrong`));
    // Those beyond the four get their responses while the four still wait.
    await firstOf(guesses, 46);
    expect(lookups).toBe(4);
    isHeld = false;
    expectStatus(await signIn(apiKey), 200);
    for (const resume of waiting) resume();
    expect((await Promise.all(guesses)).map(({ status }) => status)).toEqual(guesses.map(() => 429));
    jest.restoreAllMocks();
  });

  test('are counted by reason and logged without the key', async () => {
    const before = await failures();
    const { apiKey, id } = await newAccount(api.ask, 'standard');
    const { keys } = (await api.ask('GET', `/v1/accounts/${id}`)).body;
    await api.ask('DELETE', `/v1/accounts/${id}/keys/${keys[0].id}`);
    await fetch(`${api.url}/v1/me`);
    await signIn(apiKey);
    await failTimes(MAX);
    const after = await failures();
    const added = Object.fromEntries(
      Object.entries(after)
        .map(([name, count]) => [name, count - (before[name] ?? 0)])
        .filter(([, count]) => count !== 0),
    );
    expect(added).toEqual({ missing: 1, revoked: 1, unknown: MAX - 1, rate_limited: 1 });
    expect(lines).toEqual([
      expect.objectContaining({ msg: 'sign-in failed', reason: 'revoked', accountId: id, address: '127.0.0.1' }),
      expect.objectContaining({ msg: 'sign-in failed', reason: 'unknown', failures: MAX + 1 }),
    ]);
    expect(JSON.stringify(lines)).not.toContain(apiKey.slice(3, 20));
    expect(lines[0]!.keyHash).toMatch(/^[0-9a-f]{8}$/);
  });
});

describe('X-Forwarded-For', () => {
  test('is ignored when no proxy is trusted', async () => {
    const statuses = [];
    for (let index = 0; index <= MAX; index += 1)
      statuses.push(...(await failTimes(1, { 'x-forwarded-for': `203.0.113.${index}` })));
    expect(statuses.at(-1)).toBe(429);
  });

  test('names the caller when the proxy is trusted', async () => {
    const behind = await startApiWithDatabase({ maxSignInFailures: MAX, trustProxy: ['127.0.0.0/8'] });
    const ask = (index: number, from: string) =>
      behind.ask('GET', '/v1/me', undefined, bearer(`sk_${index}_wrong_key`, { 'x-forwarded-for': from }));
    const statuses = [];
    for (let index = 0; index <= MAX; index += 1) statuses.push((await ask(index, '203.0.113.1')).status);
    expect(statuses.at(-1)).toBe(429);
    expect((await ask(100, '203.0.113.2')).status).toBe(401);
    await behind.close();
  });
});

/** The APIs of the providers, each with a wrong key and its own response to too many. */
test.each([
  [
    'postack',
    '/api/v1/app/app_1/endpoint',
    (key: string) => bearer(key),
    { code: 'rate_limited', detail: /wrong keys/ },
  ],
  ['postscript', '/api/v2/webhooks', (key: string) => bearer(`sk_${key}`), { error_code: 3002, success: false }],
  ['postmark', '/webhooks', (key: string) => ({ 'x-postmark-server-token': key }), { ErrorCode: 429 }],
  [
    'bird',
    '/workspaces/w/webhook-subscriptions',
    (key: string) => ({ authorization: `AccessKey ${key}` }),
    { code: 'TooManyRequests' },
  ],
  [
    'postpress',
    '/v1/webhooks',
    (key: string) => ({ 'x-api-key': key }),
    { type: 'errors/too_many_requests', status: 429 },
  ],
] as const)('%s responses too many wrong keys in its own form', async (_provider, path, headers, body) => {
  for (let index = 0; index < MAX; index += 1) {
    expect((await api.ask('GET', path, undefined, headers(`${index}-wrong-key-0123456789`))).status).toBe(401);
  }
  const rejected = await api.ask('GET', path, undefined, headers('another-wrong-key-0123456789'));
  expect(rejected.status).toBe(429);
  expect(Number(rejected.headers.get('retry-after'))).toBeGreaterThan(0);
  const expected = Object.entries(body).map(([name, value]) => [
    name,
    value instanceof RegExp ? expect.stringMatching(value) : value,
  ]);
  expect(rejected.body).toMatchObject(Object.fromEntries(expected));
});

describe('the limits', () => {
  test('begin again when the window has passed', () => {
    let now = 1_000;
    const limits = new SignInLimits({ maxFailures: 1, now: () => now });
    limits.add('192.0.2.1', 'key');
    expect(limits.add('192.0.2.1', 'key').retryAfterS).toBe(60);
    now += 59_000;
    expect(limits.add('192.0.2.1', 'key').retryAfterS).toBe(1);
    now += 1_001;
    expect(limits.isOver('192.0.2.1', 'key')).toBe(false);
    expect(limits.add('192.0.2.1', 'key').retryAfterS).toBeUndefined();
  });

  test('count an IPv6 network as one address, and an IPv4 address in whatever form', () => {
    const limits = new SignInLimits({ maxFailures: 1 });
    limits.add('2001:db8:1:2:3::1', 'one');
    expect(limits.isOver('2001:db8:1:2:ffff::2', 'two')).toBe(true);
    expect(limits.isOver('2001:db8:1:3::2', 'two')).toBe(false);
    limits.add('::ffff:192.0.2.1', 'three');
    expect(limits.isOver('192.0.2.1', 'four')).toBe(true);
  });

  test('log at most 30 lines in a window', () => {
    const limits = new SignInLimits();
    const logged = Array.from({ length: 1_000 }, (_, index) =>
      limits.add(`10.0.${index >> 8}.${index & 255}`, `k${index}`),
    );
    expect(logged.filter(({ shouldLog }) => shouldLog)).toHaveLength(30);
  });
});

/** Resolves when so many of these are done. */
function firstOf(promises: readonly Promise<unknown>[], count: number): Promise<void> {
  return new Promise((resolve) => {
    let done = 0;
    for (const promise of promises) void promise.then(() => (done += 1) === count && resolve());
  });
}
