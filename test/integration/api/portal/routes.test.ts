/** What a link of the customer portal may call, on every route of the OpenAPI document: a new route asks to be listed. */
import { startApiWithDatabase } from '../../../support/api.js';
import { emitted, newAccount, plainSubscription, unknownIds } from '../../../support/samples.js';

type Capability = 'manage_subscriptions' | 'show_secrets' | 'view_secrets' | 'send_again';

/** Routes that every link may call. */
const VIEW = [
  'GET /v1/me',
  'GET /v1/attention',
  'GET /v1/contracts',
  'GET /v1/deliveries',
  'GET /v1/deliveries/stream',
  'GET /v1/deliveries/{id}',
  'GET /v1/deliveries/{id}/request',
  'GET /v1/event-types',
  'GET /v1/event-types/{name}',
  'GET /v1/events',
  'GET /v1/events/{id}',
  'GET /v1/accounts/{id}/events',
  'GET /v1/overview',
  'GET /v1/subscriptions',
  'GET /v1/subscriptions/{id}',
  'GET /v1/accounts/{id}/subscriptions',
  'GET /v1/subscriptions/{id}/recoveries',
  'GET /v1/recoveries/{id}',
];

/** Routes by the capabilities of which one is enough. All that are in neither list are refused. */
const WITH: Readonly<Record<string, readonly Capability[]>> = {
  'POST /v1/accounts/{id}/subscriptions': ['manage_subscriptions'],
  'PATCH /v1/subscriptions/{id}': ['manage_subscriptions'],
  'DELETE /v1/subscriptions/{id}': ['manage_subscriptions'],
  'POST /v1/subscriptions/{id}/pause': ['manage_subscriptions'],
  'POST /v1/subscriptions/{id}/resume': ['manage_subscriptions'],
  'POST /v1/subscriptions/{id}/breaker/close': ['manage_subscriptions'],
  'POST /v1/accounts/{id}/filters/test': ['manage_subscriptions'],
  'POST /v1/accounts/{id}/transformations/test': ['manage_subscriptions'],
  'POST /v1/subscriptions/{id}/test': ['manage_subscriptions', 'send_again'],
  'GET /v1/subscriptions/{id}/secret': ['show_secrets', 'view_secrets'],
  'POST /v1/subscriptions/{id}/rotate-secret': ['show_secrets'],
  'POST /v1/subscriptions/{id}/recover': ['send_again'],
  'POST /v1/subscriptions/{id}/drop-waiting': ['send_again'],
  'POST /v1/recoveries/{id}/cancel': ['send_again'],
  'POST /v1/deliveries/bulk': ['send_again'],
  'POST /v1/deliveries/{id}/attempt': ['send_again'],
  'POST /v1/deliveries/{id}/cancel': ['send_again'],
  'POST /v1/deliveries/{id}/pause': ['send_again'],
  'POST /v1/deliveries/{id}/resume': ['send_again'],
  'POST /v1/deliveries/{id}/retry': ['send_again'],
  'POST /v1/deliveries/{id}/redeliver': ['send_again'],
};

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let routes: { name: string; method: string; path: string; security: Record<string, string[]>[]; description: string }[];
beforeAll(async () => {
  api = await startApiWithDatabase();
  const { paths } = (await api.ask('GET', '/openapi.json')).body as {
    paths: Record<string, Record<string, { security: Record<string, string[]>[]; description?: string }>>;
  };
  routes = Object.entries(paths)
    .filter(([path]) => path.startsWith('/v1/') && !['/v1/portal', '/v1/sessions/methods'].includes(path))
    .flatMap(([path, item]) =>
      Object.entries(item).map(([method, { security, description = '' }]) => ({
        name: `${method.toUpperCase()} ${path}`,
        ...{ method: method.toUpperCase(), path, security, description },
      })),
    );
});
afterAll(() => api.close());

const bearer = (key: string) => ({ authorization: `Bearer ${key}` });

async function linkTo(accountId: string, body: object): Promise<string> {
  const { status, body: link } = await api.ask('POST', `/v1/accounts/${accountId}/portal-links`, body);
  expect(status).toBe(201);
  return link.token as string;
}

const isAllowed = (name: string, capabilities: readonly Capability[]): boolean =>
  VIEW.includes(name) || (WITH[name]?.some((one) => capabilities.includes(one)) ?? false);

test('every route that is listed here is documented so, and no other one', () => {
  const names = routes.map(({ name }) => name);
  expect([...VIEW, ...Object.keys(WITH)].filter((name) => !names.includes(name))).toEqual([]);
  for (const { name, security, description } of routes) {
    const documented = security.flatMap((each) => (each.portalLink ? [each.portalLink] : []));
    // What shows a secret is enough for what only views it.
    const listed = WITH[name]?.filter((one) => name !== 'GET /v1/subscriptions/{id}/secret' || one !== 'show_secrets');
    const expected = VIEW.includes(name) ? [[]] : (listed ?? []).map((one) => [one]);
    expect([name, documented]).toEqual([name, expected]);
    expect([name, description.includes('of the customer portal')]).toEqual([name, expected.length > 0]);
  }
});

const choices: [string, object, Capability[]][] = [
  ['that only reads', { access: 'read' }, []],
  ['that may do nothing else either', { capabilities: [] }, []],
  ['with everything', {}, ['manage_subscriptions', 'show_secrets', 'send_again']],
  ...(['manage_subscriptions', 'show_secrets', 'view_secrets', 'send_again'] as const).map(
    (one): [string, object, Capability[]] => [`with ${one}`, { capabilities: [one] }, [one]],
  ),
];

test.each(choices)('a link %s gets a 403 from every route beyond it, and only from these', async (_, body, given) => {
  const account = await newAccount(api.ask, 'standard');
  const token = await linkTo(account.id, body);
  for (const { name, method, path } of routes) {
    const at = path.replace(/\{(\w+)\}/g, (__, parameter) => (parameter === 'id' ? unknownIds.account : 'none'));
    const { status, body: problem } = await api.ask(method, at, undefined, bearer(token));
    const isRefused = status === 403 && /link of the customer portal/.test(problem.detail as string);
    expect([name, isRefused]).toEqual([name, !isAllowed(name, given)]);
  }
});

test('nothing of another account is there, and nothing of it changes', async () => {
  const theirs = await emitted(api.ask, 'standard');
  const mine = await newAccount(api.ask, 'standard');
  const token = await linkTo(mine.id, {});
  const ids: Record<string, string> = {
    accounts: theirs.account.id,
    subscriptions: theirs.subscription.id,
    events: theirs.event.id,
    deliveries: theirs.deliveryId,
    recoveries: 'rec_01h455vb4pex5vsknk084sn02q',
  };
  const bodies: Record<string, unknown> = {
    'POST /v1/accounts/{id}/subscriptions': plainSubscription('standard'),
    'PATCH /v1/subscriptions/{id}': { description: 'mine' },
    'POST /v1/subscriptions/{id}/recover': { from: '2026-01-01T00:00:00Z', dryRun: true },
    'POST /v1/accounts/{id}/filters/test': { filter: { type: 'a' } },
    'POST /v1/accounts/{id}/transformations/test': { expression: 'data', event: { type: 'a', data: {} } },
  };
  for (const name of [...VIEW, ...Object.keys(WITH)].filter((each) => each.includes('{id}'))) {
    const [method = '', path = ''] = name.split(' ');
    const at = path.replace('{id}', ids[path.split('/')[2]!]!);
    expect([name, (await api.ask(method, at, bodies[name], bearer(token))).status]).toEqual([name, 404]);
  }
  for (const path of ['deliveries', 'events', 'subscriptions'])
    expect([path, (await api.ask('GET', `/v1/${path}`, undefined, bearer(token))).body.data]).toEqual([path, []]);
  expect((await api.ask('GET', `/v1/subscriptions/${theirs.subscription.id}`)).status).toBe(200);
  expect((await api.ask('GET', `/v1/deliveries/${theirs.deliveryId}`)).body.state).toBe('pending');
});
