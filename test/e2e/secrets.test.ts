/** No secret leaks: everything that the system writes is searched for every secret that it was given. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InMemorySpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-node';
import pino from 'pino';
import { contractOf } from '../../src/providers/registry.js';
import { startTracing } from '../../src/telemetry/tracing.js';
import { installRuntimeWithMetrics } from '../../src/server/telemetry.js';
import { ADMIN_KEY, type ApiResponse } from '../support/api.js';
import { Canaries, readable } from '../support/canaries.js';
import { startReceiver, type Receiver } from '../support/receiver.js';
import { startSystem, type TestSystem } from '../support/system.js';

const HOST = 'hooks.example.test';
const certificate = (name: string): string => readFileSync(join(__dirname, '../support/certs', name), 'utf8');

const secretCanaries = new Canaries();
const logged: string[] = [];
const spans = new InMemorySpanExporter();
let system: TestSystem;
let receiver: Receiver;
let endTracing: () => Promise<void>;

beforeAll(async () => {
  endTracing = startTracing(pino({ level: 'silent' }), new SimpleSpanProcessor(spans));
  secretCanaries.know('the admin key', ADMIN_KEY);
  receiver = await startReceiver({ tls: { key: certificate('server.key'), cert: certificate('server.pem') } });
  // Accepts, or refuses and echoes the request, as debugging receivers do.
  receiver.reply((response, { path, headers, body }) => {
    if (path.startsWith('/ok')) return void response.writeHead(200).end();
    const authorization = headers.authorization ?? '';
    response
      .writeHead(path === '/gone' ? 410 : 500, { 'x-echo': authorization || 'none' })
      .end(JSON.stringify({ headers, body }));
  });
  system = await startSystem(
    {
      resolve: [{ host: HOST, port: 443, address: '127.0.0.1', targetPort: receiver.port }],
      extraCa: certificate('ca.pem'),
    },
    pino({ level: 'trace' }, { write: (line) => void logged.push(line) }),
    { install: installRuntimeWithMetrics },
  );
});

afterAll(async () => {
  await endTracing();
  await system.stop();
  await receiver.close();
});

/** The contract's own fields of subscriptions; their secrets are canaries. */
interface Plan {
  readonly eventType: string;
  readonly own: () => Record<string, unknown>;
  /** Credentials of the URL, with the @ after them. */
  readonly userinfo?: () => string;
  /** A secret to rotate to. */
  readonly newSecret?: () => string;
}

const plans: Record<string, Plan> = {
  standard: {
    eventType: 'user.created',
    own: () => ({ secret: secretCanaries.signingSecret('a signing secret of standard') }),
    newSecret: () => secretCanaries.signingSecret('a rotated signing secret of standard'),
  },
  postack: {
    eventType: 'message.received',
    own: () => ({ secret: secretCanaries.signingSecret('a signing secret of postack') }),
    userinfo: () => credentials('postack'),
    newSecret: () => secretCanaries.signingSecret('a rotated signing secret of postack'),
  },
  postmark: {
    eventType: 'Bounce',
    own: () => ({ messageStream: 'outbound', httpAuth: basicAuth() }),
  },
  postscript: { eventType: 'shop.incoming_message', own: () => ({}) },
  postpress: { eventType: 'message_received', own: () => ({ source: 'messaging' }) },
  bird: {
    eventType: 'sms.inbound',
    own: () => ({ service: 'channels', signingKey: secretCanaries.text('a signing key of bird') }),
    newSecret: () => secretCanaries.text('a rotated signing key of bird'),
  },
};

function credentials(provider: string): string {
  const password = secretCanaries.text(`a password in an address of ${provider}`);
  secretCanaries.know(`credentials of an address of ${provider} in base64`, base64(`kim:${password}`));
  return `kim:${password}@`;
}

function basicAuth() {
  const password = secretCanaries.text('a password of postmark');
  secretCanaries.know('credentials of postmark in base64', base64(`kim:${password}`));
  return { username: 'kim', password };
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');
const secretHeaders = (provider: string) => ({ 'X-Token': `Bearer ${secretCanaries.text(`a header of ${provider}`)}` });

/** Sends a request and records the response; `except` are secrets that the response is documented to contain. */
async function ask(method: string, path: string, body?: unknown, headers?: Record<string, string>, except?: string[]) {
  const reply = await system.ask(method, path, body, headers);
  note(`${method} ${path}`, reply, except);
  return reply;
}

function note(where: string, { status, text, headers }: ApiResponse, except?: string[]): void {
  secretCanaries.write(`the response ${status} to ${where}`, `${JSON.stringify([...headers])}\n${text}`, except);
}

/** Only the response to creating contains keys and secrets. */
async function create(path: string, body: unknown) {
  const reply = await system.ask('POST', path, body);
  expect(reply).toMatchObject({ status: 201 });
  return reply.body;
}

async function run(provider: string, { eventType, own, userinfo, newSecret }: Plan): Promise<void> {
  const account = await create('/v1/accounts', { provider, name: 'Acme' });
  secretCanaries.know(`an API key of ${provider}`, account.apiKey);
  const base = `/v1/accounts/${account.id}`;
  secretCanaries.know(`a second API key of ${provider}`, (await create(`${base}/keys`, {})).apiKey);
  const subscribe = async (at: string) => {
    const url = at.replace('//', `//${userinfo?.() ?? ''}`);
    const fields = { url, eventTypes: [eventType], headers: secretHeaders(provider), ...own() };
    const subscription = await create(`${base}/subscriptions`, fields);
    const { body } = await system.ask('GET', `/v1/subscriptions/${subscription.id}/secret`);
    if (body.secret !== undefined) secretCanaries.know(`the secret of a subscription of ${provider}`, body.secret);
    return subscription.id as string;
  };
  const subscriptions: string[] = [];
  for (const at of [`https://${HOST}/ok`, `https://${HOST}/refused`, 'https://nowhere.example.test/']) {
    subscriptions.push(await subscribe(at));
  }
  const [accepting, refusing] = subscriptions as [string, string];

  const data = contractOf(provider).findEvent(eventType)?.example;
  const event = await ask(
    'POST',
    `${base}/events`,
    { type: eventType, data },
    { 'idempotency-key': `once-${provider}` },
  );
  expect(event.body.deliveries).toHaveLength(3);
  const deliveryOf = (subscriptionId: string): string =>
    event.body.deliveries.find((each: { subscriptionId: string }) => each.subscriptionId === subscriptionId).id;
  await system.settled(deliveryOf(accepting), 'delivered');
  await ask('POST', `/v1/deliveries/${deliveryOf(accepting)}/redeliver`, { allowDelivered: true });
  for (const id of subscriptions.slice(1)) await system.settled(deliveryOf(id), 'retrying');
  await ask('POST', `/v1/deliveries/${deliveryOf(refusing)}/retry`);

  const sent = await ask('POST', `/v1/subscriptions/${accepting}/test`);
  await system.settled(sent.body.deliveries[0].id, 'delivered');
  if (newSecret) {
    const rotated = await system.ask('POST', `/v1/subscriptions/${accepting}/rotate-secret`, { secret: newSecret() });
    expect(rotated.status).toBe(200);
    const again = await ask('POST', `/v1/subscriptions/${accepting}/test`);
    await system.settled(again.body.deliveries[0].id, 'delivered');
  }
  await ask('PATCH', `/v1/subscriptions/${accepting}`, { headers: secretHeaders(provider) });
  await refusals(base, provider, { url: `https://${HOST}/`, eventTypes: [eventType], ...own() });

  for (const path of [base, `${base}/keys`, `${base}/subscriptions`, `/v1/events/${event.body.id}`]) {
    await ask('GET', path);
  }
  for (const id of subscriptions) {
    await ask('GET', `/v1/subscriptions/${id}`);
    await ask('GET', `/v1/deliveries/${deliveryOf(id)}`);
  }
  await ask('POST', `/v1/deliveries/${deliveryOf(refusing)}/cancel`, {});
  await system.settled(deliveryOf(refusing), 'cancelled');
}

/** Requests that cannot be accepted, full of secrets. */
async function refusals(base: string, provider: string, fields: Record<string, unknown>): Promise<void> {
  const secret = (): string => secretCanaries.text(`a secret in a refused request of ${provider}`);
  const wrong: Record<string, unknown>[] = [
    { ...fields, url: `ftp://kim:${secret()}@${HOST}/` },
    { ...fields, url: `https://kim:${secret()}@10.0.0.1/` },
    { ...fields, url: `https://kim:${secret()}@[nowhere` },
    { ...fields, headers: { 'X-Token': `${secret()}\n` } },
    { ...fields, headers: { Host: secret() } },
    { ...fields, headers: { 'X-Token': [secret()] } },
    { ...fields, secret: { secret: secret() } },
    { ...fields, httpAuth: secret() },
    { ...fields, signingKey: [secret()] },
    { ...fields, unknown: secret() },
  ];
  for (const body of wrong) expect((await ask('POST', `${base}/subscriptions`, body)).status).toBe(422);
  expect((await ask('POST', `${base}/subscriptions`, `{"secret": ${secret()}}`)).status).toBe(400);
  const unauthorized = { authorization: `Bearer ${secret()}` };
  expect((await ask('GET', base, undefined, unauthorized)).status).toBe(401);
}

/** The providers' own APIs. When they are documented to return the owners' own values, these are excepted. */
async function runNativeApis(): Promise<void> {
  const open = async (provider: string, settings = {}) => {
    const account = await create('/v1/accounts', { provider, name: 'Native', settings });
    secretCanaries.know(`an API key for the own API of ${provider}`, account.apiKey);
    return account;
  };
  const url = `https://${HOST}/ok`;
  const native = (headers: Record<string, string>, except: string[] = []) => {
    return async (method: string, path: string, body?: unknown, status = 200) => {
      const reply = await ask(method, path, body, { authorization: '', ...headers }, except);
      expect({ path, status: reply.status }).toEqual({ path, status });
      return reply.body;
    };
  };
  const header = (provider: string): string => secretCanaries.text(`a header given to the own API of ${provider}`);

  const postack = await open('postack');
  const svix = native({ authorization: `Bearer ${postack.apiKey}` });
  const once = native({ authorization: `Bearer ${postack.apiKey}`, 'idempotency-key': 'native' });
  const endpoints = `/api/v1/app/${postack.scope.appId}/endpoint`;
  const endpoint = {
    url: `https://${credentials('the own API of postack')}${HOST}/ok`,
    headers: { Authorization: header('postack') },
    secret: secretCanaries.signingSecret('a signing secret given to the own API of postack'),
  };
  const { id: endpointId } = await once('POST', endpoints, endpoint, 201);
  await svix('GET', endpoints);
  await svix('GET', `${endpoints}/${endpointId}`);
  await svix('GET', `${endpoints}/${endpointId}/headers`);
  await svix('PATCH', `${endpoints}/${endpointId}`, { description: 'edited' });
  const key = secretCanaries.signingSecret('a signing secret rotated by the own API of postack').slice('whsec_'.length);
  await svix('POST', `${endpoints}/${endpointId}/secret/rotate`, { key }, 204);
  await svix('POST', `${endpoints}/${endpointId}/send-example`, { eventType: 'message.received' }, 202);
  await svix('POST', endpoints, { ...endpoint, headers: { 'svix-id': header('postack') } }, 422);

  const token = header('postmark');
  const httpAuth = basicAuth();
  const postmark = await open('postmark', { contract: '2026' });
  const webhook = {
    Url: `https://${HOST}/refused`,
    HttpAuth: { Username: httpAuth.username, Password: httpAuth.password },
    HttpHeaders: [{ Name: 'X-Token', Value: token }],
    Triggers: { Bounce: { Enabled: true } },
  };
  const send = native({ 'x-postmark-server-token': postmark.apiKey }, [token, httpAuth.password]);
  const silent = native({ 'x-postmark-server-token': postmark.apiKey });
  // The receiver refuses the test and echoes the request.
  await silent('POST', '/webhooks', webhook, 422);
  const { ID } = await send('POST', '/webhooks', { ...webhook, Url: url });
  await send('GET', '/webhooks');
  await send('PUT', `/webhooks/${ID}`, { Triggers: { Delivery: { Enabled: true } } });
  await silent('POST', `/webhooks/${ID}/verify`);
  await silent('GET', `/webhooks/${ID}/statistics`);

  const shopHeader = header('postscript');
  const postscript = await open('postscript');
  const shop = native({ authorization: `Bearer ${postscript.apiKey}` }, [shopHeader]);
  const subscription = { callback_url: url, event: 'shop.incoming_message', headers: { 'X-Token': shopHeader } };
  await shop('POST', '/api/v2/webhooks', subscription);
  const shopToken = await system.ask('GET', '/api/v2/webhooks/token', undefined, {
    authorization: `Bearer ${postscript.apiKey}`,
  });
  secretCanaries.know('the token of a shop of postscript', shopToken.body.token);
  await shop('GET', '/api/v2/webhooks');
  await shop('GET', '/api/v2/webhooks/example?event=shop.incoming_message');
  await shop('POST', '/api/v2/webhooks/test', { event: 'shop.incoming_message' }, 202);

  const ownHeader = header('postpress');
  const postpress = await open('postpress');
  const unipile = native({ 'x-api-key': postpress.apiKey }, [ownHeader]);
  const headers = [{ key: 'X-Token', value: ownHeader }];
  await unipile('POST', '/api/v1/webhooks', { source: 'messaging', request_url: url, headers }, 201);
  await unipile('GET', '/api/v1/webhooks');

  const bird = await open('bird', { showSigningKey: false });
  const { organizationId, workspaceId } = bird.scope;
  const hooks = `/organizations/${organizationId}/workspaces/${workspaceId}/webhook-subscriptions`;
  const birdApi = native({ authorization: `AccessKey ${bird.apiKey}` });
  const signingKey = secretCanaries.text('a signing key given to the own API of bird');
  const { id } = await birdApi('POST', hooks, { service: 'channels', event: 'sms.inbound', url, signingKey }, 201);
  await birdApi('GET', hooks);
  await birdApi('GET', `${hooks}/${id}`);
  await birdApi('GET', `${hooks}/${id}/logs`);
}

test('has no secret in a response, a log, a metric, a span, a history or the database', async () => {
  for (const [provider, plan] of Object.entries(plans)) await run(provider, plan);
  await runNativeApis();
  for (const path of ['/v1/accounts', '/v1/deliveries', '/openapi.json', '/readyz', '/metrics', '/v1/nowhere']) {
    await ask('GET', path);
  }
  const { data: accounts } = (await ask('GET', '/v1/accounts?provider=standard')).body;
  const gone = { url: `https://${HOST}/gone`, eventTypes: [], headers: secretHeaders('standard') };
  const { id: goneId } = await create(`/v1/accounts/${accounts[0].id}/subscriptions`, gone);
  const ended = await ask('POST', `/v1/subscriptions/${goneId}/test`);
  await system.settled(ended.body.deliveries[0].id, 'failed');
  await ask('GET', `/v1/deliveries/${ended.body.deliveries[0].id}`);
  // An internal error is logged with all its details.
  await system.database.store.pool.query('ALTER TABLE subscriptions ADD CONSTRAINT refuses CHECK (false) NOT VALID');
  const unlucky = { url: `https://${HOST}/`, eventTypes: [], headers: secretHeaders('standard') };
  expect((await ask('POST', `/v1/accounts/${accounts[0].id}/subscriptions`, unlucky)).status).toBe(500);
  await system.restartWorker();

  await secretCanaries.readTemporal(system.client);
  await secretCanaries.readDatabase(system.database.store);
  secretCanaries.write('the log', logged.join(''));
  for (const span of spans.getFinishedSpans()) {
    const { name, attributes, status, events, links } = span;
    secretCanaries.write(`the span ${name}`, readable({ name, attributes, status, events, links }));
  }

  // The search had data, in a searchable form.
  expect(secretCanaries.count(/^the history of delivery-/, 'scheduleToCloseTimeout')).toBeGreaterThanOrEqual(6 * 5);
  expect(secretCanaries.count(/^the history of delivery-/, 'the receiver responded with 410')).toBe(1);
  expect(secretCanaries.count(/^the description of delivery-/, 'next attempt in')).toBeGreaterThanOrEqual(6);
  expect(secretCanaries.count(/^the description of delivery-/, `→ ${HOST}`)).toBeGreaterThanOrEqual(6 * 5);
  expect(secretCanaries.count(/^the table attempts$/, '***')).toBe(1);
  expect(secretCanaries.count(/^the log/, 'request failed')).toBe(1);
  expect(secretCanaries.count(/^the log/, 'attempt refused')).toBe(1);
  expect(secretCanaries.count(/^the response 200 to GET \/metrics/, 'temporal_activity_task_received_total')).toBe(1);
  expect(secretCanaries.count(/^the span attempt/, HOST)).toBeGreaterThanOrEqual(6 * 4);
  expect(secretCanaries.count(/^the span emit/, 'pigeonpost.account.id')).toBeGreaterThanOrEqual(6);
  expect(receiver.received.some(({ headers }) => 'authorization' in headers)).toBe(true);
  expect(secretCanaries.found()).toEqual([]);
});
