/**
 * A process kills itself between any two steps, at a chosen point. Another one continues, and what was
 * acknowledged is delivered: once when nothing had been sent, at least once when something had.
 */
import type { ServerResponse } from 'node:http';
import { startOptions } from '../../src/dispatch/start.js';
import { loadDeliveryStarts } from '../../src/store/deliveries/delivery-starts.js';
import type { delivery } from '../../src/workflows/delivery/workflow.js';
import { ATTEMPT_MARGIN_MS } from '../../src/workflows/limits.js';
import { askAt } from '../support/api.js';
import { commitDirect } from '../support/direct.js';
import { eventually } from '../support/eventually.js';
import { withoutTimeout } from '../support/without-timeout.js';
import { startProcess } from '../support/process.js';
import type { Death } from '../support/process-plan.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';
import { age, commitOnly, sweepOnce } from '../support/process-faults.js';

jest.setTimeout(120_000);

let system: TestSystem;
let receiver: Receiver;
beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem({}, undefined, { wrapEgress: withoutTimeout }), startReceiver()]);
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

const show = async (id: string) => (await system.ask('GET', `/v1/deliveries/${id}`)).body;
const outcomes = ({ attempts }: { attempts: { number: number; outcome: string }[] }) =>
  attempts.map(({ number, outcome }) => `${number} ${outcome}`);

/** An account with a subscription to all events at the receiver. */
async function subscribe(fields: object = {}): Promise<string> {
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const body = { url: `${receiver.url}/in`, eventTypes: [], ...fields };
  await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, body);
  return account.id as string;
}

async function deliveriesOf(accountId: string): Promise<{ id: string; state: string }[]> {
  return (await system.ask('GET', `/v1/deliveries?accountId=${accountId}`)).body.data;
}

/** One sweep, ten seconds after the last change. */
async function sweepLater(ids: readonly string[]): Promise<number> {
  await age(system.database.store, ids, 11);
  return (await sweepOnce(system.database.store, system.client)).started;
}

const EVENT = { type: 'user.created', data: { n: 1 } };
const before = (point: Death['point'], matching?: string): Death => ({ point, when: 'before', matching });
const after = (point: Death['point'], matching?: string): Death => ({ point, when: 'after', matching });

describe('an API that dies while it accepts an event', () => {
  /** Sends a request to an API that is about to die; returns the response, if there is one. */
  async function askDying(death: Death, path: string, body: unknown, headers: Record<string, string> = {}) {
    const dying = await startProcess(system, 'api', death);
    const response = await askAt(dying.url, 'POST', path, body, headers).catch(() => undefined);
    expect(await dying.ended).toBe('SIGKILL');
    return response;
  }

  describe.each<[where: string, death: Death, committed: number, started: boolean]>([
    ['before it has read anything', before('statement', 'FROM accounts'), 0, false],
    ['validated and planned, before the commit', before('statement', 'insert-events'), 0, false],
    ['committed with its key, before its dispatch and response', after('statement', 'insert-events'), 1, false],
    ['dispatched, before its workflow is started', before('start'), 1, false],
    ['after its workflow is started', after('start'), 1, true],
  ])('%s', (_where, death, committed, started) => {
    test('delivers once when the caller repeats the request with its key', async () => {
      const accountId = await subscribe();
      const path = `/v1/accounts/${accountId}/events`;
      const key = { 'idempotency-key': 'k' };
      await askDying(death, path, EVENT, key);
      const remaining = await deliveriesOf(accountId);
      expect(remaining).toHaveLength(committed);
      if (!started) for (const { state } of remaining) expect(state).toBe('pending');

      const repeated = await system.ask('POST', path, EVENT, key);
      expect(repeated.status).toBe(202);
      const [{ id }] = repeated.body.deliveries;
      for (const delivery of remaining) expect(delivery.id).toBe(id);
      // The sweep starts only what was committed and not started.
      expect(await sweepLater(remaining.map((one) => one.id))).toBe(committed === 1 && !started ? 1 : 0);
      expect(outcomes(await system.settled(id, 'delivered'))).toEqual(['1 accepted']);
      expect(await deliveriesOf(accountId)).toHaveLength(1);
      expect(receiver.received).toHaveLength(1);
    });
  });

  test('delivers when the request had no key; a repeated request emits another event', async () => {
    const accountId = await subscribe();
    const path = `/v1/accounts/${accountId}/events`;
    expect(await askDying(after('statement', 'insert-events'), path, EVENT)).toBeUndefined();
    await system.ask('POST', path, EVENT);
    const ids = (await deliveriesOf(accountId)).map(({ id }) => id);
    expect(ids).toHaveLength(2);
    await sweepLater(ids);
    for (const id of ids) expect(outcomes(await system.settled(id, 'delivered'))).toEqual(['1 accepted']);
    expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(2);
  });

  test('delivers a redelivery that was committed and not started', async () => {
    const accountId = await subscribe();
    const emitted = await system.ask('POST', `/v1/accounts/${accountId}/events`, EVENT);
    const [{ id }] = emitted.body.deliveries;
    await system.settled(id, 'delivered');
    await askDying(after('statement', 'run = d.run + 1'), `/v1/deliveries/${id}/redeliver`, { allowDelivered: true });
    expect(await show(id)).toMatchObject({ state: 'pending', redeliveries: 1, attemptCount: 1 });
    expect(await sweepLater([id])).toBe(1);
    expect(outcomes(await system.settled(id, 'delivered'))).toEqual(['1 accepted', '2 accepted']);
    expect(receiver.received).toHaveLength(2);
  });
});

describe('a worker that dies', () => {
  afterEach(() => system.restartWorker());

  describe('with deliveries that its sender has claimed', () => {
    test.each<[where: string, death: Death, requests: number]>([
      ['before it sends', before('request'), 1],
      ['after it has sent', after('request'), 2],
      ['before it records the attempt', before('statement', 'record-accepted-at-once'), 2],
    ])('%s: another sender takes them over when the lease has expired', async (_where, death, requests) => {
      const accountId = await subscribe();
      await system.stopWorker();
      const dying = await startProcess(system, 'worker', death);
      const [id] = await commitDirect(system.database.store, accountId, 1);
      expect(await dying.ended).toBe('SIGKILL');
      await system.database.store.pool.query(`UPDATE senders SET expires_at = now() - interval '1 s'`);
      await system.restartWorker();
      expect(outcomes(await system.settled(id!, 'delivered'))).toEqual(['1 interrupted', '2 accepted']);
      expect(receiver.received).toHaveLength(requests);
    });
  });

  describe('during a sweep', () => {
    test.each<[where: string, death: Death, remaining: number]>([
      ['before a workflow is started', before('start', 'delivery'), 1],
      ['before it records that a workflow was started', before('statement', 'SET owned = true'), 0],
    ])('%s: the delivery gets one workflow', async (_where, death, remaining) => {
      await system.stopWorker();
      const { deliveryIds } = await commitOnly(system.database.store, await subscribe(), EVENT.type, EVENT.data);
      const [id] = deliveryIds as [string];
      await age(system.database.store, [id], 11);
      const dying = await startProcess(system, 'worker', death);
      const maintenance = await system.client.workflow.start('maintenance', {
        taskQueue: 'pigeonpost',
        workflowId: `maintenance-${id}`,
      });
      expect(await dying.ended).toBe('SIGKILL');
      expect(await show(id)).toMatchObject({ state: 'pending', attempts: [] });
      expect(await sweepLater([id])).toBe(remaining);
      await maintenance.terminate('its worker is dead');
      await system.restartWorker();
      expect(outcomes(await system.settled(id, 'delivered'))).toEqual(['1 accepted']);
      expect(receiver.received).toHaveLength(1);
    });
  });

  describe('during an attempt', () => {
    /** How long Temporal waits for a worker that does not respond, in milliseconds. */
    const GIVEN_UP_AFTER_MS = 4_000;

    /** Starts a delivery with a short timeout for dead workers and short waits. */
    async function start(id: string, schedule = [100, 100, 100], givenUpAfterMs = GIVEN_UP_AFTER_MS): Promise<void> {
      const [deliveryStart] = await loadDeliveryStarts(system.database.store, [id]);
      const { args, ...options } = startOptions(deliveryStart!);
      const input = { ...args[0], timeLimitMs: givenUpAfterMs - ATTEMPT_MARGIN_MS, schedule };
      await system.client.workflow.start<typeof delivery>('delivery', { ...options, args: [input] });
    }

    /** Makes Temporal offer the next task to any worker at once; it would wait ten seconds for the dead one. */
    async function forgetWorker(id: string): Promise<void> {
      await system.client.workflowService.resetStickyTaskQueue({
        namespace: system.client.options.namespace,
        execution: { workflowId: `delivery-${id}` },
      });
    }

    test('shows a retry by hand as interrupted when the delivery is paused before the timeout', async () => {
      const { deliveryIds } = await commitOnly(system.database.store, await subscribe(), EVENT.type, EVENT.data);
      const [id] = deliveryIds as [string];
      receiver.reply(500, 200);
      // Long enough for another worker to get the command before that.
      await start(id, [3_600_000], 20_000);
      await system.settled(id, 'retrying');
      await system.stopWorker();
      const dying = await startProcess(system, 'worker', before('request'));
      const handle = system.client.workflow.getHandle(`delivery-${id}`);
      await handle.signal('retryNow');
      await forgetWorker(id);
      expect(await dying.ended).toBe('SIGKILL');
      await handle.signal('pause');
      await forgetWorker(id);
      await system.restartWorker();
      const paused = await eventually(
        () => show(id),
        ({ state }) => state === 'paused',
        60_000,
      );
      expect(outcomes(paused)).toEqual(['1 refused', '2 interrupted']);
      await handle.signal('retryNow');
      expect(outcomes(await system.settled(id, 'delivered'))).toEqual(['1 refused', '2 interrupted', '3 accepted']);
    });

    const LOST = ['1 interrupted', '2 accepted'];
    const pending = { state: 'pending', attempts: [] };
    // By name, as the sweep has a statement that inserts attempts too.
    const ACCEPTED = 'record-accepted-at-once';
    const REFUSED = 'record-attempts';

    test.each<[string, Death | undefined, responses: number[], afterDeath: object, requests: number, end: string[]]>([
      ['before it is loaded', before('statement', 'load-attempt-material'), [200], pending, 1, LOST],
      ['loaded, before it is admitted', before('statement', 'acquire-permit'), [200], pending, 1, LOST],
      ['admitted, before it is sent', before('request'), [200], pending, 1, LOST],
      ['sent, before the response', undefined, [200], pending, 2, LOST],
      ['accepted, before that is recorded', before('statement', ACCEPTED), [200], pending, 2, LOST],
      ['refused, before that is recorded', before('statement', REFUSED), [500, 200], pending, 2, LOST],
      [
        'accepted and recorded, before that is reported',
        after('statement', ACCEPTED),
        [200],
        { state: 'delivered', attemptCount: 1 },
        1,
        ['1 accepted'],
      ],
      [
        'refused and recorded, before that is reported',
        after('statement', REFUSED),
        [500, 200],
        { state: 'retrying', attemptCount: 1 },
        2,
        ['1 refused', '2 accepted'],
      ],
    ])('%s: another worker continues', async (_where, death, responses, afterDeath, requests, end) => {
      await system.stopWorker();
      const accountId = await subscribe({ maxConcurrentAttempts: 1 });
      const { deliveryIds } = await commitOnly(system.database.store, accountId, EVENT.type, EVENT.data);
      const [id] = deliveryIds as [string];
      const dying = await startProcess(system, 'worker', death);
      if (death) receiver.reply(...responses);
      else receiver.reply((_response: ServerResponse) => dying.kill(), ...responses);
      await start(id);
      expect(await dying.ended).toBe('SIGKILL');
      expect(await show(id)).toMatchObject(afterDeath);
      await forgetWorker(id);
      await system.restartWorker();
      await system.client.workflow.getHandle(`delivery-${id}`).result();
      const shown = await show(id);
      expect(shown).toMatchObject({ state: 'delivered', lastStatus: 200, attemptCount: end.length });
      expect(outcomes(shown)).toEqual(end);
      expect(receiver.received).toHaveLength(requests);
      // A duplicate has the same message id.
      expect(new Set(receiver.received.map(({ body }) => body)).size).toBe(1);
      expect(new Set(receiver.received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    });
  });
});
