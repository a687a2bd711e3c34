/** Alert rules with a real database, a real SMTP server and real receivers. */
import { Webhook } from 'standardwebhooks';
import type { AlertTarget } from '../../../src/contract/alerts.js';
import { createMailer, type Mailer } from '../../../src/dispatch/alerts/mail.js';
import { evaluateRule, runAlerts, sendDue, type AlertRunner } from '../../../src/dispatch/alerts/run.js';
import { createEgressClient } from '../../../src/egress/client.js';
import type { EgressClient } from '../../../src/egress/types.js';
import { listAlerts } from '../../../src/store/alerts/alerts.js';
import { claimMessages, MAX_MAILS_PER_MINUTE } from '../../../src/store/alerts/messages.js';
import { editRule, insertRule, MAX_RULES, type AlertRuleChoices } from '../../../src/store/alerts/rules.js';
import { disableSubscription } from '../../../src/store/subscriptions/changes.js';
import { startApi, LOOPBACK, type TestApi } from '../../support/api.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { startMailServer, type MailServer } from '../../support/mail-server.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { emitted, newAccount, OWN_SECRET, plainSubscription } from '../../support/samples.js';

let database: TestDatabase;
let api: TestApi;
let mails: MailServer;
let mailer: Mailer;
let egress: EgressClient;
let receiver: Receiver;
let runner: AlertRunner;
const errors: unknown[] = [];

beforeEach(async () => {
  [database, mails, receiver] = await Promise.all([openTestDatabase(), startMailServer(), startReceiver()]);
  api = await startApi({ store: database.store });
  mailer = createMailer({ smtpUrl: mails.url, from: 'Acme <webhooks@acme.example>' });
  egress = createEgressClient({ allowNetworks: LOOPBACK, allowHttp: true, resolve: [], maxResponseBytes: 1_024 });
  errors.length = 0;
  runner = { store: database.store, egress, mailer, onError: (error) => void errors.push(error) };
});
afterEach(async () => {
  mailer.close();
  await Promise.all([api.close(), egress.close(), mails.close(), receiver.close()]);
  await database.close();
  expect(errors).toEqual([]);
});

const webhook = (): AlertTarget => ({ kind: 'webhook', url: `${receiver.url}/alerts`, secret: OWN_SECRET });

async function makeRule(choices: Partial<AlertRuleChoices> = {}): Promise<string> {
  const rule = await insertRule(database.store, {
    ...{ name: 'Receivers', condition: 'subscription_failing', minutes: 15, accountId: null },
    ...{ repeatAfterMinutes: null, target: webhook(), enabled: true },
    ...choices,
  });
  return rule!.id;
}

/** Subscriptions of an account. */
async function subscriptions(count: number, contactEmail?: string): Promise<{ accountId: string; ids: string[] }> {
  const account = await newAccount(api.ask, 'standard');
  if (contactEmail !== undefined) await api.ask('PATCH', `/v1/accounts/${account.id}`, { contactEmail });
  const ids: string[] = [];
  for (let n = 0; n < count; n++) {
    const path = `/v1/accounts/${account.id}/subscriptions`;
    ids.push((await api.ask('POST', path, plainSubscription('standard'))).body.id as string);
  }
  return { accountId: account.id as string, ids };
}

/** Lets subscriptions have failed for so many minutes; null for an accepted attempt. */
async function fail(ids: readonly string[], minutes: number | null): Promise<void> {
  const since = minutes === null ? null : new Date(Date.now() - minutes * 60_000).toISOString();
  const failing = since && { since, lastAt: since, attempts: 3, spanSince: since, clockSince: null };
  await database.store.pool.query('UPDATE subscriptions SET failing = $2 WHERE id = ANY($1)', [
    ids,
    failing && JSON.stringify(failing),
  ]);
}

/** Makes what waits for a retry, or was claimed by a process that has died, due now. */
const wait = () =>
  database.store.pool.query(
    `UPDATE alert_messages SET next_attempt_at = now(), attempted_at = attempted_at - interval '2 min'
     WHERE next_attempt_at IS NOT NULL`,
  );

const bodies = () => receiver.received.map(({ body }) => JSON.parse(body));
const listed = () => listAlerts(database.store, { limit: 100 });

describe('a rule', () => {
  test('sends one signed message when a subscription fails for long enough, and one when it is over', async () => {
    const { ids, accountId } = await subscriptions(1);
    const ruleId = await makeRule();
    await fail(ids, 14);
    await runAlerts(runner);
    expect(receiver.received).toEqual([]);
    await fail(ids, 16);
    await runAlerts(runner);
    await runAlerts(runner);
    expect(receiver.received).toHaveLength(1);
    const [{ body, headers }] = receiver.received as [Receiver['received'][number]];
    expect(new Webhook(OWN_SECRET).verify(body, headers)).toMatchObject({
      type: 'alert.raised',
      data: {
        rule: { id: ruleId, condition: 'subscription_failing', minutes: 15 },
        total: 1,
        alerts: [{ subscriptionId: ids[0], accountId, accountName: 'Acme', detail: '3 failed attempts in a row' }],
      },
    });
    const [lasting] = await listed();
    expect(lasting).toMatchObject({ endedAt: null, message: { attempts: 1, lastError: null, nextAttemptAt: null } });
    expect(lasting?.message?.sentAt).toBeInstanceOf(Date);
    await fail(ids, null);
    await runAlerts(runner);
    await runAlerts(runner);
    expect(bodies().map(({ type }) => type)).toEqual(['alert.raised', 'alert.ended']);
    expect((await listed())[0]).toMatchObject({ endedAt: expect.any(Date), endMessage: { attempts: 1 } });
    await fail(ids, 20);
    await runAlerts(runner);
    expect(bodies().at(-1)).toMatchObject({ type: 'alert.raised' });
  });

  test('repeats an alert that lasts, if it says so', async () => {
    const { ids } = await subscriptions(1);
    const ruleId = await makeRule({ repeatAfterMinutes: 60 });
    await fail(ids, 16);
    await runAlerts(runner);
    await evaluateRule(database.store, ruleId, new Date(Date.now() + 59 * 60_000));
    await sendDue(runner);
    expect(receiver.received).toHaveLength(1);
    await evaluateRule(database.store, ruleId, new Date(Date.now() + 61 * 60_000));
    await sendDue(runner);
    expect(bodies().map(({ type }) => type)).toEqual(['alert.raised', 'alert.repeated']);
  });

  test('of one account ignores others', async () => {
    const [mine, other] = [await subscriptions(1), await subscriptions(1)];
    await makeRule({ accountId: mine.accountId });
    await fail([...mine.ids, ...other.ids], 20);
    await runAlerts(runner);
    expect(bodies().map(({ data }) => data.alerts[0].subscriptionId)).toEqual(mine.ids);
  });

  test('about subscriptions that were disabled does not include those that their owner has disabled', async () => {
    const { ids } = await subscriptions(2);
    await makeRule({ condition: 'subscription_disabled', minutes: 0 });
    await disableSubscription(database.store.pool, ids[0]!, 'the receiver responded with 410');
    await api.ask('PATCH', `/v1/subscriptions/${ids[1]}`, { enabled: false });
    await runAlerts(runner);
    expect(bodies()).toMatchObject([
      { data: { total: 1, alerts: [{ subscriptionId: ids[0], detail: 'the receiver responded with 410' }] } },
    ]);
    await api.ask('DELETE', `/v1/subscriptions/${ids[0]}`);
    await runAlerts(runner);
    expect(bodies().at(-1)).toMatchObject({ type: 'alert.ended' });
  });

  test('about open circuit breakers says how many attempts had failed', async () => {
    const { ids } = await subscriptions(1);
    await makeRule({ condition: 'breaker_open', minutes: 0 });
    const open = { kind: 'open', attempts: 20, failures: 12, trial: [], nextProbeAt: 0, stage: 0 };
    await database.store.pool.query('UPDATE subscriptions SET breaker = $2, breaker_opened_at = now() WHERE id = $1', [
      ids[0],
      JSON.stringify(open),
    ]);
    await runAlerts(runner);
    expect(bodies()[0].data.alerts[0]).toMatchObject({ detail: '12 of 20 attempts had failed' });
    const { body } = await api.ask('GET', '/v1/attention');
    expect(body.breakers).toMatchObject({
      total: 1,
      items: [{ subscriptionId: ids[0], attempts: 20, failures: 12, waiting: 0, openedAt: expect.any(String) }],
    });
  });

  test('about the backlog is of all accounts or of one', async () => {
    const [mine, other] = [await emitted(api.ask, 'standard'), await emitted(api.ask, 'standard')];
    const backlog = { condition: 'backlog_older_than', minutes: 30 } as const;
    await makeRule({ ...backlog, name: 'all' });
    await makeRule({ ...backlog, name: 'mine', accountId: mine.account.id as string });
    await makeRule({ ...backlog, name: 'other', accountId: other.account.id as string });
    await runAlerts(runner);
    expect(receiver.received).toEqual([]);
    await database.store.pool.query(`UPDATE deliveries SET updated_at = now() - interval '31 min' WHERE id = $1`, [
      mine.deliveryId,
    ]);
    await runAlerts(runner);
    expect(
      bodies()
        .map(({ data }) => data.rule.name)
        .sort(),
    ).toEqual(['all', 'mine']);
    await database.store.pool.query('UPDATE deliveries SET updated_at = now()');
    await runAlerts(runner);
    expect(bodies().filter(({ type }) => type === 'alert.ended')).toHaveLength(2);
  });

  test('that is disabled ends its alerts and sends nothing more', async () => {
    const { ids } = await subscriptions(1);
    const id = await makeRule();
    await fail(ids, 20);
    await evaluateRule(database.store, id);
    await editRule(database.store, id, (former) => ({ ...former, enabled: false }));
    await runAlerts(runner);
    expect(receiver.received).toEqual([]);
    expect(await listed()).toMatchObject([
      { endedAt: expect.any(Date), message: { sentAt: null, lastError: 'the rule was changed' }, endMessage: null },
    ]);
  });

  test('is one of a limited number', async () => {
    for (let n = 0; n < MAX_RULES; n++) await makeRule();
    expect(
      await insertRule(database.store, {
        ...{ name: 'x', condition: 'breaker_open', minutes: 0, accountId: null, repeatAfterMinutes: null },
        ...{ target: webhook(), enabled: false },
      }),
    ).toBeUndefined();
  });
});

describe('a storm', () => {
  test('of 10,000 subscriptions becomes one message, and one when it is over', async () => {
    const { ids, accountId } = await subscriptions(1);
    await database.store.pool.query(
      `INSERT INTO subscriptions SELECT (jsonb_populate_record(s, jsonb_build_object('id', s.id || n, 'reference', s.reference || n))).*
       FROM subscriptions s, generate_series(1, 9999) n WHERE s.id = $1`,
      [ids[0]],
    );
    const { rows } = await database.store.pool.query<{ id: string }>('SELECT id FROM subscriptions');
    await fail(
      rows.map(({ id }) => id),
      20,
    );
    await makeRule({ target: { kind: 'mail', to: 'ops@acme.example' } });
    await makeRule();
    await runAlerts(runner);
    await runAlerts(runner);
    expect(mails.received).toHaveLength(1);
    expect(mails.received[0]?.text).toContain('Subject: 10000 webhook endpoints fail');
    expect(bodies()).toMatchObject([{ data: { total: 10_000 } }]);
    await database.store.pool.query('UPDATE subscriptions SET failing = NULL WHERE account_id = $1', [accountId]);
    await runAlerts(runner);
    expect(mails.received).toHaveLength(2);
    expect(bodies().map(({ type }) => type)).toEqual(['alert.raised', 'alert.ended']);
  });

  test('of many customers sends a limited number of mails in a minute', async () => {
    const ruleId = await makeRule({ target: { kind: 'mail', to: 'ops@acme.example' } });
    await database.store.pool.query(
      `INSERT INTO alert_messages (id, rule_id, is_mail, content)
       SELECT 'alm_' || n, $1, true, '{"subject":"s","text":"t","body":{}}' FROM generate_series(1, 100) n`,
      [ruleId],
    );
    await sendDue(runner);
    expect(mails.received).toHaveLength(MAX_MAILS_PER_MINUTE);
    await database.store.pool.query(`UPDATE alert_messages SET attempted_at = attempted_at - interval '1 min'`);
    await sendDue(runner);
    expect(mails.received).toHaveLength(100);
  });
});

describe('a mail', () => {
  test('to the customer goes to the contact of the account, and only about it', async () => {
    const [mine, other] = [await subscriptions(1, 'kim@customer.example'), await subscriptions(1)];
    await makeRule({ target: { kind: 'customer' } });
    await fail([...mine.ids, ...other.ids], 20);
    await runAlerts(runner);
    expect(mails.received).toHaveLength(1);
    const [mail] = mails.received;
    expect(mail).toMatchObject({ from: 'webhooks@acme.example', to: ['kim@customer.example'] });
    expect(mail?.text).toMatch(/^From: Acme <webhooks@acme\.example>$/m);
    expect(mail?.text).toMatch(/^Message-ID: <alm_\w+@acme\.example>$/im);
    expect(mail?.text).toMatch(/^Auto-Submitted: auto-generated$/m);
    expect(mail?.text).not.toContain(other.ids[0]);
    const alerts = await listed();
    expect(alerts.find(({ accountId }) => accountId === other.accountId)?.message).toMatchObject({
      ...{ sentAt: null, nextAttemptAt: null, lastError: 'the account has no contactEmail' },
    });
  });

  test('that the server does not accept is sent again, with the same id', async () => {
    const { ids } = await subscriptions(1);
    await makeRule({ target: { kind: 'mail', to: 'ops@acme.example' } });
    await fail(ids, 20);
    mails.refuse('try again later');
    await runAlerts(runner);
    expect((await listed())[0]?.message).toMatchObject({
      ...{ attempts: 1, sentAt: null, nextAttemptAt: expect.any(Date) },
      lastError: expect.stringContaining('try again later'),
    });
    await sendDue(runner);
    expect(mails.received).toEqual([]);
    mails.refuse();
    await wait();
    await sendDue(runner);
    expect(mails.received).toHaveLength(1);
    expect((await listed())[0]?.message).toMatchObject({ attempts: 2, lastError: null, sentAt: expect.any(Date) });
  });

  test('is given up after the last retry', async () => {
    const { ids } = await subscriptions(1);
    await makeRule({ target: { kind: 'mail', to: 'ops@acme.example' } });
    await fail(ids, 20);
    mails.refuse('never');
    await runAlerts(runner);
    for (let attempts = 1; attempts < 10; attempts++) {
      await wait();
      await sendDue(runner);
    }
    expect((await listed())[0]?.message).toMatchObject({ attempts: 10, nextAttemptAt: null });
  });

  test('cannot be sent without a server', async () => {
    const { ids } = await subscriptions(1);
    await makeRule({ target: { kind: 'mail', to: 'ops@acme.example' } });
    await fail(ids, 20);
    const { mailer: _, ...without } = runner;
    await runAlerts(without);
    expect((await listed())[0]?.message?.lastError).toBe('no mail server is set (PIGEONPOST_SMTP_URL)');
  });
});

describe('a request', () => {
  test('to Slack has text in which nothing is a link or a mention', async () => {
    const { ids } = await subscriptions(1);
    await database.store.pool.query(`UPDATE accounts SET name = 'A & <!channel>'`);
    await makeRule({ target: { kind: 'slack', url: `${receiver.url}/services/T0/B0/secret` } });
    await fail(ids, 20);
    await runAlerts(runner);
    const [{ text, ...others }] = bodies();
    expect(others).toEqual({});
    expect(text).toContain('of A &amp; &lt;!channel&gt;');
    expect(text).toMatch(/^\*webhook endpoint fails: /);
  });

  test('that is refused is sent again with the same id, and its URL may have been corrected', async () => {
    const { ids } = await subscriptions(1);
    const id = await makeRule();
    await fail(ids, 20);
    receiver.reply(500, 200);
    await runAlerts(runner);
    expect((await listed())[0]?.message).toMatchObject({ lastError: 'the target responded with 500' });
    const url = `${receiver.url}/corrected`;
    await editRule(database.store, id, (former) => ({ ...former, target: { ...webhook(), url } as AlertTarget }));
    await wait();
    await sendDue(runner);
    const [first, second] = receiver.received;
    expect([first?.path, second?.path]).toEqual(['/alerts', '/corrected']);
    expect(first?.headers['webhook-id']).toBe(second?.headers['webhook-id']);
  });

  test('is not sent to an address that is not allowed', async () => {
    const { ids } = await subscriptions(1);
    await makeRule({ target: { kind: 'slack', url: 'http://169.254.169.254/latest' } });
    await fail(ids, 20);
    await runAlerts(runner);
    expect((await listed())[0]?.message?.lastError).toMatch(/not (a public|allowed)|address/);
  });

  test('of a rule that has another kind of target now is not sent to customers', async () => {
    const { ids } = await subscriptions(1, 'kim@customer.example');
    const id = await makeRule();
    await fail(ids, 20);
    await evaluateRule(database.store, id);
    await editRule(database.store, id, (former) => ({ ...former, target: { kind: 'customer' } }));
    await sendDue(runner);
    expect([mails.received, receiver.received]).toEqual([[], []]);
    expect((await listed())[0]?.message).toMatchObject({ lastError: 'the target of the rule was changed' });
  });
});

describe('a process that dies', () => {
  test('after it has claimed a message loses nothing', async () => {
    const { ids } = await subscriptions(1);
    const id = await makeRule();
    await fail(ids, 20);
    await evaluateRule(database.store, id);
    expect(await claimMessages(database.store, 10)).toHaveLength(1);
    await runAlerts(runner);
    expect(receiver.received).toEqual([]);
    await wait();
    await runAlerts(runner);
    expect(receiver.received).toHaveLength(1);
  });

  test('is not needed: two that evaluate and send at once raise one alert and send it once', async () => {
    const { ids } = await subscriptions(1);
    const id = await makeRule();
    await fail(ids, 20);
    await Promise.all([evaluateRule(database.store, id), evaluateRule(database.store, id)]);
    await Promise.all([sendDue(runner), sendDue(runner)]);
    expect([(await listed()).length, receiver.received.length]).toEqual([1, 1]);
  });
});
