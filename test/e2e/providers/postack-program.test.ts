/**
 * A program over all resources of Svix's API, by the unmodified clients of both lines, against a live system. Every method
 * of a client is called: those that work here, and those that docs/contracts/postack.md gives a reason for.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Svix as Svix1, Webhook, ApiException, messageInRaw, type MessageOut } from 'svix';
import { ApiException as LatestException } from 'svix-latest';
import { eventually } from '../../support/eventually.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { clients, lines, methodsOf, reasonKeyOf, type Line } from '../../support/svix-methods.js';
import { startSystem, type TestSystem } from '../../support/system.js';
import { TASK_QUEUE } from '../../../src/workflows/names.js';

const HOST = 'https://hooks.example.test';
const SECRET = 'whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3';

let system: TestSystem;
let receiver: Receiver;

beforeAll(async () => {
  const certs = join(__dirname, '../../support/certs');
  const pem = (name: string): string => readFileSync(join(certs, name), 'utf8');
  receiver = await startReceiver({ tls: { key: pem('server.key'), cert: pem('server.pem') } });
  system = await startSystem({
    resolve: [{ host: 'hooks.example.test', port: 443, address: '127.0.0.1', targetPort: receiver.port }],
    extraCa: pem('ca.pem'),
  });
});
afterAll(async () => {
  await system.stop();
  await receiver.close();
});
beforeEach(() => {
  receiver.clear();
  receiver.reply(200);
});

/** Ends a delivery with its first attempt. */
const refuse = (): void =>
  receiver.reply((response) => response.writeHead(500, { 'webhook-delivery': 'abort-message' }).end('no'));

interface Environment {
  readonly id: string;
  readonly apiKey: string;
  readonly scope: { readonly appId: string };
}

const newEnvironment = async (): Promise<Environment> =>
  (await system.ask('POST', '/v1/accounts', { provider: 'postack', name: 'Acme' })).body;

/** What responses have, whatever method it is. */
interface Loose {
  readonly id: string;
  readonly key: string;
  readonly data: readonly unknown[];
  readonly headers: unknown;
}

/** A client whose successful calls are recorded. */
function recording(line: Line, { apiKey }: Environment) {
  const client = new clients[line](apiKey, { serverUrl: system.url });
  const called = new Set<string>();
  const wrap = (owner: object, path: readonly string[]): object =>
    new Proxy(owner, {
      get(target, key) {
        const value: unknown = Reflect.get(target, key);
        const name = [...path, String(key)];
        if (typeof value === 'function' && path.length > 0)
          return async (...args: unknown[]) => {
            const result: unknown = await (value as (...args: unknown[]) => unknown).apply(target, args);
            called.add(name.join('.'));
            return result;
          };
        return typeof value === 'object' && value !== null ? wrap(value, name) : value;
      },
    });
  // The methods of the first line are a superset for what both have.
  return { svix: wrap(client, []) as Svix1, client, called };
}

const failureOf = (call: Promise<unknown>): Promise<{ code: number; body: unknown }> =>
  call.then(
    () => Promise.reject(new Error('the call was successful')),
    (error: unknown) => {
      if (!(error instanceof ApiException || error instanceof LatestException)) throw error;
      return error as { code: number; body: unknown };
    },
  );

describe.each(lines)('the client of the line %s', (line) => {
  let environment: Environment;
  let svix: Svix1;
  let called: Set<string>;
  let all: string[];
  let recorded: ReturnType<typeof recording>;

  beforeAll(async () => {
    environment = await newEnvironment();
    recorded = recording(line, environment);
    ({ svix, called } = recorded);
    all = methodsOf(recorded.client).map(({ name }) => name);
  });

  /** A resource with the methods of either line. */
  const loose = (resource: object): Record<string, (...args: unknown[]) => Promise<Loose>> => resource as never;
  const has = (name: string): boolean => all.includes(name);
  const waitForTask = (id: string) =>
    eventually(
      () => svix.backgroundTask.get(id),
      ({ status }) => String(status) !== 'running',
    );

  test('manages applications', async () => {
    const { application } = svix;
    const created = await application.create({ name: 'One', uid: 'one', metadata: { team: 'a' }, throttleRate: 7 });
    expect(created).toMatchObject({ name: 'One', uid: 'one', metadata: { team: 'a' }, throttleRate: 7 });
    expect(created.id).toMatch(/^app_[A-Za-z0-9]{27}$/);
    expect((await application.getOrCreate({ name: 'Other', uid: 'one' })).id).toBe(created.id);
    expect((await application.getOrCreate({ name: 'Two', uid: 'two' })).id).not.toBe(created.id);
    expect(await application.get('one')).toEqual(created);
    expect((await failureOf(application.create({ name: 'One', uid: 'one' }))).code).toBe(409);
    const replace = has('application.upsert') ? 'upsert' : 'update';
    const replaced = await loose(application)[replace]!(created.id, { name: 'First', uid: 'first' });
    expect(replaced).toMatchObject({ id: created.id, name: 'First', uid: 'first', metadata: {} });
    expect(await application.patch('first', { name: 'Again' })).toMatchObject({ name: 'Again', uid: 'first' });
    const seen: string[] = [];
    for (let iterator: string | null = null, done = false; !done;) {
      const page = await application.list({ limit: 1, iterator });
      seen.push(...page.data.map(({ name }) => name));
      ({ iterator, done } = page);
    }
    expect(seen).toEqual(['Two', 'Again', 'Acme']);
    await application.delete('two');
    expect((await failureOf(application.get('two'))).code).toBe(404);
    expect((await failureOf(application.delete(environment.scope.appId))).code).toBe(403);
  });

  test('makes links to the portal of an application, and ends them', async () => {
    const { authentication } = svix;
    const { id: appId } = await svix.application.create({ name: 'Portal', uid: 'portal' });
    const { id: otherId } = await svix.application.create({ name: 'Other portal' });
    const me = async (token: string) =>
      (await system.ask('GET', '/v1/me', undefined, { authorization: `Bearer ${token}` })).body;
    const link = await authentication.appPortalAccess('portal');
    expect(Object.keys(link).sort()).toEqual(['token', 'url']);
    expect(link.url).toBe(`${system.url}/portal#token=${link.token}`);
    const everything = ['send_again', 'show_secrets', 'manage_subscriptions'];
    const seen = await me(link.token);
    expect(seen).toMatchObject({ role: 'account', account: { name: 'Portal', provider: 'postack' } });
    expect([...seen.portal.capabilities].sort()).toEqual([...everything].sort());
    const lasts = (Date.parse(seen.portal.expiresAt as string) - Date.now()) / 1_000;
    expect(lasts).toBeGreaterThan(604_800 - 600);

    for (const [input, capabilities] of [
      [{ readOnly: true }, []],
      [{ capabilities: ['ViewBase'] }, []],
      [{ capabilities: ['ViewBase', 'ManageTransformations'] }, []],
      [{ capabilities: ['ViewBase', 'ViewEndpointSecret'] }, ['view_secrets']],
      [{ capabilities: ['ViewBase', 'ManageEndpointSecret'] }, ['show_secrets']],
      [{ capabilities: ['ViewBase', 'CreateAttempts'] }, ['send_again']],
      [{ capabilities: ['ViewBase', 'ManageEndpoint'] }, ['manage_subscriptions', 'show_secrets']],
    ] as const) {
      const { token } = (await loose(authentication).appPortalAccess!(appId, {
        ...input,
        expiry: 3_600,
      })) as unknown as { token: string };
      expect([input, (await me(token)).portal.capabilities]).toEqual([input, capabilities]);
    }
    for (const [input, name] of [
      [{ capabilities: ['ViewEndpointSecret'] }, 'capabilities'],
      [{ capabilities: ['ViewBase', 'Everything'] }, 'capabilities'],
      [{ expiry: 3_599 }, 'expiry'],
      [{ expiry: 604_801 }, 'expiry'],
      [{ sessionId: 'a b' }, 'sessionId'],
    ] as const) {
      const refused = await failureOf(loose(authentication).appPortalAccess!(appId, input));
      expect(refused).toMatchObject({ code: 422, body: { detail: [{ loc: ['body', name] }] } });
    }
    expect((await failureOf(authentication.appPortalAccess('implicit-portal'))).code).toBe(404);
    const application = { name: 'Made with a link', uid: 'implicit-portal' };
    await authentication.appPortalAccess('implicit-portal', { application });
    expect((await svix.application.get('implicit-portal')).name).toBe(application.name);

    const once = { idempotencyKey: 'link-1' };
    const first = await authentication.appPortalAccess(appId, {}, once);
    expect(await authentication.appPortalAccess(appId, {}, once)).toEqual(first);
    const { rows } = await system.database.store.pool.query('SELECT response::text FROM idempotency_keys');
    expect(JSON.stringify(rows)).not.toContain(first.token);

    // A token of the portal is for /v1, and can log itself out.
    const own = recording(line, { ...environment, apiKey: link.token });
    expect((await failureOf(own.svix.endpoint.list(appId))).code).toBe(401);
    await own.svix.authentication.logout();
    for (const name of own.called) called.add(name);
    expect(await me(link.token)).toMatchObject({ status: 401 });
    expect((await failureOf(own.svix.authentication.logout())).code).toBe(401);
    expect((await failureOf(authentication.logout())).code).toBe(403);

    const [one, two] = [
      await authentication.appPortalAccess(appId, { sessionId: 'one' }),
      await authentication.appPortalAccess(appId, { sessionId: 'two' }),
    ];
    const other = await authentication.appPortalAccess(otherId, { sessionId: 'one' });
    const isValid = async ({ token }: { token: string }) => (await me(token)).role === 'account';
    await authentication.expireAll(appId, { sessionIds: ['one'] });
    expect(await Promise.all([one, two, first, other].map(isValid))).toEqual([false, true, true, true]);
    await authentication.expireAll(appId, { expiry: 60 });
    const left = Date.parse((await me(two.token)).portal.expiresAt as string) - Date.now();
    expect(left).toBeLessThan(61_000);
    await authentication.expireAll(appId);
    expect(await Promise.all([one, two, first, other].map(isValid))).toEqual([false, false, false, true]);
    if (has('authentication.dashboardAccess')) {
      const access = (await loose(authentication).dashboardAccess!(appId)) as unknown as typeof link;
      expect(access.url).toBe(`${system.url}/portal#token=${access.token}`);
      expect(await isValid(access)).toBe(true);
    }
  });

  test('manages endpoints', async () => {
    const { endpoint } = svix;
    const { id: appId } = await svix.application.create({ name: 'Endpoints' });
    const { id } = await endpoint.create(appId, { url: `${HOST}/1`, uid: 'one', secret: SECRET });
    expect((await endpoint.list(appId)).data.map((each) => each.id)).toEqual([id]);
    expect((await endpoint.get(appId, 'one')).id).toBe(id);
    for (const method of ['update', 'upsert'].filter((each) => has(`endpoint.${each}`)))
      expect(await loose(endpoint)[method]!(appId, id, { url: `${HOST}/2`, uid: 'one' })).toMatchObject({ id });
    expect(await endpoint.patch(appId, id, { description: 'Orders' })).toMatchObject({ description: 'Orders' });
    expect((await endpoint.getSecret(appId, id)).key).toBe(SECRET);
    await endpoint.rotateSecret(appId, id, {});
    for (const method of ['updateHeaders', 'headersUpdate', 'setHeaders'].filter((each) => has(`endpoint.${each}`)))
      await loose(endpoint)[method]!(appId, id, { headers: { 'X-A': '1' } });
    for (const method of ['patchHeaders', 'headersPatch'].filter((each) => has(`endpoint.${each}`)))
      await loose(endpoint)[method]!(appId, id, { headers: { 'X-B': '2' } });
    expect((await endpoint.getHeaders(appId, id)).headers).toEqual({ 'X-A': '1', 'X-B': '2' });

    for (const method of ['transformationGet'].filter((each) => has(`endpoint.${each}`)))
      expect(await loose(endpoint)[method]!(appId, id)).toMatchObject({ enabled: false });
    for (const method of ['patchTransformation', 'transformationPartialUpdate'])
      if (has(`endpoint.${method}`)) await loose(endpoint)[method]!(appId, id, { enabled: false });
    if (has('endpoint.transformation.get')) {
      const { transformation } = endpoint as unknown as { transformation: object };
      expect(await loose(transformation).get!(appId, id)).toMatchObject({ enabled: false });
      await loose(transformation).patch!(appId, id, { enabled: false });
      const refused = loose(transformation).patch!(appId, id, {
        enabled: true,
        code: 'function handler(w) { return w }',
      });
      expect((await failureOf(refused)).code).toBe(403);
    }

    const sent = await endpoint.sendExample(appId, id, { eventType: 'user.created' });
    const [request] = await receiver.waitFor(1);
    expect(request!.headers['svix-id']).toBe(sent.id);
    const stats = await eventually(
      () => endpoint.getStats(appId, id),
      ({ success }) => success === 1,
    );
    expect(stats).toEqual({ success: 1, pending: 0, sending: 0, fail: 0, canceled: 0 });
    await endpoint.delete(appId, id);
    expect((await endpoint.list(appId)).data).toEqual([]);
  });

  test('sends messages, and finds them in the log', async () => {
    const { message, messageAttempt, endpoint } = svix;
    const { id: appId } = await svix.application.create({ name: 'Messages', uid: 'messages' });
    const { id } = await endpoint.create(appId, { url: `${HOST}/m`, channels: ['eu'] });
    const { key } = await endpoint.getSecret(appId, id);
    const payload = { id: 'inv_1', amount: 5, nested: { list: [1, 2] } };
    const options = { withContent: true };
    const created = await message.create(
      appId,
      {
        eventType: 'invoice.paid',
        eventId: 'paid-1',
        payload,
        channels: ['eu', 'us'],
        tags: ['a/b'],
        payloadRetentionPeriod: 5,
      },
      options,
    );
    expect(created).toMatchObject({
      eventType: 'invoice.paid',
      eventId: 'paid-1',
      payload,
      channels: ['eu', 'us'],
      tags: ['a/b'],
    });
    const [request] = await receiver.waitFor(1);
    expect(new Webhook(key).verify(request!.body, request!.headers)).toEqual(payload);
    expect(request!.body).toBe(JSON.stringify(payload));
    expect(request!.headers['svix-id']).toBe(created.id);

    const again = message.create('messages', { eventType: 'invoice.paid', eventId: 'paid-1', payload });
    expect((await failureOf(again)).code).toBe(409);
    const once = { idempotencyKey: 'key-1', withContent: true };
    const first = await message.create(appId, { eventType: 'invoice.sent', payload: {} }, once);
    expect((await message.create(appId, { eventType: 'invoice.sent', payload: {} }, once)).id).toBe(first.id);
    await message.create(appId, messageInRaw('invoice.raw', '{"b": 1.50}', 'application/json'));
    const implicit = { eventType: 'invoice.paid', payload: {}, application: { name: 'Implicit', uid: 'implicit' } };
    await message.create('implicit', implicit);
    expect((await svix.application.get('implicit')).name).toBe('Implicit');

    expect(await message.get(appId, created.id, options)).toEqual(created);
    expect(await message.get(appId, 'paid-1', options)).toEqual(created);
    expect((await message.get(appId, 'paid-1', { withContent: false })).payload).toEqual({});
    const list = await message.list(appId, { withContent: true, limit: 2 });
    expect(list.data.map(({ eventType }) => eventType)).toEqual(['invoice.raw', 'invoice.sent']);
    const next = await message.list(appId, { withContent: true, iterator: list.iterator });
    expect([next.data.map((each: MessageOut) => each.id), next.done]).toEqual([[created.id], true]);
    const back = await message.list(appId, { iterator: next.prevIterator! });
    expect(back.data.map((each) => each.id)).toEqual(list.data.map((each) => each.id));
    for (const filter of [{ channel: 'us' }, { tag: 'a/b' }, { eventTypes: ['invoice.paid', 'x'] }])
      expect((await message.list(appId, filter)).data.map((each) => each.id)).toEqual([created.id]);
    expect((await message.list(appId, { before: new Date(0) })).data).toEqual([]);
    expect(await message.precheck(appId, { eventType: 'invoice.paid', channels: ['eu'] })).toEqual({ active: true });
    expect(await message.precheck(appId, { eventType: 'invoice.paid' })).toEqual({ active: false });

    const attempts = await eventually(
      () => messageAttempt.listByMsg(appId, created.id, options),
      ({ data }) => data.length === 1,
    );
    const [attempt] = attempts.data;
    expect(attempt).toMatchObject({
      status: 0,
      statusText: 'success',
      responseStatusCode: 200,
      endpointId: id,
      msgId: created.id,
      triggerType: 0,
      url: `${HOST}/m`,
    });
    expect(await messageAttempt.get(appId, created.id, attempt!.id)).toEqual(attempt);
    const byEndpoint = await messageAttempt.listByEndpoint(appId, id, { withMsg: true, withContent: true, status: 0 });
    expect(byEndpoint.data).toEqual([{ ...attempt, msg: created }]);
    expect((await messageAttempt.listByEndpoint(appId, id, { status: 2 })).data).toEqual([]);
    expect((await messageAttempt.listByEndpoint(appId, id, { statusCodeClass: 200, channel: 'eu' })).data).toHaveLength(
      1,
    );
    expect((await messageAttempt.listByEndpoint(appId, id, { statusCodeClass: 500 })).data).toEqual([]);
    const attempted = await messageAttempt.listAttemptedMessages(appId, id, { withContent: true });
    expect(attempted.data).toMatchObject([{ ...created, status: 0, statusText: 'success' }]);
    const destinations = await messageAttempt.listAttemptedDestinations(appId, created.id);
    expect(destinations.data).toMatchObject([{ id, status: 0, url: `${HOST}/m` }]);

    await messageAttempt.resend(appId, created.id, id);
    await receiver.waitFor(2);
    const resent = await eventually(
      () => messageAttempt.listByMsg(appId, created.id),
      ({ data }) => data.length === 2,
    );
    expect(resent.data.map(({ triggerType }) => triggerType)).toEqual([1, 0]);
    await messageAttempt.expungeContent(appId, created.id, attempt!.id);
    expect((await messageAttempt.get(appId, created.id, attempt!.id)).response).toBe('EXPUNGED');
    // To an endpoint that has not got it before.
    const other = await endpoint.create(appId, { url: `${HOST}/other` });
    await messageAttempt.resend(appId, created.id, other.id);
    expect((await receiver.waitFor(3))[2]).toMatchObject({ path: '/other', body: JSON.stringify(payload) });

    // The same as in the general API, which the dashboard shows.
    const accounts = (await system.ask('GET', '/v1/accounts?provider=postack&limit=250')).body.data;
    const { id: accountId } = accounts.find(({ scope }: Environment) => scope.appId === appId);
    const { data } = (await system.ask('GET', `/v1/deliveries?accountId=${accountId}`)).body;
    expect(data).toHaveLength(2);
    const detail = (await system.ask('GET', `/v1/deliveries/${data[1].id}`)).body;
    expect(detail).toMatchObject({ state: 'delivered', attempts: [{ status: 200 }, { status: 200 }] });
    expect(created.id.slice(4)).toBe(String(detail.eventId).slice(4));

    await message.expungeContent(appId, created.id);
    expect((await message.get(appId, created.id, options)).payload).toEqual({ expired: true });
    const gone = await failureOf(messageAttempt.resend(appId, created.id, id));
    expect(gone).toMatchObject({ code: 400, body: { code: 'missing_payload' } });
    if (has('message.bulkExpungeContent'))
      expect(await loose(message).bulkExpungeContent!(appId, { ids: [first.id, 'unknown'] })).toEqual({
        results: { [first.id]: 'expunged', unknown: 'not-found' },
      });
    const purge = await message.expungeAllContents(appId);
    expect(purge).toMatchObject({ task: 'application.purge_content', id: expect.stringMatching(/^qtask_/) });
  });

  test('recovers what an endpoint has missed', async () => {
    const { message, endpoint } = svix;
    const since = new Date(Date.now() - 60_000);
    const { id: appId } = await svix.application.create({ name: 'Recovery' });
    const { id } = await endpoint.create(appId, { url: `${HOST}/r` });
    refuse();
    const { id: failed } = await message.create(appId, { eventType: 'a', payload: { n: 1 } });
    await eventually(
      () => endpoint.getStats(appId, id),
      ({ fail }) => fail === 1,
    );
    receiver.reply(200);
    const recover = await endpoint.recover(appId, id, { since });
    expect(recover).toMatchObject({ task: 'endpoint.recover', status: 'running' });
    expect((await receiver.waitFor(2))[1]!.headers['svix-id']).toBe(failed);
    expect(await waitForTask(recover.id)).toMatchObject({ status: 'finished', data: { messagesSent: 1 } });

    await endpoint.patch(appId, id, { disabled: true });
    const { id: missed } = await message.create(appId, { eventType: 'b', payload: { n: 2 }, tags: ['t'] });
    await endpoint.patch(appId, id, { disabled: false });
    const replay = await endpoint.replayMissing(appId, id, { since });
    expect(await waitForTask(replay.id)).toMatchObject({ task: 'endpoint.replay', data: { messagesSent: 1 } });
    expect((await receiver.waitFor(3))[2]).toMatchObject({ body: '{"n":2}', headers: { 'svix-id': missed } });

    const bulk = await endpoint.bulkReplay(appId, id, { since, tag: 't', status: 0 });
    expect(await waitForTask(bulk.id)).toMatchObject({ task: 'endpoint.bulk-replay', data: { messagesSent: 1 } });
    expect((await receiver.waitFor(4))[3]!.headers['svix-id']).toBe(missed);
    const tasks = await svix.backgroundTask.list({ limit: 2 });
    expect(tasks.data.map((each) => each.id)).toEqual([bulk.id, replay.id]);
    if (has('backgroundTask.listByEndpoint')) await loose(svix.backgroundTask).listByEndpoint!({ limit: 1 });
  });

  test('defines event types', async () => {
    const { eventType } = svix;
    const schemas = { 1: { type: 'object', examples: [{ id: 7 }] } };
    const created = await eventType.create({ name: 'user.created', description: 'A user', schemas, groupName: 'user' });
    expect(created).toMatchObject({ name: 'user.created', schemas, groupName: 'user', archived: false });
    expect((await failureOf(eventType.create({ name: 'user.created', description: '' }))).code).toBe(409);
    expect((await eventType.get('user.created')).schemas).toEqual(schemas);
    const replace = has('eventType.upsert') ? 'upsert' : 'update';
    expect(await loose(eventType)[replace]!('user.gone', { description: 'Gone' })).toMatchObject({ name: 'user.gone' });
    expect(await eventType.patch('user.gone', { deprecated: true })).toMatchObject({ deprecated: true });
    expect((await eventType.list({ limit: 1 })).data.map(({ name }) => name)).toEqual(['user.created']);
    await eventType.delete('user.gone');
    expect((await eventType.list()).data.map(({ name }) => name)).toEqual(['user.created']);
    await eventType.delete('user.gone', { expunge: true });
    expect((await failureOf(eventType.get('user.gone'))).code).toBe(404);
    const json = { schema: { type: 'object', properties: { total: { type: 'integer' } } } };
    const post = { description: 'Paid', requestBody: { content: { 'application/json': json } } };
    const spec = { openapi: '3.1.0', info: { title: 't', version: '1' }, webhooks: { 'invoice.paid': { post } } };
    expect((await eventType.importOpenapi({ spec, dryRun: true })).data.modified).toEqual(['invoice.paid']);
    expect((await eventType.list()).data).toHaveLength(1);
    await eventType.importOpenapi({ specRaw: JSON.stringify(spec) });
    expect(await eventType.get('invoice.paid')).toMatchObject({ description: 'Paid', schemas: { 1: json.schema } });
  });

  test('reads statistics', async () => {
    const range = { since: new Date(Date.now() - 3_600_000), until: new Date(Date.now() + 60_000) };
    const usage = await svix.statistics.aggregateAppStats({ ...range, appIds: ['messages', 'unknown'] });
    expect(usage).toMatchObject({ task: 'application.stats', unresolvedAppIds: ['unknown'] });
    expect((await waitForTask(usage.id)).data).toMatchObject({
      appStats: [{ appUid: 'messages', messageDestinations: 2 }],
    });
    const types = await svix.statistics.aggregateEventTypes();
    expect((await waitForTask(types.id)).data).toMatchObject({
      event_types: expect.arrayContaining([expect.objectContaining({ hasCatchAllEndpoint: true })]),
    });
    await svix.health.get();
  });

  test('polls', async () => {
    const { poller } = svix.message;
    const { id: accountId, scope } = environment;
    const { body } = await system.ask('POST', `/v1/accounts/${accountId}/subscriptions`, {
      receivesBy: 'poll',
      eventTypes: [],
      uid: 'poller',
    });
    expect(body).toMatchObject({ receivesBy: 'poll' });
    const before = new Date();
    const { id } = await svix.message.create(scope.appId, { eventType: 'polled', payload: { n: 1 } });
    const page = await poller.poll(scope.appId, 'poller');
    expect(page).toMatchObject({ done: true, data: [{ id, eventType: 'polled', payload: { n: 1 } }] });
    expect((await poller.poll(scope.appId, 'poller', { iterator: page.iterator })).data).toEqual([]);
    const consumed = await poller.consumerPoll(scope.appId, 'poller', 'one');
    expect(consumed.data).toHaveLength(1);
    // Not committed yet, then committed by its iterator.
    expect((await poller.consumerPoll(scope.appId, 'poller', 'one')).data).toHaveLength(1);
    await poller.consumerPoll(scope.appId, 'poller', 'one', { iterator: consumed.iterator });
    expect((await poller.consumerPoll(scope.appId, 'poller', 'one')).data).toEqual([]);
    await poller.consumerSeek(scope.appId, 'poller', 'one', { after: before });
    expect((await poller.consumerPoll(scope.appId, 'poller', 'one')).data).toHaveLength(1);
  });

  test('gets operational webhooks', async () => {
    const resources = [
      [svix.operationalWebhook.endpoint, 'operationalWebhook.endpoint'],
      ...(has('operationalWebhookEndpoint.list')
        ? [[svix.operationalWebhookEndpoint, 'operationalWebhookEndpoint'] as const]
        : []),
    ] as const;
    for (const [resource, name] of resources) {
      const operational = loose(resource);
      expect((await operational.list!()).data).toEqual([]);
      const { id } = await operational.create!({ url: `${HOST}/operational`, secret: SECRET, uid: 'ops' });
      expect((await operational.get!('ops')).id).toBe(id);
      const replace = has(`${name}.upsert`) ? 'upsert' : 'update';
      await operational[replace]!(id, { url: `${HOST}/operational`, uid: 'ops' });
      const setHeaders = has(`${name}.setHeaders`) ? 'setHeaders' : 'updateHeaders';
      await operational[setHeaders]!(id, { headers: { 'X-A': '1' } });
      expect((await operational.getHeaders!(id)).headers).toEqual({ 'X-A': '1' });
      expect((await operational.getSecret!(id)).key).toBe(SECRET);
      await operational.rotateSecret!(id, { key: SECRET, gracePeriodSeconds: 0 });
      await operational.delete!(id);
    }
    // The hidden account is no application.
    expect((await svix.application.list()).data.some(({ name }) => name.includes('Operational'))).toBe(false);
  });

  test('gets the operational events of its applications, and of no others', async () => {
    const { endpoint, message } = svix;
    await svix.operationalWebhook.endpoint.create({ url: `${HOST}/operational`, secret: SECRET });
    const other = await newEnvironment();
    await new Svix1(other.apiKey, { serverUrl: system.url }).endpoint.create(other.scope.appId, { url: `${HOST}/x` });
    const { id: appId } = await svix.application.create({ name: 'Operational', uid: 'operational' });
    const { id: endpointId } = await endpoint.create(appId, { url: `${HOST}/failing`, uid: 'failing' });
    // Retried by hand, as the waits of the schedule are long.
    receiver.reply(500);
    const { id: msgId } = await message.create(appId, { eventType: 'a', eventId: 'a-1', payload: {} });
    await receiver.waitFor(1);
    const accounts = (await system.ask('GET', '/v1/accounts?provider=postack&limit=250')).body.data;
    const { id: accountId, parentId } = accounts.find(({ scope }: Environment) => scope.appId === appId);
    expect(parentId).toBe(environment.id);
    const [{ id: deliveryId }] = (await system.ask('GET', `/v1/deliveries?accountId=${accountId}`)).body.data;
    const attempted = (count: number) =>
      eventually(
        async () => (await system.ask('GET', `/v1/deliveries/${deliveryId}`)).body,
        ({ attempts }) => attempts.length === count,
      );
    for (const [index, status] of [500, 500, 500, 200].entries()) {
      await attempted(index + 1);
      receiver.reply(status);
      await system.ask('POST', `/v1/deliveries/${deliveryId}/retry`);
    }
    await attempted(5);
    refuse();
    const { id: exhausted } = await message.create(appId, { eventType: 'a', payload: {} });
    await eventually(
      () => endpoint.getStats(appId, endpointId),
      ({ fail }) => fail === 1,
    );
    await endpoint.patch(appId, endpointId, { disabled: true });
    await endpoint.delete(appId, endpointId);
    receiver.clear();
    receiver.reply(200);
    await system.client.workflow.execute('maintenance', { taskQueue: TASK_QUEUE, workflowId: `sweep-${line}` });
    const bodies = () =>
      receiver.received.map(
        ({ body, headers }) =>
          new Webhook(SECRET).verify(body, headers) as { type: string; data: { appId: string; endpointId: string } },
      );
    const own = () => bodies().filter(({ data }) => data.endpointId === endpointId);
    // One of each type, and that it was disabled is a change as well.
    await eventually(
      async () => own().length,
      (count) => count === 7,
    );
    expect(bodies().some(({ data }) => data.appId === other.scope.appId)).toBe(false);
    const about = { appId, appUid: 'operational', endpointId, endpointUid: 'failing' };
    const lastAttempt = {
      id: expect.stringMatching(/^atmpt_/),
      responseStatusCode: 500,
      timestamp: expect.any(String),
    };
    const of = (type: string) =>
      own()
        .filter((body) => body.type === type)
        .map(({ data }) => data);
    expect(of('endpoint.created')).toEqual([about]);
    expect(of('endpoint.updated')).toEqual([about]);
    expect(of('message.attempt.failing')).toEqual([{ ...about, msgId, msgEventId: 'a-1', lastAttempt }]);
    expect(of('message.attempt.recovered')).toEqual([
      { ...about, msgId, msgEventId: 'a-1', lastAttempt: { ...lastAttempt, responseStatusCode: 200 } },
    ]);
    expect(of('message.attempt.exhausted')).toEqual([{ ...about, msgId: exhausted, msgEventId: null, lastAttempt }]);
    expect(of('endpoint.disabled')).toEqual([{ ...about, failSince: null, trigger: 'manual' }]);
    expect(of('endpoint.deleted')).toEqual([about]);
  });

  test('erases payloads at the end of their retention, and all of an application', async () => {
    const { message } = svix;
    const { id: appId } = await svix.application.create({ name: 'Retention' });
    const kept = await message.create(appId, { eventType: 'a', payload: { n: 1 } });
    const input = { eventType: 'a', eventId: 'short', payload: { n: 2 }, payloadRetentionHours: 1 };
    await message.create(appId, input);
    const { pool } = system.database.store;
    const { rowCount } = await pool.query(
      `UPDATE events SET content_until = now() WHERE uid = 'short' AND content_until > now() + interval '59 minutes'`,
    );
    expect(rowCount).toBe(1);
    const sweep = (name: string) =>
      system.client.workflow.execute('maintenance', { taskQueue: TASK_QUEUE, workflowId: `erase-${name}-${line}` });
    await sweep('one');
    const content = { withContent: true };
    expect((await message.get(appId, 'short', content)).payload).toEqual({ expired: true });
    expect((await message.get(appId, kept.id, content)).payload).toEqual({ n: 1 });
    const task = await message.expungeAllContents(appId);
    expect(await svix.backgroundTask.get(task.id)).toMatchObject({ status: 'running', data: {} });
    await sweep('all');
    expect(await svix.backgroundTask.get(task.id)).toMatchObject({ status: 'finished' });
    expect((await message.get(appId, kept.id, content)).payload).toEqual({ expired: true });
  });

  test('has called every method that works, and is refused every other one as not found', async () => {
    const works = all.filter((name) => reasonKeyOf(name) === undefined);
    expect([...called].sort()).toEqual([...works].sort());
    for (const { name, owner, method } of methodsOf(recorded.client)) {
      if (reasonKeyOf(name) === undefined) continue;
      expect([name, await refusalOf(owner, method)]).toEqual([name, { code: 'not_found', detail: 'Entity not found' }]);
    }
  });
});

/** The body with which a method is refused, whatever arguments it has: names first, then objects. */
async function refusalOf(owner: Record<string, (...args: unknown[]) => unknown>, method: string): Promise<unknown> {
  for (const names of [3, 2, 1, 0]) {
    const body = { type: 'x', config: {}, kind: 'x', transformation: '', events: [] };
    const args = [...Array.from({ length: names }, () => 'x'), body, body];
    try {
      await owner[method]!(...args);
      return 'not refused';
    } catch (error) {
      if (error instanceof ApiException || error instanceof LatestException) return error.body;
    }
  }
  return 'cannot be called';
}
