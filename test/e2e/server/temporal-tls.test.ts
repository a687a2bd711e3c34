/** Temporal behind TLS, as Temporal Cloud is: client certificates, API keys, and a namespace without operators' rights. */
import '../../support/watch-runtime.js';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { msToTs } from '@temporalio/common/lib/time';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { generate } from 'selfsigned';
import { searchAttributeTypes } from '../../../src/temporal/registration.js';
import { ADMIN_KEY, askAt, LOOPBACK, type Ask } from '../../support/api.js';
import { pigeonpost } from '../../support/cli.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { startEnvironment } from '../../support/ephemeral-server.js';
import { eventually } from '../../support/eventually.js';
import { certificate } from '../../support/egress.js';
import { runCommand } from '../../support/process.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { newAccount } from '../../support/samples.js';
import { fromSetup } from '../../support/system.js';
import { startTemporalProxy, type TemporalProxy, type TemporalProxyOptions } from '../../support/temporal-proxy.js';

type Settings = Record<string, string>;
type Command = ReturnType<typeof runCommand>;

const API_KEY = 'cloud-key-4711';
const OPERATOR_SERVICE = /OperatorService/;
const NO_STACK = /^ +at |node_modules|tonic|Custom \{|cloud-key/m;

jest.setTimeout(180_000);

let folder: string;
let database: TestDatabase;
let environment: TestWorkflowEnvironment;
let receiver: Receiver;
let ours: { cert: string; private: string };
let others: { cert: string; private: string };
const proxies: TemporalProxy[] = [];
const processes: Command[] = [];

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'pigeonpost-temporal-tls-'));
  [ours, others, database, environment, receiver] = await Promise.all([
    makeCertificate('ours'),
    makeCertificate('others'),
    openTestDatabase(),
    startEnvironment(() =>
      TestWorkflowEnvironment.createLocal({
        server: {
          executable: { type: 'existing-path', path: fromSetup('PIGEONPOST_TEST_TEMPORAL_CLI') },
          searchAttributes: Object.keys(searchAttributeTypes).map((name) => ({ name, type: 'KEYWORD' as const })),
        },
      }),
    ),
    startReceiver(),
  ]);
  await createNamespace('lacking');
});
afterEach(async () => {
  const ending = processes.splice(0);
  for (const { signal } of ending) signal('SIGTERM');
  await Promise.all(ending.map(({ ended }) => ended));
  await Promise.all(proxies.splice(0).map((proxy) => proxy.close()));
  receiver.clear();
});
afterAll(async () => {
  await receiver.close();
  await environment.teardown();
  await database.close();
  rmSync(folder, { recursive: true });
});

const makeCertificate = (name: string) => generate([{ name: 'commonName', value: name }], { keyType: 'ec' });

/** A namespace without search attributes. */
async function createNamespace(namespace: string): Promise<void> {
  const { workflowService, operatorService } = environment.connection;
  const workflowExecutionRetentionPeriod = msToTs('1 day');
  await workflowService.registerNamespace({ namespace, workflowExecutionRetentionPeriod });
  await eventually(
    () =>
      operatorService.listSearchAttributes({ namespace }).then(
        () => true,
        () => false,
      ),
    Boolean,
  );
}

/** A file of this test with this content; its path. */
function file(name: string, content: string | Buffer): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

async function proxy(options: TemporalProxyOptions): Promise<TemporalProxy> {
  const started = await startTemporalProxy(environment.address, options);
  proxies.push(started);
  return started;
}

const authority = (): Settings => ({
  TEMPORAL_TLS_SERVER_CA_CERT_PATH: file('ca.pem', certificate('ca.pem')),
});
const clientCertificate = (of: typeof ours): Settings => ({
  TEMPORAL_TLS_CLIENT_CERT_PATH: file('client.pem', of.cert),
  TEMPORAL_TLS_CLIENT_KEY_PATH: file('client.key', of.private),
});

const settings = (address: string, more: Settings): Settings => ({
  DATABASE_URL: database.url,
  TEMPORAL_ADDRESS: address,
  PIGEONPOST_ENCRYPTION_KEY: database.key.toString('base64'),
  PIGEONPOST_ADMIN_KEY: ADMIN_KEY,
  PIGEONPOST_ALLOW_NETWORKS: LOOPBACK.join(),
  PIGEONPOST_ALLOW_HTTP: 'true',
  PIGEONPOST_PORT: '0',
  PIGEONPOST_DATA_DIR: folder,
  ...more,
});

/** Starts an API and a worker with these settings. */
async function start(env: Settings): Promise<{ ask: Ask; api: Command; worker: Command }> {
  const [api, worker] = [runCommand('api', env), runCommand('worker', env)];
  processes.push(api, worker);
  const url = () => /http:\/\/127\.0\.0\.1:\d+/.exec(api.printed())?.[0];
  await eventually(
    async () => [url(), worker.printed()] as const,
    ([address, printed]) => address !== undefined && printed.includes('the worker runs'),
    120_000,
  );
  return { ask: (...request) => askAt(url()!, ...request), api, worker };
}

/** Emits an event; its delivery, once a workflow of it has delivered it. */
async function deliver(ask: Ask): Promise<Record<string, unknown>> {
  const account = await newAccount(ask, 'standard', { workflows: 'always' });
  await ask('POST', `/v1/accounts/${account.id}/subscriptions`, { url: receiver.url, eventTypes: [] });
  const event = await ask('POST', `/v1/accounts/${account.id}/events`, { type: 'user.created', data: {} });
  await receiver.waitFor(1);
  return eventually(
    async () => (await ask('GET', `/v1/deliveries/${event.body.deliveries[0].id}`)).body,
    ({ state }) => state === 'delivered',
  );
}

/** Runs a worker that cannot start; the line that says why. */
async function failed(env: Settings): Promise<string> {
  const worker = runCommand('worker', env);
  expect(await worker.ended).toBe(1);
  const printed = worker.printed();
  expect(printed).not.toMatch(NO_STACK);
  return printed.split('\n').find((line) => line.startsWith('pigeonpost: ')) ?? printed;
}

test('an API and a worker deliver with a client certificate', async () => {
  const cloud = await proxy({ clientCa: ours.cert });
  const { ask } = await start(settings(cloud.address, { ...authority(), ...clientCertificate(ours) }));
  expect(await deliver(ask)).toMatchObject({ state: 'delivered' });
  expect(new Set(cloud.calls.map(({ clientName }) => clientName))).toEqual(new Set(['ours']));
  expect((await ask('GET', '/v1/health')).body).toMatchObject({ temporal: 'ok', workers: 1 });
  const calls = cloud.calls.map(({ path }) => path.split('/').at(-1));
  expect(calls).toEqual(expect.arrayContaining(['StartWorkflowExecution', 'RespondActivityTaskCompleted']));
});

test('an API key from a file is sent with the namespace, and works without the rights of an operator', async () => {
  const cloud = await proxy({ apiKey: API_KEY, denied: OPERATOR_SERVICE });
  const key = { TEMPORAL_API_KEY_FILE: file('api-key', `${API_KEY}\n`), TEMPORAL_NAMESPACE: 'default' };
  const { ask, worker } = await start(settings(cloud.address, { ...authority(), ...key }));
  expect(await deliver(ask)).toMatchObject({ state: 'delivered' });
  expect(new Set(cloud.calls.map(({ authorization }) => authorization))).toEqual(new Set([`Bearer ${API_KEY}`]));
  const ofWorkflows = cloud.calls.filter(({ path }) => /StartWorkflow|PollActivityTask|RespondWorkflow/.test(path));
  expect(new Set(ofWorkflows.map(({ namespace }) => namespace))).toEqual(new Set(['default']));
  expect(worker.printed()).toContain('cannot look for search attributes; these must be there: PigeonpostProvider');
});

test.each<[string, () => Settings, string, string]>([
  [
    'no client certificate',
    () => authority(),
    'it requires a client certificate',
    'Set TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH (or …_DATA).',
  ],
  [
    'a client certificate of others',
    () => ({ ...authority(), ...clientCertificate(others) }),
    'it does not accept the client certificate',
    'Check TEMPORAL_TLS_CLIENT_CERT_PATH and TEMPORAL_TLS_CLIENT_KEY_PATH (or …_DATA).',
  ],
  [
    'another authority',
    () => ({ TEMPORAL_TLS_SERVER_CA_CERT_DATA: others.cert, ...clientCertificate(ours) }),
    'its TLS certificate is not by an authority that is trusted here',
    'Set TEMPORAL_TLS_SERVER_CA_CERT_PATH (or …_DATA) to that authority.',
  ],
  [
    'another name',
    () => ({ ...authority(), ...clientCertificate(ours), TEMPORAL_TLS_SERVER_NAME: 'cloud.invalid' }),
    'its TLS certificate is for another name',
    'Check TEMPORAL_ADDRESS, or set TEMPORAL_TLS_SERVER_NAME to the name in the certificate.',
  ],
  [
    'no TLS',
    () => ({}),
    'it does not use the expected protocol; TLS may be enabled on one side only',
    'Set TEMPORAL_TLS=true if it uses TLS.',
  ],
])('a worker with %s ends with a line that names the setting, and the doctor says the same', async (...row) => {
  const [, changes, why, hint] = row;
  const { address } = await proxy({ clientCa: ours.cert });
  const env = settings(address, changes());
  // Where the server closes the connection before its alert is read, that is said in front of it.
  const says = new RegExp(`Temporal at ${address} cannot be used: (it closed the connection, as when )?${why}\\.`);
  const printed = await failed(env);
  expect(printed).toMatch(says);
  expect(printed.endsWith(` ${hint}`)).toBe(true);
  const { json } = await pigeonpost(['doctor', '--json'], { env });
  const findings = json.findings as { name: string }[];
  expect(findings.find(({ name }) => name === 'Temporal')).toMatchObject({
    ...{ level: 'problem', says: expect.stringMatching(says), advice: hint },
  });
});

test('a worker with an API key that is not accepted, or without one, ends with a line that says so', async () => {
  const { address } = await proxy({ apiKey: API_KEY });
  const prefix = `pigeonpost: Temporal at ${address} cannot be used: `;
  const wrong = settings(address, { ...authority(), TEMPORAL_API_KEY: 'another' });
  expect(await failed(wrong)).toContain(`${prefix}it does not accept the API key. Check TEMPORAL_API_KEY`);
  expect(await failed(settings(address, authority()))).toContain(`${prefix}it denies access. Set TEMPORAL_API_KEY`);
});

test('a worker whose API key may not use the namespace ends with a line that says so', async () => {
  const { address } = await proxy({ apiKey: API_KEY, denied: /DescribeNamespace/ });
  const printed = await failed(settings(address, { ...authority(), TEMPORAL_API_KEY: API_KEY }));
  expect(printed).toContain(
    'it does not accept the API key. Check TEMPORAL_API_KEY, and that it may use TEMPORAL_NAMESPACE',
  );
});

test('a worker that may only read in the namespace ends with a line that says so', async () => {
  const { address } = await proxy({ denied: /CreateSchedule/ });
  expect(await failed(settings(address, { ...authority(), TEMPORAL_TLS: 'true' }))).toBe(
    'pigeonpost: Temporal does not let us create a schedule in namespace default. ' +
      'Give the API key or the client certificate the permission to write in it.',
  );
});

test('a worker that may not add the search attributes that a namespace lacks ends with a line that lists them', async () => {
  const { address } = await proxy({ denied: /AddSearchAttributes/ });
  const printed = await failed(settings(address, { ...authority(), TEMPORAL_NAMESPACE: 'lacking' }));
  expect(printed).toBe(
    "pigeonpost: Temporal's namespace lacking lacks search attributes and does not let us add them. " +
      'Add as Keyword: PigeonpostProvider, PigeonpostAccount, PigeonpostSubscription, PigeonpostEventType.',
  );
});

test('where they cannot be listed either, deliveries that cannot be started say which search attribute is missing', async () => {
  const cloud = await proxy({ denied: OPERATOR_SERVICE });
  const env = settings(cloud.address, { ...authority(), TEMPORAL_TLS: 'true', TEMPORAL_NAMESPACE: 'lacking' });
  const { ask, api } = await start(env);
  const account = await newAccount(ask, 'standard', { workflows: 'always' });
  await ask('POST', `/v1/accounts/${account.id}/subscriptions`, { url: receiver.url, eventTypes: [] });
  await ask('POST', `/v1/accounts/${account.id}/events`, { type: 'user.created', data: {} });
  await eventually(
    async () => api.printed(),
    (printed) => /search attribute PigeonpostProvider/.test(printed),
  );
});
