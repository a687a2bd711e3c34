/** Pigeonpost itself, over its API. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Pool } from 'undici';
import { nowMs } from '../clock.js';
import { copyFor } from './copies.js';
import type { Adapter, BenchEvent, Connection, CreateAdapter, Receiver } from './types.js';

/** The contract that is spoken: it takes any event type and is signed as most are. */
const PROVIDER = 'standard';
/** Keep-alive connections of the callers. */
const CONNECTIONS = 50;
/** How often is looked whether everything has ended, in milliseconds; only once everything has arrived. */
const LOOK_EVERY_MS = 25;
/** How long that may take, in milliseconds. */
const MAX_WAIT_MS = 120_000;
/** How often is looked whether all first attempts were refused, in milliseconds. */
const REFUSED_EVERY_MS = 1_000;
/** How long no further first attempt may be refused before the rest is given up, in milliseconds. */
const MAX_REFUSAL_WAIT_MS = 60_000;
/** The highest rate of a recovery, per second and subscription. */
const RECOVERY_RATE = 1_000;

/** Of receivers that refuse everything: it opens at once, and is closed by hand. */
const BREAKER = { probeAfterS: 3_600 };

type Post = (path: string, body: unknown, expected: number) => Promise<{ readonly id: string }>;

/** The accounts and subscriptions of a load. */
interface Registration {
  readonly accountIds: readonly string[];
  readonly subscriptionIds: readonly string[];
  /** The account that gets the events of a topic. */
  readonly accountByTopic: ReadonlyMap<string, string>;
}

export const createAdapter: CreateAdapter = async (connection): Promise<Adapter> => {
  const { url, adminKey, databaseUrl } = connection;
  const pool = new Pool(url!, { connections: CONNECTIONS });
  const database = new Client({ connectionString: databaseUrl });
  await database.connect();
  const post = poster(pool, adminKey!);
  /** Accounts in great numbers take long to create, so later loads with the same receivers use them again. */
  const kept = new Map<string, Registration>();
  let registered: Registration = { accountIds: [], subscriptionIds: [], accountByTopic: new Map() };
  let deliveredBefore = 0;

  return {
    async setUp(receivers) {
      const key = JSON.stringify(receivers);
      const isMany = receivers.some(({ account }) => account !== undefined);
      registered =
        kept.get(key) ?? (await (isMany ? registerMany(post, connection, receivers) : register(post, receivers)));
      if (isMany) kept.set(key, registered);
      deliveredBefore = (await countDelivered(database, registered)).delivered;
    },
    async emit(events) {
      const byAccount = new Map<string, BenchEvent[]>();
      for (const event of events) {
        const accountId = registered.accountByTopic.get(event.topic)!;
        const own = byAccount.get(accountId);
        if (own) own.push(event);
        else byAccount.set(accountId, [event]);
      }
      const posts = [...byAccount].map(([accountId, own]) => {
        const each = own.map(({ topic, data }) => ({ type: `bench.${topic}`, data }));
        return post(`/v1/accounts/${accountId}/events`, each.length === 1 ? each[0] : { events: each }, 202);
      });
      await Promise.all(posts);
    },
    async settled(deliveries) {
      const untilMs = nowMs() + MAX_WAIT_MS;
      // Whether anything is open costs next to nothing to ask, unlike the count of what has ended.
      while (await isAnyOpen(database, registered)) {
        if (nowMs() > untilMs) throw new Error(`deliveries are still open ${MAX_WAIT_MS / 1_000} s after they arrived`);
        await sleep(LOOK_EVERY_MS);
      }
      const { delivered, agoMs } = await countDelivered(database, registered);
      const endedMs = nowMs() - agoMs;
      const own = delivered - deliveredBefore;
      if (own !== deliveries) throw new Error(`${own} of ${deliveries} deliveries were accepted`);
      return endedMs;
    },
    async allRefused(deliveries) {
      const { subscriptionIds } = registered;
      await untilAllWait(database, subscriptionIds, deliveries);
      const from = new Date(Date.now() - 24 * 3_600_000);
      const recovery = { from, states: ['retrying'], ratePerSecond: RECOVERY_RATE };
      return async () => {
        const each = (ask: (id: string) => Promise<unknown>) => Promise.all(subscriptionIds.map(ask));
        await each((id) => post(`/v1/subscriptions/${id}/breaker/close`, undefined, 200));
        // What was attempted in a workflow before the breaker opened.
        await each((id) => post(`/v1/subscriptions/${id}/recover`, recovery, 202));
      };
    },
    async close() {
      await pool.close();
      await database.end();
    },
  };
};

function poster(pool: Pool, adminKey: string): Post {
  return async (path, body, expected) => {
    const response = await pool.request({
      method: 'POST',
      path,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.body.text();
    if (response.statusCode !== expected) throw new Error(`POST ${path} got a ${response.statusCode}: ${text}`);
    return JSON.parse(text) as { id: string };
  };
}

async function register(post: Post, receivers: readonly Receiver[]): Promise<Registration> {
  const names = [...new Set(receivers.map(({ account = '' }) => account))];
  const accountIds = await Promise.all(
    names.map(async (name) => (await post('/v1/accounts', { provider: PROVIDER, name: `Bench ${name}` }, 201)).id),
  );
  const idByName = new Map(names.map((name, index) => [name, accountIds[index]!]));
  const subscriptionIds = await Promise.all(
    receivers.map(async ({ url, topic, account = '', isRefusing }) => {
      const policy = isRefusing ? { policy: { breaker: BREAKER } } : {};
      const subscription = { url, eventTypes: [`bench.${topic}`], ...policy };
      return (await post(`/v1/accounts/${idByName.get(account)}/subscriptions`, subscription, 201)).id;
    }),
  );
  const accountByTopic = new Map(receivers.map(({ topic, account = '' }) => [topic, idByName.get(account)!]));
  return { accountIds, subscriptionIds, accountByTopic };
}

/** The first account by the API, the others as its copies. */
async function registerMany(post: Post, connection: Connection, receivers: readonly Receiver[]): Promise<Registration> {
  const [first, ...others] = receivers;
  const { accountIds, subscriptionIds } = await register(post, [first!]);
  const original = { accountId: accountIds[0]!, subscriptionId: subscriptionIds[0]! };
  const all = [original, ...(await copyFor(connection, original, others))];
  return {
    accountIds: all.map(({ accountId }) => accountId),
    subscriptionIds: all.map(({ subscriptionId }) => subscriptionId),
    accountByTopic: new Map(receivers.map(({ topic }, index) => [topic, all[index]!.accountId])),
  };
}

/** Most subscriptions that are looked up again and again; each costs the database a search. */
const MAX_LOOKED_UP = 100;

/** Of a load with very many subscriptions, beside which there is no other, whether anything is open. */
async function isAnyOpen(database: Client, { subscriptionIds }: Registration): Promise<boolean> {
  const isFew = subscriptionIds.length <= MAX_LOOKED_UP;
  const { rowCount } = await database.query(
    `SELECT FROM deliveries WHERE ${isFew ? 'subscription_id = ANY ($1) AND' : ''} 
       state IN ('pending', 'retrying', 'paused') LIMIT 1`,
    isFew ? [subscriptionIds] : [],
  );
  return rowCount !== 0;
}

/** How many deliveries of these accounts were accepted, and how long ago the last of them was recorded. */
async function countDelivered(database: Client, { accountIds }: Registration) {
  const { rows } = await database.query<{ delivered: number; agoMs: number }>(
    `SELECT count(*)::int AS delivered,
            extract(epoch FROM clock_timestamp() - max(settled_at))::float * 1000 AS "agoMs"
     FROM deliveries WHERE account_id = ANY ($1) AND state = 'delivered'`,
    [accountIds],
  );
  return rows[0]!;
}

async function untilAllWait(database: Client, subscriptionIds: readonly string[], deliveries: number): Promise<void> {
  let waiting = 0;
  let changedMs = nowMs();
  for (;;) {
    const { rows } = await database.query<{ waiting: number }>(
      `SELECT count(*)::int AS waiting FROM deliveries WHERE subscription_id = ANY ($1) 
         AND (state = 'paused' OR (state = 'retrying' AND owned))`,
      [subscriptionIds],
    );
    if (rows[0]!.waiting >= deliveries) return;
    if (rows[0]!.waiting !== waiting) changedMs = nowMs();
    ({ waiting } = rows[0]!);
    if (nowMs() - changedMs > MAX_REFUSAL_WAIT_MS) throw new Error(`only ${waiting} of ${deliveries} deliveries wait`);
    await sleep(REFUSED_EVERY_MS);
  }
}
