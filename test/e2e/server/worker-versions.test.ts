/** Builds of workers beside each other, by Temporal's Worker Versioning, on a real Temporal server. */
import { deliveryWorkflowId } from '../../../src/workflows/names.js';
import { eventually } from '../../support/eventually.js';
import { environmentOf, runCommand } from '../../support/process.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { startSystem, type TestSystem } from '../../support/system.js';

jest.setTimeout(180_000);

/** Maximum wait of one condition on a busy machine, in milliseconds. */
const MAX_WAIT_MS = 60_000;

let system: TestSystem;
let receiver: Receiver;
let accountId: string;
const workers: ReturnType<typeof runCommand>[] = [];

const environment = (buildId: string) => ({
  ...environmentOf(system),
  PIGEONPOST_WORKER_DEPLOYMENT: 'shop',
  PIGEONPOST_WORKER_BUILD_ID: buildId,
});

/** Starts a worker of a build and waits for what it says of its build. */
async function startBuild(buildId: string): Promise<ReturnType<typeof runCommand>> {
  const worker = runCommand('worker', environment(buildId));
  workers.push(worker);
  const says = `this worker is build ${buildId}`;
  await eventually(
    async () => worker.printed(),
    (printed) => printed.includes(says),
    MAX_WAIT_MS,
  );
  return worker;
}

async function versions(...args: string[]): Promise<{ code: number | null; printed: string }> {
  const command = runCommand('worker-versions', environment('0.1.0'), ...args);
  return { code: await command.ended, printed: command.printed() };
}

async function emit(): Promise<string> {
  const { body } = await system.ask('POST', `/v1/accounts/${accountId}/events`, { type: 'user.created', data: {} });
  return body.deliveries[0].id;
}

/** The builds that completed the workflow tasks of a delivery, one after the other. */
async function buildsOf(id: string): Promise<(string | null | undefined)[]> {
  const { events } = await system.client.workflow.getHandle(deliveryWorkflowId(id)).fetchHistory();
  const completed = events!.flatMap(({ workflowTaskCompletedEventAttributes: task }) => (task ? [task] : []));
  return completed.map(({ deploymentVersion }) => deploymentVersion?.buildId);
}

beforeAll(async () => {
  [system, receiver] = await Promise.all([startSystem(), startReceiver()]);
  await system.stopWorker();
  accountId = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body.id;
  const policy = { schedule: { waits: [3_600] } };
  await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, { url: receiver.url, eventTypes: [], policy });
});
afterAll(async () => {
  for (const worker of workers) worker.signal('SIGTERM');
  await Promise.all(workers.map(({ ended }) => ended));
  await receiver.close();
  await system.stop();
});

test('a build gets deliveries when it is made current, and says so at its start', async () => {
  const first = await startBuild('0.1.0');
  expect(first.printed()).toContain('it gets no workflows before `pigeonpost worker-versions use 0.1.0`');
  const waiting = await emit();
  expect(await versions('use')).toEqual({ code: 0, printed: expect.stringMatching(/^0\.1\.0 +current/m) });
  await system.settled(waiting, 'delivered');
  expect(new Set(await buildsOf(waiting))).toEqual(new Set(['0.1.0']));
});

test('a delivery under retry continues on the next build', async () => {
  receiver.reply(500);
  const retrying = await emit();
  await system.settled(retrying, 'retrying');
  receiver.reply(200);
  await startBuild('0.2.0-rc.1+7');
  expect((await versions('use', '0.2.0-rc.1+7')).code).toBe(0);
  await system.ask('POST', `/v1/deliveries/${retrying}/retry`);
  await system.settled(retrying, 'delivered');
  const builds = await buildsOf(retrying);
  expect([builds[0], builds.at(-1)]).toEqual(['0.1.0', '0.2.0-rc.1+7']);
});

test('a share of the deliveries goes to a build that is tried out, and all of them back to the former one', async () => {
  expect((await versions('use', '0.1.0', '--percent', '25')).printed).toMatch(/^0\.1\.0 +ramping \(25 %\)/m);
  expect((await versions('use', '0.1.0')).code).toBe(0);
  const listed = await versions('list', '--json');
  expect(JSON.parse(listed.printed.replace(/^Node\.js 20 .*\n/, ''))).toEqual([
    {
      buildId: '0.2.0-rc.1+7',
      state: expect.stringMatching(/^(draining|drained|inactive)$/),
      createdAt: expect.any(String),
    },
    { buildId: '0.1.0', state: 'current', createdAt: expect.any(String) },
  ]);
  const id = await emit();
  await system.settled(id, 'delivered');
  expect(new Set(await buildsOf(id))).toEqual(new Set(['0.1.0']));
});

test('a build without a worker is refused', async () => {
  const { code, printed } = await versions('use', '0.3.0', '--wait', '0');
  expect(code).toBe(1);
  expect(printed).toContain('No worker of build 0.3.0 in the deployment shop asks Temporal for work');
});
