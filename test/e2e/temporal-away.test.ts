/** The API without Temporal. */
import '../support/watch-runtime.js';
import { randomBytes } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import pino from 'pino';
import { closeShared, openShared, runApi } from '../../src/server/bootstrap.js';
import { loadConfig } from '../../src/config/config.js';
import { createEgressClient } from '../../src/egress/client.js';
import { pickPort } from '../../src/embedded/ports.js';
import { loadKeys } from '../../src/server/keys.js';
import { installRuntime, lazyTemporal } from '../../src/temporal/connection.js';
import { searchAttributeTypes } from '../../src/temporal/registration.js';
import { startWorker } from '../../src/server/worker.js';
import { ADMIN_KEY, type ApiResponse } from '../support/api.js';
import { openTestDatabase } from '../support/database.js';
import { startEnvironment } from '../support/ephemeral-server.js';
import { eventually } from '../support/eventually.js';
import { startReceiver } from '../support/receiver.js';
import { fromSetup } from '../support/system.js';
import { age, sweepOnce } from '../support/process-faults.js';

const undo: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const step of undo.reverse()) await step();
});

test('starts and accepts events without Temporal, and starts deliveries when Temporal is available', async () => {
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
  });
  if (config.temporal.embedded) throw new Error('TEMPORAL_ADDRESS was not taken');
  const { temporal } = config;
  const processConfig = { config, keys: await loadKeys(config), log, databaseUrl: database.url, temporal };
  const api = await openShared(processConfig, lazyTemporal);
  undo.push(() => closeShared(api));
  const running = await runApi(api, {});
  undo.push(() => running.stop());

  const ask = async (method: string, path: string, body?: unknown): Promise<Pick<ApiResponse, 'status' | 'body'>> => {
    const headers = { authorization: `Bearer ${ADMIN_KEY}`, 'content-type': 'application/json' };
    const response = await fetch(`${running.url}${path}`, {
      method,
      headers,
      ...(body ? { body: JSON.stringify(body) } : {}),
    });
    return { status: response.status, body: await response.json() };
  };
  const account = (await ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  await ask('POST', `/v1/accounts/${account.id}/subscriptions`, { url: receiver.url, eventTypes: [] });
  const event = await ask('POST', `/v1/accounts/${account.id}/events`, { type: 'user.created', data: {} });
  expect(event.status).toBe(202);
  expect(await ask('GET', '/readyz')).toEqual({
    status: 200,
    body: { status: 'ok', database: 'ok', schema: 'ok' },
  });
  expect(await ask('GET', '/v1/health')).toEqual({
    status: 200,
    body: { database: 'ok', schema: 'ok', temporal: 'unavailable', workers: null, unreconciled: 0 },
  });

  await startTemporalWithWorker();
  await eventually(
    () => ask('GET', '/v1/health'),
    ({ body }) => body.temporal === 'ok',
  );
  const [{ id }] = event.body.deliveries;
  await age(api.store, [id], 60);
  await sweepOnce(api.store, api.access.client);
  expect((await receiver.waitFor(1))[0]!.headers['webhook-id']).toBe(`msg_${event.body.id.slice('evt_'.length)}`);

  async function startTemporalWithWorker(): Promise<void> {
    const environment = await startEnvironment(() =>
      TestWorkflowEnvironment.createLocal({
        server: {
          port,
          executable: { type: 'existing-path', path: fromSetup('PIGEONPOST_TEST_TEMPORAL_CLI') },
          searchAttributes: Object.keys(searchAttributeTypes).map((name) => ({ name, type: 'KEYWORD' as const })),
        },
      }),
    );
    undo.push(() => environment.teardown());
    const egress = createEgressClient({ ...config.egress, maxResponseBytes: 16_384 });
    undo.push(() => egress.close());
    const worker = await startWorker({
      connection: environment.nativeConnection,
      namespace: temporal.namespace,
      store: api.store,
      egress,
      log,
      workflowBundle: { codePath: fromSetup('PIGEONPOST_TEST_WORKFLOW_BUNDLE') },
    });
    undo.push(() => worker.stop());
  }
});
