/** Commits of several requests, and new plans for accounts that have changed. */
import type { FanOut } from '../../../src/dispatch/fan-out.js';
import { NoSuchAccount } from '../../../src/dispatch/commit.js';
import type { Dispatcher } from '../../../src/dispatch/dispatcher.js';
import { EventWriter, type Plan } from '../../../src/dispatch/event-writer.js';
import type { SubscriptionCache, CachedSubscriptions } from '../../../src/store/subscriptions/subscription-cache.js';
import type { DispatchModes } from '../../../src/store/events/events.js';
import type { Store } from '../../../src/store/store.js';
import { stubDispatcher } from '../../support/dispatcher.js';

const VERSIONS = 19;
const VERSIONS_OF = 20;
const KEYS = 23;

/** A store whose inserts end when `end` is called, a cache whose entries have numbers as versions, and a dispatcher. */
function parts(modes: DispatchModes = new Map()) {
  const commits: {
    ids: string[];
    direct: unknown;
    versions: string[];
    keys: unknown;
    end: (outcome?: Error | string[]) => void;
  }[] = [];
  const query = (statement: string | { values: unknown[] }) =>
    new Promise((resolve, reject) => {
      // The response of the first request with a key.
      if (typeof statement === 'string')
        return resolve({ rows: [{ fingerprint: Buffer.from('c'), response: 'of c' }] });
      const { values } = statement;
      commits.push({
        ids: values[0] as string[],
        direct: values[17],
        versions: (values[VERSIONS] as string[]).map((id, at) => `${id} ${(values[VERSIONS_OF] as string[])[at]}`),
        keys: values[KEYS],
        end: (outcome = []) =>
          outcome instanceof Error
            ? reject(outcome)
            : resolve({ rows: outcome.map((account_id) => ({ account_id, key: null })) }),
      });
    });
  const dispatched: string[] = [];
  const dispatcher: Dispatcher = {
    ...stubDispatcher((deliveryStarts) => void dispatched.push(...deliveryStarts.map(({ deliveryId }) => deliveryId))),
    modesFor: () => modes,
  };
  const loaded = new Map<string, CachedSubscriptions>();
  let loads = 0;
  const subscriptions: SubscriptionCache = {
    async find(id) {
      if (id === 'acc_none') return undefined;
      const entry = loaded.get(id) ?? ({ account: { id }, version: `${(loads += 1)}`, subscriptions: [] } as never);
      loaded.set(id, entry);
      return entry;
    },
    drop: (entry) => void (loaded.get(entry.account.id) === entry && loaded.delete(entry.account.id)),
  };
  const eventWriter = new EventWriter({ pool: { query } } as unknown as Store, dispatcher, subscriptions, 1_000_000);
  const write = (id: string, accountId = 'acc_1') => eventWriter.write(accountId, (entry) => plan(id, entry));
  return { eventWriter, write, commits, dispatched, subscriptions };
}

function plan(id: string, { account, version }: CachedSubscriptions): Plan<string> {
  const event = { id, type: 'user.created', occurredAt: new Date(), channels: [], text: '{}' };
  const row = {
    event,
    accountId: account.id,
    provider: 'standard',
    addressed: false,
    bodies: new Map(),
    deliveries: [{ id: `of ${id}`, subscriptionId: 'sub_1', bodyVariant: '' }],
  };
  const fanOuts = { row, deliveryStarts: [{ deliveryId: `of ${id}` }] } as unknown as FanOut;
  return { events: [fanOuts], reply: `${id} for version ${version}` };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const refused = Object.assign(new Error('invalid'), { code: '22021' });

test('commits a single request at once, and dispatches its deliveries after the commit', async () => {
  const { write, commits, dispatched } = parts();
  const written = write('a');
  await settle();
  expect(commits.map(({ ids }) => ids)).toEqual([['a']]);
  expect(dispatched).toEqual([]);
  commits[0]!.end();
  await written;
  expect(dispatched).toEqual(['of a']);
});

test('shares a commit between requests that arrive during another commit', async () => {
  const { write, commits, dispatched } = parts(new Map([['acc_1', { direct: true, senderId: undefined }]]));
  const written = ['a', 'b', 'c', 'd'].map((id) => write(id));
  await settle();
  commits[0]!.end();
  await settle();
  expect(commits[2]).toMatchObject({ ids: ['c', 'd'], direct: [true, true] });
  for (const { end } of commits) end();
  await Promise.all(written);
  expect(dispatched.sort()).toEqual(['of a', 'of b', 'of c', 'of d']);
});

test('shares a commit between requests with idempotency keys, and commits each key once', async () => {
  const { eventWriter, write, commits } = parts();
  const keyed = (id: string, key: string) =>
    eventWriter.write('acc_1', (entry) => plan(id, entry), { key, fingerprint: Buffer.from(id) });
  const first = [write('a'), write('b')];
  const written = [keyed('c', 'k-1'), keyed('d', 'k-2'), keyed('e', 'k-1')];
  await settle();
  commits[0]!.end();
  await settle();
  expect(commits[2]).toMatchObject({ ids: ['c', 'd'], keys: ['k-1', 'k-2'] });
  for (const { end } of commits) end();
  await Promise.all([...first, written[0], written[1]]);
  await expect(written[2]).rejects.toMatchObject({ first: { response: 'of c' } });
});

test('rejects only the request that the database refuses', async () => {
  const { write, commits, dispatched } = parts();
  const written = Promise.allSettled(['a', 'b', 'bad', 'good'].map((id) => write(id)));
  await settle();
  commits[0]!.end();
  commits[1]!.end();
  await settle();
  commits[2]!.end(refused);
  await settle();
  commits[3]!.end(refused);
  await settle();
  commits[4]!.end();
  expect((await written).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(dispatched).not.toContain('of bad');
});

test('rejects all requests of a commit when the database is unavailable', async () => {
  const { write, commits, dispatched } = parts();
  const written = Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => write(id)));
  await settle();
  const unavailable = Object.assign(new Error('unavailable'), { code: '57P01' });
  commits[0]!.end(unavailable);
  commits[1]!.end(unavailable);
  await settle();
  commits[2]!.end(unavailable);
  expect((await written).every(({ status }) => status === 'rejected')).toBe(true);
  expect(commits).toHaveLength(3);
  expect(dispatched).toEqual([]);
});

test('plans only the requests of an outdated account again when a commit has others', async () => {
  const { write, commits, dispatched } = parts();
  const former = [write('x'), write('y')];
  await settle();
  const written = [write('a', 'acc_1'), write('b', 'acc_2')];
  await settle();
  commits[0]!.end();
  await settle();
  expect(commits[2]).toMatchObject({ ids: ['a', 'b'], versions: ['acc_1 1', 'acc_2 2'] });
  commits[2]!.end(['acc_1']);
  expect(await written[1]).toBe('b for version 2');
  expect(dispatched).toEqual(['of x', 'of b']);
  await settle();
  expect(commits[3]).toMatchObject({ ids: ['a'], versions: ['acc_1 3'] });
  for (const { end } of commits) end();
  expect(await written[0]).toBe('a for version 3');
  await Promise.all(former);
});

test('commits only the latest version of an account when a commit has two', async () => {
  const { write, commits, subscriptions } = parts();
  const others = [write('x', 'acc_x'), write('y', 'acc_y')];
  await settle();
  const first = write('a');
  await settle();
  subscriptions.drop((await subscriptions.find('acc_1'))!);
  const second = write('b');
  await settle();
  commits[0]!.end();
  await settle();
  expect(commits[2]).toMatchObject({ ids: ['b'], versions: ['acc_1 4'] });
  commits[2]!.end();
  expect(await second).toBe('b for version 4');
  await settle();
  expect(commits[3]).toMatchObject({ ids: ['a'], versions: ['acc_1 4'] });
  for (const { end } of commits) end();
  await Promise.all([first, ...others]);
});

test('plans a refused request again when its account is outdated', async () => {
  const { eventWriter, commits } = parts();
  const refuse = ({ version }: CachedSubscriptions): never => {
    throw new Error(`refused for version ${version}`);
  };
  const written = eventWriter.write('acc_1', refuse);
  written.catch(() => undefined);
  await settle();
  expect(commits[0]).toMatchObject({ ids: [], versions: ['acc_1 1'] });
  commits[0]!.end(['acc_1']);
  await settle();
  commits[1]!.end();
  await expect(written).rejects.toThrow('refused for version 2');
});

test('rejects when the account does not exist', async () => {
  const { write } = parts();
  await expect(write('a', 'acc_none')).rejects.toThrow(NoSuchAccount);
});
