/** Pigeonpost itself, over its API. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Client } from 'pg';
import { Pool } from 'undici';
import { nowMs } from '../clock.js';
import type { Adapter, BenchEvent, CreateAdapter } from './types.js';

/** The contract that is spoken: it takes any event type and is signed as most are. */
const PROVIDER = 'standard';
/** Keep-alive connections of the callers. */
const CONNECTIONS = 50;
/** How often is looked whether everything has ended, in milliseconds; only once everything has arrived. */
const LOOK_EVERY_MS = 25;
/** How long that may take, in milliseconds. */
const MAX_WAIT_MS = 120_000;

export const createAdapter: CreateAdapter = async ({ url, adminKey, databaseUrl }): Promise<Adapter> => {
  const pool = new Pool(url!, { connections: CONNECTIONS });
  const database = new Client({ connectionString: databaseUrl });
  await database.connect();
  let accountId = '';
  let subscriptionIds: string[] = [];

  const post = async (path: string, body: unknown, expected: number): Promise<{ readonly id: string }> => {
    const response = await pool.request({
      method: 'POST',
      path,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await response.body.text();
    if (response.statusCode !== expected) throw new Error(`POST ${path} got a ${response.statusCode}: ${text}`);
    return JSON.parse(text) as { id: string };
  };

  const isAnyOpen = async (): Promise<boolean> => {
    const { rowCount } = await database.query(
      `SELECT FROM deliveries WHERE subscription_id = ANY ($1) AND state IN ('pending', 'retrying', 'paused') LIMIT 1`,
      [subscriptionIds],
    );
    return rowCount !== 0;
  };

  return {
    async setUp(receivers) {
      ({ id: accountId } = await post('/v1/accounts', { provider: PROVIDER, name: 'Bench' }, 201));
      subscriptionIds = [];
      for (const { url: receiver, topic } of receivers) {
        const subscription = { url: receiver, eventTypes: [`bench.${topic}`] };
        const { id } = await post(`/v1/accounts/${accountId}/subscriptions`, subscription, 201);
        subscriptionIds.push(id);
      }
    },
    async emit(events) {
      const each = events.map(({ topic, data }: BenchEvent) => ({ type: `bench.${topic}`, data }));
      await post(`/v1/accounts/${accountId}/events`, each.length === 1 ? each[0] : { events: each }, 202);
    },
    async settled(deliveries) {
      const untilMs = nowMs() + MAX_WAIT_MS;
      // Whether anything is open costs next to nothing to ask, unlike the count of what has ended.
      while (await isAnyOpen()) {
        if (nowMs() > untilMs) throw new Error(`deliveries are still open ${MAX_WAIT_MS / 1_000} s after they arrived`);
        await sleep(LOOK_EVERY_MS);
      }
      const { rows } = await database.query<{ delivered: number; ago_ms: number }>(
        `SELECT count(*)::int AS delivered, extract(epoch FROM clock_timestamp() - max(settled_at))::float * 1000 AS ago_ms
         FROM deliveries WHERE account_id = $1 AND state = 'delivered'`,
        [accountId],
      );
      const endedMs = nowMs() - rows[0]!.ago_ms;
      const { delivered } = rows[0]!;
      if (delivered !== deliveries) throw new Error(`${delivered} of ${deliveries} deliveries were accepted`);
      return endedMs;
    },
    async close() {
      await pool.close();
      await database.end();
    },
  };
};
