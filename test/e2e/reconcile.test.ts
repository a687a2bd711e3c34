/** `POST /v1/reconciliations` and `pigeonpost reconcile` on a real Temporal server, after losses on both sides. */
import { deliveryWorkflowId } from '../../src/workflows/names.js';
import { deliveryQueries } from '../../src/workflows/signals.js';
import { SETTLED_REASON, UNKNOWN_REASON } from '../../src/dispatch/reconciliation/running-workflows.js';
import { against } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { age, commitOnly, sweepOnce } from '../support/process-faults.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

jest.setTimeout(180_000);

/** Maximum wait of one condition on a busy machine, in milliseconds. */
const MAX_WAIT_MS = 60_000;
/** Deliveries of each kind. */
const COUNT = 3;
const TYPE = 'user.created';

let system: TestSystem;
let receiver: Receiver;
let accountId: string;
let ids: Record<
  'missing' | 'paused' | 'closed' | 'unknown' | 'settled' | 'fine' | 'pausedSince' | 'resumedSince',
  string[]
>;

type Counts = Record<string, number> & { examples: { kind: string; deliveryId: string }[] };

const store = () => system.database.store;
const command = (id: string, name: string, body?: unknown) => system.ask('POST', `/v1/deliveries/${id}/${name}`, body);
const all = (of: readonly string[], state: string) => Promise.all(of.map((id) => system.settled(id, state)));
const pigeonpost = (...args: string[]) => against(system.url).pigeonpost(['reconcile', ...args]);
const workflow = (id: string) => system.client.workflow.getHandle(deliveryWorkflowId(id));
const isPaused = (id: string) => workflow(id).query(deliveryQueries.isPaused);

/** Deliveries that wait an hour for their second attempt. */
async function retrying(count: number): Promise<string[]> {
  receiver.reply(500);
  const event = { type: TYPE, data: {} };
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, { events: Array(count).fill(event) });
  const made: string[] = body.results.map(({ deliveries }: { deliveries: { id: string }[] }) => deliveries[0]!.id);
  await all(made, 'retrying');
  receiver.reply(200);
  return made;
}

/** The sum of all parts of a reconciliation, of two deliveries or workflows each. */
async function reconcile(dryRun?: boolean): Promise<Counts> {
  const sum = { examples: [] } as unknown as Counts;
  let cursor: string | undefined;
  do {
    const { status, body } = await system.ask('POST', '/v1/reconciliations', { dryRun, limit: 2, cursor });
    expect(status).toBe(200);
    for (const [name, value] of Object.entries(body))
      if (typeof value === 'number') sum[name] = (sum[name] ?? 0) + value;
    sum.examples.push(...body.examples);
    cursor = body.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return sum;
}

/**
 * Temporal forgets the workflow of a delivery, as when its database is lost. Deleted while it runs, it goes at once:
 * one that has closed first goes only when Temporal's queues are past its closing, half a minute and more later.
 */
async function forget(id: string): Promise<void> {
  const { namespace } = system.client.options;
  const workflowExecution = { workflowId: deliveryWorkflowId(id) };
  await system.client.workflowService.deleteWorkflowExecution({ namespace, workflowExecution });
  await eventually(
    () =>
      workflow(id)
        .describe()
        .then(
          () => false,
          () => true,
        ),
    Boolean,
    MAX_WAIT_MS,
  );
}

beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
  accountId = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body.id;
  const policy = { schedule: { waits: [3_600, 3_600] } };
  const subscription = { url: receiver.url, eventTypes: [], policy };
  await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, subscription);

  const made = await retrying(3 * COUNT + 4);
  ids = {
    closed: made.slice(0, COUNT),
    missing: made.slice(COUNT, 2 * COUNT),
    settled: made.slice(2 * COUNT, 3 * COUNT),
    paused: made.slice(3 * COUNT, 3 * COUNT + 1),
    fine: made.slice(3 * COUNT + 1, 3 * COUNT + 2),
    pausedSince: made.slice(3 * COUNT + 2, 3 * COUNT + 3),
    resumedSince: made.slice(3 * COUNT + 3),
    unknown: [],
  };
  const paused = [...ids.paused, ...ids.resumedSince];
  for (const id of paused) await command(id, 'pause', { reason: 'by hand' });
  await all(paused, 'paused');

  // PostgreSQL is restored to a point before some ended, and before others were created.
  await system.database.backUp();
  for (const id of ids.closed) await command(id, 'retry');
  await all(ids.closed, 'delivered');
  await Promise.all(ids.closed.map((id) => workflow(id).result()));
  ids.unknown = await retrying(COUNT);
  await command(ids.pausedSince[0]!, 'pause', { reason: 'after the backup' });
  await all(ids.pausedSince, 'paused');
  await command(ids.resumedSince[0]!, 'resume');
  await all(ids.resumedSince, 'retrying');
  await system.database.restore();
  await eventually(
    () =>
      store()
        .pool.query('SELECT id FROM deliveries')
        .catch(() => ({ rows: [] })),
    ({ rows }) => rows.length > 0,
  );

  // Temporal loses some, and has not seen the end of others.
  await Promise.all([...ids.missing, ...ids.paused].map(forget));
  await store().pool.query(`UPDATE deliveries SET state = 'delivered', next_attempt_at = NULL WHERE id = ANY($1)`, [
    ids.settled,
  ]);
  const { closed, missing, settled, pausedSince, resumedSince } = ids;
  await age(store(), [...closed, ...missing, ...settled, ...ids.paused, ...pausedSince, ...resumedSince], 1_000);
  receiver.clear();
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});

const MISMATCHES = { missing: COUNT + 1, closed: COUNT, pause: 2, unknown: COUNT, settled: COUNT };
const SUM = 4 * COUNT + 3;

test('a dry run counts each kind, and changes nothing', async () => {
  // Temporal's lists are some seconds old.
  const found = await eventually(
    reconcile,
    ({ unknown, settled }) => unknown === COUNT && settled === COUNT,
    MAX_WAIT_MS,
  );
  expect(found).toMatchObject({ ...MISMATCHES, running: 1, mended: 0, failed: 0 });
  const expected = {
    ...ids,
    missing: [...ids.missing, ...ids.paused],
    pause: [...ids.pausedSince, ...ids.resumedSince],
  };
  for (const kind of ['missing', 'closed', 'pause', 'unknown', 'settled'] as const) {
    const examples = found.examples.filter((example) => example.kind === kind).map(({ deliveryId }) => deliveryId);
    expect(examples.sort()).toEqual([...expected[kind]].sort());
  }
  expect(receiver.received).toEqual([]);
  expect((await workflow(ids.unknown[0]!).describe()).status.name).toBe('RUNNING');
});

test('the command line prints the counts, and ends with 1 while something does not match', async () => {
  const { exitCode, out } = await pigeonpost();
  expect(exitCode).toBe(1);
  for (const [kind, count] of Object.entries(MISMATCHES)) expect(out).toMatch(new RegExp(`^${kind} +${count} `, 'm'));
  expect(out).toContain(`${SUM} to be mended; --apply mends them.`);
});

test('asks before it mends, and mends everything', async () => {
  const refused = await against(system.url).pigeonpost(['reconcile', '--apply'], '');
  expect(refused).toMatchObject({ exitCode: 1, out: '' });
  expect(refused.err).toContain('Give --yes');

  const applied = await pigeonpost('--apply', '--yes', '--limit', '2', '--json');
  expect(applied).toMatchObject({ exitCode: 0, json: { ...MISMATCHES, mended: SUM, failed: 0 } });
  expect(applied.err).toContain('compared');
});

test('no event is lost: each ends delivered, and what is paused stays so until it is resumed', async () => {
  for (const id of [...ids.missing, ...ids.fine]) await command(id, 'retry');
  await all([...ids.closed, ...ids.missing, ...ids.fine, ...ids.settled], 'delivered');
  // Only those that had not arrived are sent.
  expect(receiver.received).toHaveLength(COUNT + 1);
  const [paused] = ids.paused as [string];
  expect(await system.settled(paused, 'paused')).toMatchObject({ stateReason: 'by hand' });
  expect((await command(paused, 'resume')).status).toBeLessThan(300);
  await all(ids.paused, 'delivered');
  expect(receiver.received).toHaveLength(COUNT + 2);
});

test('what was paused or resumed after the backup is again as the database says', async () => {
  const [pausedSince, resumedSince] = [ids.pausedSince[0]!, ids.resumedSince[0]!];
  expect([await isPaused(pausedSince), await isPaused(resumedSince)]).toEqual([false, true]);
  expect(await system.settled(pausedSince, 'retrying')).toMatchObject({ stateReason: null });
  expect(await system.settled(resumedSince, 'paused')).toMatchObject({ stateReason: 'by hand' });
  await command(resumedSince, 'resume');
  await all(ids.resumedSince, 'retrying');
});

test('workflows without an open delivery are terminated, with the reason', async () => {
  for (const [id, reason] of [
    [ids.unknown[0]!, UNKNOWN_REASON],
    [ids.settled[0]!, SETTLED_REASON],
  ] as const) {
    const { events } = await workflow(id).fetchHistory();
    expect(events!.at(-1)!.workflowExecutionTerminatedEventAttributes!.reason).toBe(reason);
  }
});

test('afterwards everything matches', async () => {
  expect(await reconcile(true)).toMatchObject({ missing: 0, closed: 0, pause: 0, unknown: 0, settled: 0, mended: 0 });
  const { exitCode, out } = await pigeonpost();
  expect([exitCode, out.split('\n').at(-1)]).toEqual([0, 'Everything matches.']);
});

test('a cursor that is none is refused', async () => {
  for (const text of ['x', 'deliveries sub_1 dlv_1', `workflows ${Buffer.from('nonsense').toString('base64')}`]) {
    const cursor = Buffer.from(text).toString('base64url');
    const { status, body } = await system.ask('POST', '/v1/reconciliations', { cursor });
    expect([status, body.errors?.[0]?.path]).toEqual([422, 'cursor']);
  }
});

test('the sweep shows how many overdue deliveries it found without a running workflow', async () => {
  const { deliveryIds } = await commitOnly(store(), accountId, TYPE, {});
  await store().pool.query('UPDATE deliveries SET owned = true WHERE id = ANY($1)', [deliveryIds]);
  await age(store(), deliveryIds, 1_000);
  expect(await sweepOnce(store(), system.client)).toMatchObject({ started: 1, unreconciled: 1 });
  expect((await system.ask('GET', '/v1/health')).body).toMatchObject({ unreconciled: 1 });
  expect((await system.ask('GET', '/v1/attention')).body).toMatchObject({ unreconciled: 1 });
  await all(deliveryIds, 'delivered');
  await sweepOnce(store(), system.client);
  expect((await system.ask('GET', '/v1/health')).body).toMatchObject({ unreconciled: 0 });
});
