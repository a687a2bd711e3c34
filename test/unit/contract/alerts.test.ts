/** Which alerts are raised, repeated and over, and what messages say. */
import { alertContent } from '../../../src/contract/alert-texts.js';
import {
  changedAlerts,
  groupAlerts,
  INSTALLATION,
  MAX_CONTACTS,
  MAX_OPEN_ALERTS,
  type AlertMatch,
  type AlertRule,
  type RaisedAlert,
} from '../../../src/contract/alerts.js';

const NOW = new Date('2026-03-02T10:00:00Z');
const minutesAgo = (minutes: number) => new Date(NOW.getTime() - minutes * 60_000);

const rule = (fields: Partial<AlertRule> = {}): AlertRule => ({
  ...{ id: 'alr_1', name: 'Receivers', condition: 'subscription_failing', minutes: 15, accountId: null },
  ...{ repeatAfterMinutes: null, target: { kind: 'slack', url: 'https://hooks.example.com/x' }, enabled: true },
  createdAt: NOW,
  ...fields,
});
const match = (id: string, accountId = 'acc_1', fields: Partial<AlertMatch> = {}): AlertMatch => ({
  ...{ objectId: id, accountId, since: minutesAgo(20) },
  facts: { accountName: 'Acme', url: `https://${id}.example.com/in`, detail: '3 failed attempts in a row' },
  ...fields,
});
const raised = (id: string, lastMessageAt = minutesAgo(20), accountId = 'acc_1'): RaisedAlert => ({
  ...match(id, accountId),
  id: `alt_${id}`,
  lastMessageAt,
});
const ids = (alerts: readonly AlertMatch[]) => alerts.map(({ objectId }) => objectId);
const many = (count: number, accountOf: (n: number) => string = () => 'acc_1') =>
  Array.from({ length: count }, (_, n) => match(`s${n}`, accountOf(n)));

describe('an alert', () => {
  test('is raised once while its object matches, and ends when it does not', () => {
    const changes = changedAlerts(rule(), [match('a'), match('b')], [raised('b'), raised('c')], NOW);
    expect([ids(changes.raised), ids(changes.repeated), ids(changes.ended)]).toEqual([['a'], [], ['c']]);
  });

  test.each([
    [null, 10_000, false],
    [60, 59, false],
    [60, 60, true],
  ])('with a repetition after %s minutes is repeated after %i: %s', (repeatAfterMinutes, minutes, isRepeated) => {
    const { repeated } = changedAlerts(
      rule({ repeatAfterMinutes }),
      [match('a', 'acc_1', { facts: { accountName: 'Acme', url: null, detail: 'now' } })],
      [raised('a', minutesAgo(minutes))],
      NOW,
    );
    expect(repeated.map(({ facts }) => facts.detail)).toEqual(isRepeated ? ['now'] : []);
  });

  test('is not raised beyond the maximum that last', () => {
    const open = Array.from({ length: MAX_OPEN_ALERTS - 1 }, (_, n) => raised(`o${n}`));
    const changes = changedAlerts(rule(), [...open, match('a'), match('b')], open, NOW);
    expect(ids(changes.raised)).toEqual(['a']);
    expect(changes.ended).toEqual([]);
  });

  test('for customers is raised for some accounts at a time, all of an account together', () => {
    const accounts = MAX_CONTACTS + 10;
    const matches = many(accounts * 2, (n) => `acc_${n % accounts}`);
    const first = changedAlerts(rule({ target: { kind: 'customer' } }), matches, [], NOW).raised;
    expect(first).toHaveLength(MAX_CONTACTS * 2);
    const open = first.map((alert, n) => ({ ...alert, id: `alt_${n}`, lastMessageAt: NOW }));
    const second = changedAlerts(rule({ target: { kind: 'customer' } }), matches, open, NOW);
    expect([second.raised.length, second.ended.length]).toEqual([20, 0]);
  });
});

describe('messages', () => {
  test('are one for each of a few alerts, and one for all of many', () => {
    const { target } = rule();
    expect(groupAlerts(target, many(5))).toHaveLength(5);
    const [storm, ...others] = groupAlerts(target, many(10_000));
    expect([storm?.alerts.length, storm?.accountId, others.length]).toEqual([10_000, null, 0]);
    expect(groupAlerts(target, [])).toEqual([]);
  });

  test('for customers have only what is theirs', () => {
    const groups = groupAlerts(
      { kind: 'customer' },
      many(12, (n) => (n < 10 ? 'acc_1' : 'acc_2')),
    );
    expect(groups.map(({ accountId, alerts }) => [accountId, alerts.length])).toEqual([
      ['acc_1', 10],
      ['acc_2', 1],
      ['acc_2', 1],
    ]);
  });

  test('say what fails, whose it is and since when', () => {
    const { subject, text, body } = alertContent({
      ...{ type: 'alert.raised', rule: rule(), alerts: [raised('a')], now: NOW },
    });
    expect(subject).toBe('webhook endpoint fails: https://a.example.com/in');
    expect(text).toContain('Rule: Receivers\n');
    expect(text).toContain(
      '- https://a.example.com/in of Acme (a): every attempt has failed since 2026-03-02 09:40 UTC (20 min); 3 failed attempts in a row',
    );
    expect(body).toEqual({
      type: 'alert.raised',
      timestamp: NOW.toISOString(),
      data: {
        rule: { id: 'alr_1', name: 'Receivers', condition: 'subscription_failing', minutes: 15 },
        total: 1,
        alerts: [
          {
            ...{ id: 'alt_a', subscriptionId: 'a', accountId: 'acc_1', accountName: 'Acme' },
            ...{ url: 'https://a.example.com/in', since: '2026-03-02T09:40:00.000Z' },
            detail: '3 failed attempts in a row',
          },
        ],
      },
    });
  });

  test('of a storm count all and list twenty', () => {
    const { subject, text, body } = alertContent({
      ...{ type: 'alert.raised', rule: rule(), alerts: many(10_000), more: 500, now: NOW },
    });
    expect(subject).toBe('10500 webhook endpoints fail');
    expect(text).toContain('- and 10480 more');
    expect([body.data.total, body.data.alerts.length]).toEqual([10_500, 20]);
  });

  test('to customers name neither the rule nor ids', () => {
    const customers = rule({ target: { kind: 'customer' } });
    const { subject, text } = alertContent({ type: 'alert.ended', rule: customers, alerts: [raised('a')], now: NOW });
    expect(subject).toBe('Over: webhook endpoint fails: https://a.example.com/in');
    expect(text).not.toMatch(/Receivers|acc_1|\(a\)|Acme/);
  });

  test('about the backlog of all accounts name no subscription', () => {
    const facts = { accountName: null, url: null, detail: '3 pending and 0 retrying deliveries' };
    const backlog = match(INSTALLATION, 'x', { accountId: null, facts });
    const { subject, body } = alertContent({
      ...{ type: 'alert.repeated', rule: rule({ condition: 'backlog_older_than' }), alerts: [backlog], now: NOW },
    });
    expect(subject).toBe('Still: deliveries wait: all accounts');
    expect(body.data.alerts[0]).toMatchObject({ subscriptionId: null, accountId: null });
  });
});
