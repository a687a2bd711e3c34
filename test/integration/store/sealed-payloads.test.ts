/** Rotation of the key of sealed payloads on a real PostgreSQL. */
import { randomBytes } from 'node:crypto';
import { listAttempts, loadAttemptMaterial } from '../../../src/store/attempts/attempts.js';
import { recordAttempt } from '../../../src/store/attempts/recording.js';
import { findEvent } from '../../../src/store/events/stored-events.js';
import { checkAllKeys, checkKeys, resealAll } from '../../../src/store/sealed.js';
import { createSecretBox, keyId, type KeyRing } from '../../../src/store/secret-box.js';
import type { Store } from '../../../src/store/store.js';
import { startApi } from '../../support/api.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { emitted } from '../../support/samples.js';

const newKey = (): Buffer => randomBytes(32);

let database: TestDatabase;
beforeEach(async () => {
  database = await openTestDatabase();
});
afterEach(() => database.close());

/** A process with these keys. */
const open = (keys: KeyRing, sealsPayloads = true): Store => ({
  ...database.store,
  box: createSecretBox(keys),
  sealsPayloads,
});

interface Written {
  readonly eventId: string;
  readonly deliveryId: string;
}

/** Events with an attempt each, the last one written by a process that seals nothing. */
async function fill(keys: KeyRing, count: number): Promise<Written[]> {
  const written: Written[] = [];
  for (let n = 0; n < count; n += 1) {
    const store = open(keys, n < count - 1);
    const api = await startApi({ store });
    const { event, deliveryId } = await emitted(api.ask, 'standard');
    await api.close();
    await recordAttempt(store, {
      ...{ deliveryId, run: 0, number: 1, startedAt: new Date(), durationMs: 1, timings: null, outcome: 'refused' },
      ...{ status: 500, reason: 'status', message: null, url: 'https://example.com/', requestHeaders: [] },
      ...{ responseHeaders: { echo: 'b' }, responseExcerpt: `excerpt ${n}`, responseTruncated: false },
      ...{ state: 'retrying', stateReason: null, disable: false, nextAttemptAt: new Date(), schedulePosition: 0 },
      recordedBy: 'run-a',
    });
    written.push({ eventId: event.id, deliveryId });
  }
  return written;
}

async function readAll(store: Store, written: readonly Written[]) {
  return Promise.all(
    written.map(async ({ eventId, deliveryId }) => ({
      text: (await findEvent(store, eventId))!.text,
      body: (await loadAttemptMaterial(store, deliveryId))!.body,
      attempts: (await listAttempts(store, deliveryId)).map((each) => [each.responseExcerpt, each.responseHeaders]),
    })),
  );
}

const expected = (count: number) =>
  Array.from({ length: count }, (_, n) => ({
    text: expect.stringMatching(/^\{/),
    body: expect.stringMatching(/^\{"type":"user\.created"/),
    attempts: [[`excerpt ${n}`, { echo: 'b' }]],
  }));

test('every payload is sealed with the new key, and those that are not sealed stay', async () => {
  const [former, current] = [newKey(), newKey()];
  const written = await fill([former], 4);
  const rotating = open([current, former]);
  expect(await readAll(rotating, written)).toEqual(expected(4));
  // A page has fewer rows than are to be sealed again.
  expect(await resealAll(rotating, 2)).toMatchObject({ events: 3, event_bodies: 3, attempts: 3 });
  expect(await readAll(open([current]), written)).toEqual(expected(4));
  expect(await resealAll(rotating, 2)).toMatchObject({ events: 0, event_bodies: 0, attempts: 0 });
});

test.each([3, 4, 5, 6, 7])(
  'a rotation that was killed at its update %i is completed by the next one',
  async (update) => {
    const [former, current] = [newKey(), newKey()];
    const written = await fill([former], 3);
    const store = open([current, former]);
    let remaining = update;
    const query = async (...args: Parameters<Store['pool']['query']>): Promise<unknown> => {
      const result = await (store.pool.query(...args) as unknown as Promise<unknown>);
      if (String(args[0]).startsWith('UPDATE') && --remaining === 0) throw new Error('killed');
      return result;
    };
    await expect(resealAll({ ...store, pool: { query } as unknown as Store['pool'] }, 1)).rejects.toThrow('killed');
    expect(await readAll(store, written)).toEqual(expected(3));
    await resealAll(store);
    expect(await readAll(open([current]), written)).toEqual(expected(3));
  },
);

test('a process without the key of a payload does not start', async () => {
  const [former, current] = [newKey(), newKey()];
  await fill([former], 2);
  await resealSecrets(former, current);
  const message = `Payloads in the database are encrypted with`;
  await expect(checkKeys(open([current], false))).rejects.toThrow(message);
  await expect(checkAllKeys(open([current], false))).rejects.toThrow(keyId(former).toString('hex'));
  await checkKeys(open([current, former], false));
});

/** Seals the secrets alone with another key. */
async function resealSecrets(former: Buffer, current: Buffer): Promise<void> {
  const store = open([current, former]);
  const query = async (...args: Parameters<Store['pool']['query']>): Promise<unknown> => {
    if (/FROM (events|event_bodies|attempts) /.test(String(args[0]))) return { rows: [] };
    return store.pool.query(...args);
  };
  await resealAll({ ...store, pool: { query } as unknown as Store['pool'] });
}

test('the key of a payload and that of a start are found by the index', async () => {
  await fill([newKey()], 2);
  const client = await database.store.pool.connect();
  try {
    await client.query('SET enable_seqscan = off');
    const { rows } = await client.query<{ 'QUERY PLAN': string }>(
      `EXPLAIN SELECT substring(sealed FROM 2 FOR 4) AS id FROM events
       WHERE sealed IS NOT NULL AND substring(sealed FROM 2 FOR 4) > '\\x00' ORDER BY substring(sealed FROM 2 FOR 4) LIMIT 1`,
    );
    expect(rows.map((row) => row['QUERY PLAN']).join('\n')).not.toMatch(/Seq Scan|-> {2}Sort/);
  } finally {
    client.release();
  }
});
