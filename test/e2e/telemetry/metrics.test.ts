/** Metrics match what happened, on a real system; and nothing that others could choose is a label. */
import { readFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import pino from 'pino';
import { parse } from 'yaml';
import { contracts } from '../../../src/providers/registry.js';
import { collectNodeMetrics } from '../../../src/telemetry/exposition.js';
import { beginAtZero } from '../../../src/telemetry/metrics.js';
import { installRuntimeWithMetrics } from '../../../src/server/telemetry.js';
import { eventually } from '../../support/eventually.js';
import { readScrape, type Scrape } from '../../support/prometheus.js';
import { startReceiver, type Receiver } from '../../support/receiver.js';
import { emitExample } from '../../support/subscriptions.js';
import { startSystem, type TestSystem } from '../../support/system.js';

const providers = contracts.map(({ provider }) => provider);

let system: TestSystem;
let receiver: Receiver;
let before: Scrape;
/** While the receiver holds a response back. */
let during: Scrape;
let after: Scrape;

const scrape = async (): Promise<Scrape> => readScrape((await system.ask('GET', '/metrics')).text);
const command = (id: string, name: string, body?: unknown) => system.ask('POST', `/v1/deliveries/${id}/${name}`, body);

/** A port of this machine that refuses connections. */
async function closedPort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

beforeAll(async () => {
  receiver = await startReceiver();
  system = await startSystem({}, pino({ level: 'silent' }), {
    install: installRuntimeWithMetrics,
    workflows: 'adaptive',
  });
  collectNodeMetrics();
  beginAtZero(providers);
  before = await scrape();
  receiver.reply((response, { path }) => {
    const reply = () => response.writeHead(path.startsWith('/ok') ? 200 : path === '/gone' ? 410 : 500).end();
    if (path !== '/ok/held') return void reply();
    void scrape().then((seen) => {
      during = seen;
      reply();
    });
  });
  const emit = (provider: string, type: string, url: string) => emitExample(system.ask, provider, type, { url });

  const { deliveryId: held } = await emit('standard', 'user.created', `${receiver.url}/ok/held`);
  await system.settled(held, 'delivered');
  const { deliveryId: redelivered } = await emit('standard', 'user.created', `${receiver.url}/ok`);
  await system.settled(redelivered, 'delivered');
  await command(redelivered, 'redeliver', { allowDelivered: true });
  await receiver.waitFor(3);
  await system.settled(redelivered, 'delivered');
  const { deliveryId: stopped } = await emit('standard', 'user.created', `${receiver.url}/gone`);
  await system.settled(stopped, 'failed');
  const { deliveryId: refused } = await emit('postmark', 'Open', `${receiver.url}/refused`);
  await system.settled(refused, 'retrying');
  const { deliveryId: unreachable } = await emit('postmark', 'Open', `http://127.0.0.1:${await closedPort()}/`);
  await system.settled(unreachable, 'retrying');
  const { deliveryId: paused } = await emit('postmark', 'Open', `${receiver.url}/refused`);
  await system.settled(paused, 'retrying');
  await command(paused, 'pause');
  await system.settled(paused, 'paused');
  const { deliveryId: cancelled } = await emit('postmark', 'Open', `${receiver.url}/refused`);
  await system.settled(cancelled, 'retrying');
  await command(cancelled, 'cancel');
  await system.settled(cancelled, 'cancelled');
  // Figures of the database are cached for some seconds.
  after = await eventually(scrape, (seen) => seen.value('pigeonpost_backlog_deliveries', { state: 'paused' }) === 1);
});

afterAll(async () => {
  await system.stop();
  await receiver.close();
});

describe('what happened', () => {
  const total = (name: string, labels: Record<string, string>) => after.value(name, labels);

  test('events and their deliveries', () => {
    expect(total('pigeonpost_events_total', { provider: 'standard' })).toBe(3);
    expect(total('pigeonpost_events_total', { provider: 'postmark' })).toBe(4);
    expect(total('pigeonpost_deliveries_created_total', { provider: 'standard' })).toBe(3);
    expect(total('pigeonpost_deliveries_created_total', { provider: 'postmark' })).toBe(4);
  });

  test('deliveries by outcome, a redelivery once more', () => {
    const outcomes = (provider: string) =>
      ['delivered', 'failed', 'cancelled'].map((outcome) =>
        total('pigeonpost_deliveries_total', { provider, outcome }),
      );
    expect(outcomes('standard')).toEqual([3, 1, 0]);
    expect(outcomes('postmark')).toEqual([0, 0, 1]);
    expect(outcomes('bird')).toEqual([0, 0, 0]);
  });

  test('attempts by outcome and reason, and how long they took', () => {
    const attempts = (labels: Record<string, string>) => total('pigeonpost_attempts_total', labels);
    expect(attempts({ provider: 'standard', outcome: 'accepted' })).toBe(3);
    expect(attempts({ provider: 'standard', outcome: 'refused', reason: 'status' })).toBe(1);
    expect(attempts({ provider: 'postmark', outcome: 'refused', reason: 'status' })).toBe(3);
    expect(attempts({ provider: 'postmark', outcome: 'failed', reason: 'refused' })).toBe(1);
    expect(attempts({})).toBe(8);
    expect(total('pigeonpost_attempt_duration_seconds_count', {})).toBe(8);
    expect(total('pigeonpost_attempt_duration_seconds_bucket', { provider: 'standard', le: '+Inf' })).toBe(4);
  });

  test('times since acceptance, of redeliveries none', () => {
    expect(total('pigeonpost_first_attempt_delay_seconds_count', { provider: 'standard' })).toBe(3);
    expect(total('pigeonpost_first_attempt_delay_seconds_count', { provider: 'postmark' })).toBe(4);
    expect(total('pigeonpost_delivery_duration_seconds_count', { outcome: 'delivered' })).toBe(2);
    expect(total('pigeonpost_delivery_duration_seconds_count', { outcome: 'failed' })).toBe(1);
  });

  test('the backlog', () => {
    const backlog = ['waiting', 'retrying', 'paused'].map((state) => total('pigeonpost_backlog_deliveries', { state }));
    expect(backlog).toEqual([0, 2, 1]);
    // Both wait a minute.
    expect(total('pigeonpost_backlog_overdue_seconds', { state: 'retrying' })).toBe(0);
    expect(total('pigeonpost_backlog_overdue_seconds', { state: 'waiting' })).toBe(0);
  });

  test('connections', () => {
    expect(during.value('pigeonpost_egress_connections', { state: 'busy' })).toBe(1);
    expect(total('pigeonpost_egress_connections', { state: 'busy' })).toBe(0);
    expect(total('pigeonpost_egress_waiting_requests', {})).toBe(0);
    expect(total('pigeonpost_database_connections', {})).toBeGreaterThan(0);
    expect(total('pigeonpost_database_waiting_queries', {})).toBe(0);
    expect(total('pigeonpost_temporal_up', {})).toBe(1);
  });

  test("what Temporal's SDK and Node.js say", () => {
    expect(total('temporal_activity_succeed_endtoend_latency_seconds_count', { activity_type: 'attempt' })).toBe(3);
    expect(total('temporal_worker_task_slots_available', { worker_type: 'ActivityWorker' })).toBeGreaterThan(0);
    expect(total('nodejs_eventloop_lag_p99_seconds', {})).toBeGreaterThan(0);
    expect(total('process_resident_memory_bytes', {})).toBeGreaterThan(0);
  });
});

test('direct deliveries, and what they count as everywhere else', async () => {
  const held: (() => void)[] = [];
  receiver.reply((response) => void held.push(() => response.writeHead(held.length === 29 ? 503 : 200).end()));
  const account = (await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  const subscription = { url: `${receiver.url}/batch`, eventTypes: ['user.created'] };
  await system.ask('POST', `/v1/accounts/${account.id}/subscriptions`, subscription);
  const events = Array.from({ length: 30 }, () => ({ type: 'user.created', data: {} }));
  await system.ask('POST', `/v1/accounts/${account.id}/events`, { events });
  await eventually(
    async () => held.length,
    (count) => count === 30,
  );
  for (let reply = held.pop(); reply; reply = held.pop()) reply();
  const direct = (seen: Awaited<ReturnType<typeof scrape>>) =>
    ['accepted', 'workflow'].map((outcome) => seen.value('pigeonpost_direct_deliveries_total', { outcome })!);
  const done = await eventually(scrape, (seen) => direct(seen).reduce((sum, count) => sum + count) === 30);

  const since = (name: string, labels: Record<string, string>) =>
    done.value(name, labels)! - after.value(name, labels)!;
  expect(direct(done)).toEqual([29, 1]);
  expect(since('pigeonpost_events_total', { provider: 'standard' })).toBe(30);
  expect(since('pigeonpost_deliveries_created_total', { provider: 'standard' })).toBe(30);
  expect(since('pigeonpost_deliveries_total', { provider: 'standard', outcome: 'delivered' })).toBe(29);
  expect(since('pigeonpost_attempts_total', { provider: 'standard', outcome: 'accepted' })).toBe(29);
  expect(since('pigeonpost_attempts_total', { provider: 'standard', outcome: 'refused', reason: 'status' })).toBe(1);
  expect(since('pigeonpost_first_attempt_delay_seconds_count', { provider: 'standard' })).toBe(30);
});

describe('what is made of it', () => {
  const read = (path: string): string => readFileSync(join(__dirname, '../../../deploy', path), 'utf8');
  const { groups } = parse(read('prometheus/alerts.yml')) as { groups: { rules: Record<string, unknown>[] }[] };
  const rules = groups.flatMap(({ rules }) => rules);
  const dashboard = JSON.parse(read('grafana/pigeonpost.json')) as {
    panels: {
      title: string;
      type: string;
      targets?: { expr: string }[];
      gridPos: Record<'x' | 'y' | 'w' | 'h', number>;
    }[];
  };
  const expressions = [
    ...rules.map(({ alert, expr }) => [alert, expr] as [string, string]),
    ...dashboard.panels.flatMap(({ title, targets = [] }) =>
      targets.map(({ expr }) => [title, expr] as [string, string]),
    ),
  ];

  test.each(expressions)('%s asks for metrics and labels that there are: %s', (_, expression) => {
    const asked = [...expression.matchAll(/\b((?:pigeonpost|temporal|nodejs|process)_\w+)(?:\{([^}]*)\})?/g)];
    if (!/^up\{/.test(expression)) expect(asked.length).toBeGreaterThan(0);
    for (const [, name, inner = ''] of asked) {
      const found = after.samples.filter((sample) => sample.name === name);
      expect(found).not.toEqual([]);
      const labels = new Set(found.flatMap((sample) => Object.keys(sample.labels)));
      // Prometheus itself adds these two.
      for (const [, label] of inner.matchAll(/(\w+)\s*(?:=~|!=|!~|=)/g))
        expect([...labels, 'job', 'instance']).toContain(label);
    }
  });

  test('alerts have a name of their own, a severity and a summary', () => {
    const names = rules.map(({ alert }) => alert);
    expect(names).toEqual([...new Set(names)]);
    for (const rule of rules) {
      expect(rule).toMatchObject({
        labels: { severity: expect.stringMatching(/^(page|ticket)$/) },
        for: expect.any(String),
      });
      expect(rule).toMatchObject({ annotations: { summary: expect.any(String) } });
    }
  });

  test('panels do not cover each other', () => {
    const cells = dashboard.panels.flatMap(({ gridPos: { x, y, w, h } }) =>
      Array.from({ length: w * h }, (_, cell) => `${x + (cell % w)},${y + Math.floor(cell / w)}`),
    );
    expect(new Set(cells).size).toBe(cells.length);
  });

  test('Prometheus asks where metrics are', () => {
    const config = parse(read('prometheus/prometheus.yml')) as {
      scrape_configs: { job_name: string }[];
      rule_files: string[];
    };
    expect(config.rule_files).toEqual(['alerts.yml']);
    expect(config.scrape_configs).toMatchObject([
      { job_name: 'pigeonpost-api', static_configs: [{ targets: ['api:8080'] }] },
      { job_name: 'pigeonpost-worker', dns_sd_configs: [{ names: ['worker'], port: 9464 }] },
    ]);
  });
});

describe('how it is reported', () => {
  test('every counter begins at zero', () => {
    for (const provider of providers) expect(before.value('pigeonpost_events_total', { provider })).toBe(0);
  });

  test('each family once', () => {
    const names = after.families.map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  });

  test('labels are bounded, and no name is a provider’s', () => {
    const own = after.samples.filter(({ name }) => name.startsWith('pigeonpost_'));
    const names = new Set(own.flatMap(({ labels }) => Object.keys(labels)));
    expect([...names].sort()).toEqual(['change', 'le', 'outcome', 'provider', 'reason', 'state']);
    for (const { name, labels } of own) {
      if (labels.provider !== undefined) expect(providers).toContain(labels.provider);
      for (const provider of providers) expect(name).not.toContain(provider);
    }
  });

  test('with the admin key only', async () => {
    const refused = await system.ask('GET', '/metrics', undefined, { authorization: '' });
    expect(refused).toMatchObject({ status: 401, body: { code: 'unauthorized' } });
    const { headers } = await system.ask('GET', '/metrics');
    expect(headers.get('content-type')).toMatch(/^text\/plain;.*version=0\.0\.4/);
  });
});
