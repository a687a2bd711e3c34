/** Temporal loses its data and is started again, empty, while API and worker keep running. */
import '../support/watch-runtime.js';
import { randomBytes } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { closeShared, openShared, runApi, runWorker } from '../../src/server/bootstrap.js';
import { loadConfig } from '../../src/config/config.js';
import { MAINTENANCE_SCHEDULE_ID } from '../../src/workflows/names.js';
import { pickPort } from '../../src/embedded/ports.js';
import { loadKeys } from '../../src/server/keys.js';
import { connectTemporal, installRuntime } from '../../src/temporal/connection.js';
import { ADMIN_KEY, askAt } from '../support/api.js';
import { openTestDatabase } from '../support/database.js';
import { startEnvironment } from '../support/ephemeral-server.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver.js';
import { fromSetup } from '../support/system.js';
import { age } from '../support/process-faults.js';

jest.setTimeout(180_000);

const undo: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

/** A Temporal server without any data or registration. */
const startTemporal = (port: number): Promise<TestWorkflowEnvironment> =>
  startEnvironment(() =>
    TestWorkflowEnvironment.createLocal({
      server: { port, executable: { type: 'existing-path', path: fromSetup('PIGEONPOST_TEST_TEMPORAL_CLI') } },
    }),
  );

test('delivers what was committed before, during and after the loss without a restart of the worker', async () => {
  const log = pino({ level: 'silent' });
  installRuntime(log);
  const [receiver, database, port] = await Promise.all([startReceiver(), openTestDatabase(), pickPort()]);
  undo.push(
    () => receiver.close(),
    () => database.close(),
  );
  const config = loadConfig({
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: `127.0.0.1:${port}`,
    PIGEONPOST_ADMIN_KEY: ADMIN_KEY,
    PIGEONPOST_ENCRYPTION_KEY: randomBytes(32).toString('base64'),
    PIGEONPOST_ALLOW_NETWORKS: '127.0.0.0/8',
    PIGEONPOST_ALLOW_HTTP: 'true',
    PIGEONPOST_PORT: '0',
    PIGEONPOST_TEMPORAL_RETENTION_DAYS: '5',
  });
  if (config.temporal.embedded) throw new Error('TEMPORAL_ADDRESS was not taken');
  const { temporal } = config;
  const first = await startTemporal(port);
  const processConfig = { config, keys: await loadKeys(config), log, databaseUrl: database.url, temporal };
  const shared = await openShared(processConfig, connectTemporal);
  undo.push(() => closeShared(shared));
  const worker = await runWorker(shared, 500);
  undo.push(() => worker.stop());
  const api = await runApi(shared, { sender: worker.sender });
  undo.push(() => api.stop());

  const ask = (method: string, path: string, body?: unknown) => askAt(api.url, method, path, body);
  const account = (await ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  await ask('POST', `/v1/accounts/${account.id}/subscriptions`, { url: receiver.url, eventTypes: [] });
  const emit = async (): Promise<string> => {
    const event = await ask('POST', `/v1/accounts/${account.id}/events`, { type: 'user.created', data: {} });
    expect(event.status).toBe(202);
    return event.body.deliveries[0].id as string;
  };
  const settled = (id: string, state: string) =>
    eventually(
      async () => (await ask('GET', `/v1/deliveries/${id}`)).body,
      (delivery) => delivery.state === state,
      60_000,
    );

  receiver.reply(503);
  const before = await emit();
  await settled(before, 'retrying');
  await first.teardown();
  receiver.reply(200);
  const during = await emit();
  const second = await startTemporal(port);
  undo.push(() => second.teardown());
  const after = await emit();

  const schedule = second.client.schedule.getHandle(MAINTENANCE_SCHEDULE_ID);
  await eventually(
    () =>
      schedule.describe().then(
        () => true,
        () => false,
      ),
    Boolean,
    60_000,
  );
  const describeNamespace = () => second.client.workflowService.describeNamespace({ namespace: temporal.namespace });
  await eventually(
    async () => Number((await describeNamespace()).config?.workflowExecutionRetentionTtl?.seconds),
    (seconds) => seconds === 5 * 86_400,
    60_000,
  );
  await age(shared.store, [before, during, after], 1_000);
  await schedule.trigger();
  for (const id of [before, during, after]) expect(await settled(id, 'delivered')).toMatchObject({ lastStatus: 200 });
});
