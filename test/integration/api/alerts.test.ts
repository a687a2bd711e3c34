/** Alert rules through the API: what may be in them, what is shown of them, and tests. */
import { Webhook } from 'standardwebhooks';
import { createMailer, type Mailer } from '../../../src/dispatch/alerts/mail.js';
import { evaluateRule } from '../../../src/dispatch/alerts/run.js';
import { startApi, startApiWithDatabase } from '../../support/api.js';
import { startMailServer, type MailServer } from '../../support/mail-server.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { dump, newAccount, OWN_SECRET, plainSubscription } from '../../support/samples.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let receiver: Receiver;
let mails: MailServer;
let mailer: Mailer;
beforeAll(async () => {
  [receiver, mails] = await Promise.all([startReceiver(), startMailServer()]);
  mailer = createMailer({ smtpUrl: mails.url, from: 'webhooks@acme.example' });
  api = await startApiWithDatabase({ mailer });
});
afterAll(async () => {
  mailer.close();
  await Promise.all([api.close(), receiver.close(), mails.close()]);
});

const slack = { kind: 'slack', url: 'https://hooks.slack.example/services/T0/B0/very-secret' };
const failing = { name: 'Receivers', condition: 'subscription_failing', target: slack };
const create = (fields: object = {}) => api.ask('POST', '/v1/alert-rules', { ...failing, ...fields });

test('a rule is created with defaults, listed, edited and deleted', async () => {
  const { status, body: rule } = await create();
  expect([status, rule]).toEqual([
    201,
    {
      ...{ id: expect.stringMatching(/^alr_/), createdAt: expect.any(String), name: 'Receivers' },
      ...{ condition: 'subscription_failing', minutes: 15, accountId: null, repeatAfterMinutes: null, enabled: true },
      target: { kind: 'slack', url: 'https://hooks.slack.example/***' },
    },
  ]);
  expect((await create({ condition: 'breaker_open' })).body).toMatchObject({ minutes: 0 });
  expect((await api.ask('GET', '/v1/alert-rules')).body.data).toContainEqual(rule);
  const edit = { minutes: 30, repeatAfterMinutes: 60, enabled: false };
  const edited = { ...rule, ...edit };
  expect((await api.ask('PATCH', `/v1/alert-rules/${rule.id}`, edit)).body).toEqual(edited);
  expect((await api.ask('GET', `/v1/alert-rules/${rule.id}`)).body).toEqual(edited);
  expect((await api.ask('DELETE', `/v1/alert-rules/${rule.id}`)).status).toBe(204);
  for (const [method, suffix, body] of [
    ['GET', '', undefined],
    ['PATCH', '', {}],
    ['DELETE', '', undefined],
    ['POST', '/test', {}],
  ] as const)
    expect((await api.ask(method, `/v1/alert-rules/${rule.id}${suffix}`, body)).status).toBe(404);
});

test('a rule without a name has its condition and its target as its name, without what is secret', async () => {
  const targets = [
    { kind: 'slack', url: 'https://hooks.slack.example/services/T0/B0/very-secret' },
    { kind: 'webhook', url: `https://alerts.example.com/${'a'.repeat(100)}?token=query-secret-4711` },
    { kind: 'mail', to: 'ops@acme.example' },
    { kind: 'customer' },
  ];
  const rules = await Promise.all(targets.map((target) => create({ name: undefined, target })));
  expect(rules.map(({ body }) => body.name)).toEqual([
    'subscription_failing: slack https://hooks.slack.example/***',
    `subscription_failing: webhook https://alerts.example.com/${'a'.repeat(43)}`,
    'subscription_failing: mail ops@acme.example',
    'subscription_failing: customer',
  ]);
});

test('secrets are encrypted, and shown only when they are set', async () => {
  const url = 'https://alerts.example.com/in?token=query-secret-4711';
  const { body: rule } = await create({ target: { kind: 'webhook', url, secret: OWN_SECRET } });
  expect(rule).toMatchObject({
    ...{ secret: OWN_SECRET, target: { kind: 'webhook', url: 'https://alerts.example.com/in?***' } },
  });
  const { body: generated } = await create({ target: { kind: 'webhook', url } });
  expect(generated.secret).toMatch(/^whsec_/);
  const { text } = await api.ask('GET', '/v1/alert-rules');
  const rows = await dump(api.database, 'alert_rules');
  for (const secret of [OWN_SECRET, generated.secret as string, 'query-secret-4711', 'very-secret'])
    expect([text.includes(secret), rows.includes(secret)]).toEqual([false, false]);
  expect((await api.ask('PATCH', `/v1/alert-rules/${rule.id}`, { name: 'x' })).body.secret).toBeUndefined();
});

test.each([
  ['name', { name: '' }],
  ['condition', { condition: 'sunny' }],
  ['minutes', { minutes: 0 }],
  ['minutes', { minutes: 1_000_000 }],
  ['repeatAfterMinutes', { repeatAfterMinutes: 1 }],
  ['accountId', { accountId: 'acc_01h455vb4pex5vsknk084sn02q' }],
  ['target.kind', { target: { kind: 'pigeon' } }],
  ['target.kind', { condition: 'backlog_older_than', target: { kind: 'customer' } }],
  ['target.to', { target: { kind: 'mail', to: 'nobody' } }],
  ['target.to', { target: { kind: 'mail', to: 'a@example.com, b@example.com' } }],
  ['target.url', { target: { kind: 'slack', url: 'ftp://example.com' } }],
  ['target.url', { target: { kind: 'slack', url: 'http://10.0.0.1/in' } }],
  ['target.url', { target: { kind: 'slack', url: 'https://hooks.slack.example/***' } }],
  ['target.secret', { target: { kind: 'webhook', url: 'https://example.com/', secret: 'short' } }],
])('%s is checked: %j', async (path, fields) => {
  const { status, body } = await create(fields);
  expect([status, body.errors?.map((error: { path: string }) => error.path)]).toEqual([422, [path]]);
});

test('a rule that sends mails needs a mail server', async () => {
  const without = await startApi({ store: api.database.store });
  const target = { kind: 'customer' };
  const { status, body } = await without.ask('POST', '/v1/alert-rules', { ...failing, target });
  await without.close();
  expect([status, body.errors[0]]).toEqual([
    422,
    { path: 'target.kind', message: expect.stringContaining('PIGEONPOST_SMTP_URL') },
  ]);
});

describe('a test', () => {
  const test_ = (id: string, body?: object) => api.ask('POST', `/v1/alert-rules/${id}/test`, body);

  test('is signed and says that it is a test', async () => {
    const { body: rule } = await create({ target: { kind: 'webhook', url: `${receiver.url}/test` } });
    expect((await test_(rule.id as string)).body).toEqual({ sent: true, error: null });
    const { body, headers } = receiver.received.at(-1)!;
    expect(new Webhook(rule.secret as string).verify(body, headers)).toMatchObject({ type: 'alert.test' });
  });

  test('that is refused says why', async () => {
    const { body: rule } = await create({ target: { kind: 'slack', url: `${receiver.url}/refused` } });
    receiver.reply(403, 200);
    expect((await test_(rule.id as string)).body).toEqual({ sent: false, error: 'the target responded with 403' });
  });

  test('of a rule for customers goes to the address of the request only', async () => {
    const { body: rule } = await create({ target: { kind: 'customer' } });
    expect((await test_(rule.id as string)).body.errors[0].path).toBe('to');
    expect((await test_(rule.id as string, { to: 'me@acme.example' })).body).toEqual({ sent: true, error: null });
    expect(mails.received.at(-1)).toMatchObject({
      ...{ to: ['me@acme.example'], text: expect.stringMatching(/^Subject: Test: webhook endpoint fails/m) },
    });
    const { body: other } = await create();
    expect((await test_(other.id as string, { to: 'me@acme.example' })).body.errors[0].path).toBe('to');
  });
});

test('alerts are listed with their rule, object and message', async () => {
  const account = await newAccount(api.ask, 'standard');
  const path = `/v1/accounts/${account.id}/subscriptions`;
  const { body: subscription } = await api.ask('POST', path, plainSubscription('standard'));
  const { body: rule } = await create({ accountId: account.id, name: 'Acme fails' });
  const failingSince = {
    since: '2026-03-02T10:00:00Z',
    lastAt: '2026-03-02T10:00:00Z',
    attempts: 3,
    spanSince: '2026-03-02T10:00:00Z',
    clockSince: null,
  };
  const { pool } = api.database.store;
  await pool.query('UPDATE subscriptions SET failing = $2 WHERE id = $1', [
    subscription.id,
    JSON.stringify(failingSince),
  ]);
  await evaluateRule(api.database.store, rule.id as string);
  const list = async (query: string) => (await api.ask('GET', `/v1/alerts${query}`)).body.data;
  const alert = {
    ...{
      id: expect.stringMatching(/^alt_/),
      ruleId: rule.id,
      ruleName: 'Acme fails',
      condition: 'subscription_failing',
    },
    ...{ subscriptionId: subscription.id, accountId: account.id, accountName: 'Acme', url: subscription.url },
    ...{ detail: '3 failed attempts in a row', since: '2026-03-02T10:00:00.000Z', raisedAt: expect.any(String) },
    ...{ until: null, message: { attempts: 0, sentAt: null, nextAttemptAt: expect.any(String), lastError: null } },
    endMessage: null,
  };
  expect(await list(`?ruleId=${rule.id}`)).toEqual([alert]);
  expect(await list(`?accountId=${account.id}&open=true`)).toEqual([alert]);
  expect(await list(`?accountId=${account.id}&open=false`)).toEqual([]);
});

test('the contact of an account is edited, checked and deleted with it', async () => {
  const { id } = await newAccount(api.ask, 'standard');
  const edit = (contactEmail: unknown) => api.ask('PATCH', `/v1/accounts/${id}`, { contactEmail });
  expect((await edit('kim@customer.example')).body).toMatchObject({ contactEmail: 'kim@customer.example' });
  expect((await edit('kim')).body.errors[0].path).toBe('contactEmail');
  expect((await api.ask('GET', `/v1/accounts/${id}`)).body.contactEmail).toBe('kim@customer.example');
  expect((await edit(null)).body.contactEmail).toBeNull();
  await edit('kim@customer.example');
  await api.ask('DELETE', `/v1/accounts/${id}`);
  expect(await dump(api.database, 'accounts')).not.toContain('kim@customer.example');
});
