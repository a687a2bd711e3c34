import '../../support/watch-runtime.js';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { DefaultLogger, Runtime, Worker } from '@temporalio/worker';
import { findTemporalTestServer } from '../../support/temporal-test-server.js';
import { memoryLog } from '../../support/embedded.js';
import { type oneDay } from './skipping.workflow.js';

test('is the configured one', async () => {
  const config = { temporalTestServer: '/the/server', cacheDir: '/no/where' };
  expect(await findTemporalTestServer(config, memoryLog())).toBe('/the/server');
});

test('skips time', async () => {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const path = process.env.PIGEONPOST_TEST_TIME_SKIPPING_SERVER!;
  const environment = await TestWorkflowEnvironment.createTimeSkipping({
    server: { executable: { type: 'existing-path', path } },
  });
  try {
    const worker = await Worker.create({
      connection: environment.nativeConnection,
      taskQueue: 'skipping',
      workflowsPath: require.resolve('./skipping.workflow'),
    });
    const startedMs = await environment.currentTimeMs();
    const run = environment.client.workflow.execute<typeof oneDay>('oneDay', {
      taskQueue: 'skipping',
      workflowId: 'day',
    });
    expect(await worker.runUntil(run)).toBe('done');
    expect((await environment.currentTimeMs()) - startedMs).toBeGreaterThanOrEqual(86_400_000);
  } finally {
    await environment.teardown();
  }
});
