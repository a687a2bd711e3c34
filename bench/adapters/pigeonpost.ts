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

export const createAdapter: CreateAdapter = async ({ url, adminKey, databaseUrl }): Promise<Adapter> => {
  const pool = new Pool(url!, { connections: CONNECTIONS });
  const database = new Client({ connectionString: databaseUrl });
  await database.connect();
  let accountId = '';

  const post = async (path: string, body: unknown, expected: number): Promise<{ readonly id: string }> => {
    const answer = await pool.request({
      method: 'POST',
      path,
      headers: { authorization: `Bearer ${adminKey}`, 'content-type': 'application/json' },
      body: JSON.stringify(body),
    });
    const text = await answer.body.text();
    if (answer.statusCode !== expected) throw new Error(`POST ${path} was answered ${answer.statusCode}: ${text}`);
    return JSON.parse(text) as { id: string };
  };

  return {
    async setUp(receivers) {
      ({ id: accountId } = await post('/v1/accounts', { provider: PROVIDER, name: 'Bench' }, 201));
      for (const { url: receiver, topic } of receivers) {
        await post(`/v1/accounts/${accountId}/subscriptions`, { url: receiver, eventTypes: [`bench.${topic}`] }, 201);
      }
    },
    async emit(events) {
      const each = events.map(({ topic, data }: BenchEvent) => ({ type: `bench.${topic}`, data }));
      await post(`/v1/accounts/${accountId}/events`, each.length === 1 ? each[0] : { events: each }, 202);
    },
    async settled(deliveries) {
      for (;;) {
        const { rows } = await database.query<{ settled: number; ago_ms: number }>(
          `SELECT count(settled_at)::int AS settled,
                  extract(epoch FROM clock_timestamp() - max(settled_at))::float * 1000 AS ago_ms
           FROM deliveries WHERE account_id = $1`,
          [accountId],
        );
        const { settled, ago_ms: agoMs } = rows[0]!;
        if (settled === deliveries) return nowMs() - agoMs;
        await sleep(LOOK_EVERY_MS);
      }
    },
    async close() {
      await pool.close();
      await database.end();
    },
  };
};
