/** A sender on a real PostgreSQL: its claims, its lease and what it leaves behind. */
import type { Client } from '@temporalio/client';
import pino from 'pino';
import type { OutcomeWriter } from '../../../src/activities/attempt/outcome-writer.js';
import { Sender } from '../../../src/activities/direct/sender.js';
import { shareDependencies } from '../../../src/activities/index.js';
import type { EgressClient, Exchange, OutgoingRequest } from '../../../src/egress/types.js';
import { recordAttempt, type AttemptRow } from '../../../src/store/attempts/recording.js';
import { claimAny, expiredSenders, registerSender, releaseExpired } from '../../../src/store/direct/senders.js';
import { createNotifier } from '../../../src/store/direct/notifications.js';
import { startApiWithDatabase, type TestApi } from '../../support/api.js';
import type { TestDatabase } from '../../support/database.js';
import { commitDirect } from '../../support/direct.js';
import { eventually } from '../../support/eventually.js';

let api: TestApi & { readonly database: TestDatabase };
beforeAll(async () => {
  api = await startApiWithDatabase();
});
afterAll(() => api.close());

const senders: Sender[] = [];
afterEach(async () => {
  jest.restoreAllMocks();
  await Promise.all(senders.splice(0).map((sender) => sender.stop()));
  // What a test has left unsent must not be sent in the next one.
  await store().pool.query(`UPDATE deliveries SET state = 'cancelled', owned = true WHERE NOT owned`);
});

const store = () => api.database.store;
const accepted = (url: string): Exchange => ({
  kind: 'response',
  status: 200,
  headers: {},
  excerpt: '',
  truncated: false,
  durationMs: 1,
  url,
});

interface Parts {
  readonly send?: EgressClient['send'];
  readonly maxConcurrentAttempts?: number;
  /** Starts a workflow. */
  readonly start?: (id: string) => Promise<void>;
  readonly outcomes?: OutcomeWriter;
}

/** A sender whose requests and starts of workflows are recorded. */
async function startSender({ send, maxConcurrentAttempts, start = async () => undefined, outcomes }: Parts = {}) {
  const sent: string[] = [];
  const started: string[] = [];
  const client = {
    withDeadline: (_deadline: number, work: () => Promise<unknown>) => work(),
    workflow: {
      start: async (_type: string, { workflowId }: { workflowId: string }) => {
        await start(workflowId);
        started.push(workflowId);
      },
    },
  } as unknown as Client;
  const egress: EgressClient = {
    send: (request) => {
      sent.push(request.url);
      return send ? send(request) : Promise.resolve(accepted(request.url));
    },
    close: async () => undefined,
  };
  const limit = maxConcurrentAttempts === undefined ? {} : { maxConcurrentAttempts };
  const sender = new Sender({
    ...shareDependencies({ store: store(), egress, ...limit }),
    ...(outcomes ? { outcomes } : {}),
    starter: { client, eager: false },
    log: pino({ level: 'silent' }),
  });
  await sender.start();
  senders.push(sender);
  return { sender, sent, started };
}

async function subscribed(paths: readonly string[] = ['/in']): Promise<string> {
  const account = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  for (const path of paths) {
    const body = { url: `http://127.0.0.1:9${path}`, eventTypes: ['user.created'] };
    await api.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  }
  return account.id;
}

async function rowsOf(ids: readonly string[]) {
  const { rows } = await store().pool.query<{
    state: string;
    owned: boolean;
    sender_id: string | null;
    attempts: string;
  }>(
    `SELECT state, owned, sender_id,
            (SELECT string_agg(outcome, ' ' ORDER BY number) FROM attempts a WHERE a.delivery_id = d.id) AS attempts
     FROM deliveries d WHERE id = ANY($1) ORDER BY id`,
    [ids],
  );
  return rows;
}
const until = (ids: readonly string[], state: string) =>
  eventually(
    () => rowsOf(ids),
    (rows) => rows.every((row) => row.state === state),
  );
const refuse = async ({ url }: OutgoingRequest): Promise<Exchange> => ({ ...accepted(url), status: 503 }) as Exchange;
/** The row of a refused first attempt of the sender that died. */
const attemptRow = (deliveryId: string): AttemptRow => ({
  deliveryId,
  run: 0,
  number: 1,
  startedAt: new Date(),
  durationMs: 1,
  timings: null,
  outcome: 'refused',
  status: 503,
  reason: 'status',
  message: 'the receiver responded with 503',
  url: null,
  requestHeaders: null,
  responseHeaders: null,
  responseExcerpt: null,
  responseTruncated: null,
  state: 'retrying',
  stateReason: null,
  disable: false,
  nextAttemptAt: new Date(Date.now() + 5_000),
  schedulePosition: 0,
  recordedBy: 'snd_dead',
  sender: 'snd_dead',
});
/** Lets the leases of other senders expire. */
const expireAll = () => store().pool.query(`UPDATE senders SET expires_at = now() - interval '1 s'`);

test('sends each delivery once when two senders look for them', async () => {
  const accountId = await subscribed();
  const ids = await commitDirect(store(), accountId, 40);
  const both = await Promise.all([startSender(), startSender()]);
  await until(ids, 'delivered');
  expect(both.reduce((sum, { sent }) => sum + sent.length, 0)).toBe(40);
});

test('gives each account its turn when it claims', async () => {
  const [busy, quiet] = [await subscribed(), await subscribed()];
  const many = await commitDirect(store(), busy, 30);
  const few = await commitDirect(store(), quiet, 2);
  await registerSender(store(), 'snd_turns');
  expect(await claimAny(store(), 'snd_turns', 4)).toEqual(expect.arrayContaining(few));
  await expireAll();
  await releaseExpired(store(), await expiredSenders(store()));
  await startSender();
  await until([...many, ...few], 'delivered');
});

test('hears of every delivery that another process commits, without looking for them', async () => {
  const { setInterval: start } = globalThis;
  // Without the poll of every second.
  jest
    .spyOn(globalThis, 'setInterval')
    .mockImplementation(((run: () => void, ms: number) =>
      start(ms === 1_000 ? () => undefined : run, ms)) as typeof setInterval);
  const { sent } = await startSender();
  const accountId = await subscribed();
  const notify = createNotifier(store());
  for (let round = 1; round <= 40; round += 1) {
    await commitDirect(store(), accountId, 1);
    notify();
  }
  await eventually(
    async () => sent.length,
    (count) => count === 40,
  );
});

test('takes over the deliveries of a sender that died, and shows that they may have been sent', async () => {
  const accountId = await subscribed();
  await registerSender(store(), 'snd_dead');
  const ids = await commitDirect(store(), accountId, 3, 'snd_dead');
  const { sent } = await startSender();
  expect(sent).toHaveLength(0);
  await expireAll();
  // The sender's own lease has expired as well, so it begins a new one.
  const rows = await until(ids, 'delivered');
  expect(rows.map(({ attempts }) => attempts)).toEqual(Array(3).fill('interrupted accepted'));
});

test('starts the workflow of a delivery that a sender had attempted when it died', async () => {
  const accountId = await subscribed();
  await registerSender(store(), 'snd_dead');
  const [id] = await commitDirect(store(), accountId, 1, 'snd_dead');
  await recordAttempt(store(), attemptRow(id!));
  await expireAll();
  const { sent, started } = await startSender();
  await eventually(
    () => rowsOf([id!]),
    ([found]) => found!.sender_id === null,
  );
  await store().pool.query(`UPDATE deliveries SET updated_at = now() - interval '11 s' WHERE id = $1`, [id]);
  await eventually(
    async () => started,
    (workflows) => workflows.includes(`delivery-${id}`),
  );
  expect(sent).toHaveLength(0);
  const [row] = await eventually(
    () => rowsOf([id!]),
    ([found]) => found!.owned,
  );
  expect(row).toMatchObject({ sender_id: null, attempts: 'refused' });
});

test('sends nothing more when it has stood still for longer than its lease', async () => {
  const accountId = await subscribed();
  let reply = (): void => undefined;
  const { sent } = await startSender({
    maxConcurrentAttempts: 1,
    send: ({ url }) => new Promise((resolve) => (reply = () => resolve(accepted(url)))),
  });
  const ids = await commitDirect(store(), accountId, 2);
  await eventually(
    async () => sent.length,
    (count) => count === 1,
  );
  const later = performance.now() + 11_000;
  const clock = jest.spyOn(performance, 'now').mockImplementation(() => later);
  await store().pool.query('DELETE FROM senders');
  reply();
  await eventually(
    () => rowsOf(ids),
    (rows) => rows.some(({ state }) => state === 'delivered'),
  );
  expect(sent).toHaveLength(1);
  clock.mockRestore();
});

test('does not send with a new lease what it had claimed with the one that expired', async () => {
  jest.spyOn(Math, 'random').mockReturnValue(0);
  const rejected: Exchange = { kind: 'failure', reason: 'busy', message: 'too many names', durationMs: 1 };
  const { sent } = await startSender({ send: async () => rejected });
  const triesOf = (path: string) => sent.filter((url) => url.endsWith(path)).length;
  const reach = (path: string, tries: number) =>
    eventually(
      async () => triesOf(path),
      (count) => count >= tries,
    );
  // A delivery whose lookup is rejected is tried again and again, after waits that double.
  const [id] = await commitDirect(store(), await subscribed(['/before']), 1);
  await reach('/before', 2);
  await store().pool.query(`UPDATE senders SET id = 'snd_other'`);
  await store().pool.query(`UPDATE deliveries SET sender_id = 'snd_other' WHERE id = $1`, [id]);
  await eventually(
    async () => (await store().pool.query('SELECT FROM senders')).rowCount,
    (count) => count === 2,
  );
  const before = triesOf('/before');
  await commitDirect(store(), await subscribed(['/after']), 1);
  // By then the wait of the first one is over.
  await reach('/after', 6);
  expect(triesOf('/before')).toBe(before);
});

test('releases a delivery that was committed as claimed without its knowledge', async () => {
  const accountId = await subscribed();
  const { sender, sent } = await startSender();
  const ids = await commitDirect(store(), accountId, 1, sender.claimFor(1, 2));
  expect(sent).toHaveLength(0);
  await store().pool.query(`UPDATE deliveries SET updated_at = now() - interval '11 s' WHERE id = ANY($1)`, [ids]);
  await eventually(
    () => rowsOf(ids),
    ([row]) => row!.state === 'delivered',
    15_000,
  );
  expect(sent).toHaveLength(1);
});

test('lets a workflow record an outcome that the database did not take', async () => {
  const accountId = await subscribed();
  const outcomes = { write: () => Promise.reject(new Error('the database is unavailable')) };
  const { started } = await startSender({ outcomes: outcomes as unknown as OutcomeWriter });
  const ids = await commitDirect(store(), accountId, 1);
  await eventually(
    async () => started,
    (workflows) => workflows.length === 1,
  );
  expect(started).toEqual([`delivery-${ids[0]}`]);
  const [row] = await eventually(
    () => rowsOf(ids),
    ([found]) => found!.owned,
  );
  expect(row).toMatchObject({ state: 'pending', sender_id: null });
});

test('starts workflows later when Temporal is unavailable, and goes on with first attempts', async () => {
  const accountId = await subscribed(['/in']);
  let isAway = true;
  let isFirst = true;
  const { started } = await startSender({
    send: (request) => (isFirst ? refuse(request) : Promise.resolve(accepted(request.url))),
    start: async () => {
      if (isAway) throw new Error('Temporal is unavailable');
    },
  });
  const [refused] = await commitDirect(store(), accountId, 1);
  await until([refused!], 'retrying');
  isFirst = false;
  const others = await commitDirect(store(), accountId, 3);
  await until(others, 'delivered');
  expect(started).toEqual([]);
  isAway = false;
  await eventually(
    () => rowsOf([refused!]),
    ([row]) => row!.sender_id === null,
  );
  await store().pool.query(`UPDATE deliveries SET updated_at = now() - interval '11 s' WHERE id = $1`, [refused]);
  await eventually(
    async () => started,
    (workflows) => workflows.length === 1,
  );
});

test('finishes attempts in flight when it stops, and releases the others', async () => {
  const accountId = await subscribed();
  let reply = (): void => undefined;
  const { sender, sent } = await startSender({
    maxConcurrentAttempts: 1,
    send: ({ url }) => new Promise((resolve) => (reply = () => resolve(accepted(url)))),
  });
  const ids = await commitDirect(store(), accountId, 3);
  await eventually(
    async () => sent.length,
    (count) => count === 1,
  );
  senders.splice(senders.indexOf(sender), 1);
  const stopped = sender.stop();
  reply();
  await stopped;
  const rows = await rowsOf(ids);
  expect(rows.map(({ state }) => state).sort()).toEqual(['delivered', 'pending', 'pending']);
  expect(
    rows.filter(({ state }) => state === 'pending').map(({ sender_id, attempts }) => [sender_id, attempts]),
  ).toEqual([
    [null, null],
    [null, null],
  ]);
  await startSender();
  await until(ids, 'delivered');
});
