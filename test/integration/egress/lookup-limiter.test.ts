import { LookupLimiter } from '../../../src/egress/lookup-limiter.js';
import { responding, client, closeAll, failureOf, request } from '../../support/egress.js';

afterEach(closeAll);

/** A lookup that is in flight until the test ends it. */
function heldLookup() {
  const started: string[] = [];
  const waiting = new Map<string, (addresses: readonly string[]) => void>();
  return {
    started,
    lookup: (hostname: string) =>
      new Promise<readonly string[]>((resolve) => {
        started.push(hostname);
        waiting.set(hostname, resolve);
      }),
    finish: (hostname: string) => waiting.get(hostname)!(['192.0.2.1']),
  };
}

const until = (account: string, signal = new AbortController().signal) => ({ account, signal });
const limits = { capacity: 6, perAccount: 3, maxWaitMs: 60_000 };

test('has no more lookups in flight for an account than its bound when it sends to many names', async () => {
  const { lookup, started } = heldLookup();
  const sender = client({}, { lookup });
  const send = (host: string, account: string) =>
    sender.send(request(`http://${host}/`, { account, timeLimitMs: 4_000 }));
  const silent = Array.from({ length: 30 }, (_, nth) => send(`silent-${nth}.test`, 'acc_silent'));
  const other = send('good.test', 'acc_good');
  await new Promise(setImmediate);
  expect(started.filter((name) => name.startsWith('silent'))).toHaveLength(16);
  expect(started).toContain('good.test');
  const reasons = (await Promise.all([...silent, other])).map((exchange) => failureOf(exchange).reason);
  expect(reasons).toEqual(silent.map((_, nth) => (nth < 16 ? 'timeout' : 'busy')).concat('timeout'));
});

test('looks a name up once when an account asks for it many times', async () => {
  const { lookup, started, finish } = heldLookup();
  const limiter = new LookupLimiter(lookup, limits);
  const found = Array.from({ length: 300 }, () => limiter.find('hooks.test', until('one')));
  expect(started).toEqual(['hooks.test']);
  finish('hooks.test');
  expect(await Promise.all(found)).toEqual(found.map(() => ['192.0.2.1']));
});

test('leaves room for other accounts when several have silent names', async () => {
  const { lookup, started, finish } = heldLookup();
  const limiter = new LookupLimiter(lookup, limits);
  const found = ['one', 'two', 'three', 'four'].flatMap((account) =>
    [1, 2, 3, 4].map((nth) => limiter.find(`${account}-${nth}.test`, until(account))),
  );
  expect(started).toEqual(['one-1.test', 'one-2.test', 'one-3.test', 'two-1.test', 'two-2.test', 'three-1.test']);
  finish('one-1.test');
  await found[0];
  // The account with the fewest in flight is next.
  expect(started.slice(6)).toEqual(['four-1.test']);
  for (const [nth, name] of started.entries()) if (nth > 0) finish(name);
  for (let nth = 7; nth < found.length; nth += 1) {
    await new Promise(setImmediate);
    for (const name of started) finish(name);
  }
  expect(await Promise.all(found)).toHaveLength(16);
  expect(new Set(started).size).toBe(16);
});

test('is busy when a lookup has not begun in time', async () => {
  const { lookup, started } = heldLookup();
  const limiter = new LookupLimiter(lookup, { capacity: 2, perAccount: 1, maxWaitMs: 0 });
  void limiter.find('first.test', until('one'));
  await expect(limiter.find('second.test', until('one'))).rejects.toMatchObject({ reason: 'busy' });
  await expect(limiter.find('third.test', until('one'))).rejects.toMatchObject({ reason: 'busy' });
  expect(started).toEqual(['first.test']);
});

test('ends for one request and goes on for another when the first one runs out of time', async () => {
  const { lookup, finish } = heldLookup();
  const limiter = new LookupLimiter(lookup, limits);
  const stop = new AbortController();
  const first = limiter.find('hooks.test', until('one', stop.signal));
  const second = limiter.find('hooks.test', until('one'));
  stop.abort(new Error('the time is up'));
  await expect(first).rejects.toThrow('the time is up');
  finish('hooks.test');
  expect(await second).toEqual(['192.0.2.1']);
});

test('a redirect to a name that cannot be looked up now is a failure, as its request was sent', async () => {
  const target = await responding('HTTP/1.1 302 Found\r\nLocation: http://silent-0.test/\r\nContent-Length: 0\r\n\r\n');
  const { lookup } = heldLookup();
  const sender = client({}, { lookup });
  const account = 'acc_one';
  const silent = Array.from({ length: 16 }, (_, nth) => {
    return sender.send(request(`http://full-${nth}.test/`, { account, timeLimitMs: 4_000 }));
  });
  const redirected = await sender.send(request(target.url(), { account, maxRedirects: 1 }));
  expect(redirected).toMatchObject({ reason: 'dns', message: expect.stringContaining('silent-0.test') });
  await Promise.all(silent);
});
