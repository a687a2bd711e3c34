/** Gauges that are read at each scrape: the connections of this process, and the backlog in the database. */
import type { Logger } from 'pino';
import { Counter, Gauge } from 'prom-client';
import type { ObservableEgressClient } from '../egress/types.js';
import { loadBacklog, type BacklogMetrics } from '../store/reports/backlog.js';
import type { Store } from '../store/store.js';
import { registry } from './metrics.js';

/** How long the backlog is cached for all scrapes, in milliseconds. */
const BACKLOG_AGE_MS = 5_000;

const egresses = new Set<ObservableEgressClient>();
const stores = new Set<Store>();
let log: Pick<Logger, 'error'> | undefined;

/** Minimum interval between log lines about failed reads, in milliseconds. */
const ERROR_LOG_INTERVAL_MS = 60_000;

let isTemporalUp: (() => Promise<boolean>) | undefined;

/** Includes an egress client in the gauges of connections to receivers. */
export function watchEgress(egress: ObservableEgressClient): void {
  egresses.add(egress);
}

/** Includes a store's connections and backlog in the gauges. Errors of reading the backlog are logged. */
export function watchStore(store: Store, logger?: Pick<Logger, 'error'>): void {
  stores.add(store);
  log = logger ?? log;
}

/** Sets the check for the gauge of Temporal's availability. The check must have its own timeout. */
export function watchTemporal(isUp: () => Promise<boolean>): void {
  isTemporalUp = isUp;
}

gauge('pigeonpost_egress_connections', 'Connections to receivers by state: busy with a request, or idle.', () => {
  const usages = [...egresses].map((egress) => egress.usage());
  return { busy: sum(usages, ({ busy }) => busy), idle: sum(usages, ({ idle }) => idle) };
});

gauge(
  'pigeonpost_egress_waiting_requests',
  'Requests that wait until another one to the same receiver ends.',
  () => sum([...egresses], (egress) => egress.usage().waiting),
  [],
);

gauge('pigeonpost_database_connections', 'Connections to PostgreSQL by state: busy, or idle.', () => ({
  busy: sum([...stores], ({ pool }) => pool.totalCount - pool.idleCount),
  idle: sum([...stores], ({ pool }) => pool.idleCount),
}));

gauge(
  'pigeonpost_database_waiting_queries',
  'Queries that wait for a connection to PostgreSQL.',
  () => sum([...stores], ({ pool }) => pool.waitingCount),
  [],
);

gauge(
  'pigeonpost_temporal_up',
  'Whether Temporal responds to this process and has the namespace: 1, or 0.',
  async () => isTemporalUp && ((await isTemporalUp()) ? 1 : 0),
  [],
);

gauge(
  'pigeonpost_backlog_deliveries',
  'Open deliveries in the database by state, counted up to 100,000 each: waiting for the first attempt, retrying or paused. Every process shows the same.',
  async () => (await backlog())?.counts,
);

gauge(
  'pigeonpost_backlog_overdue_seconds',
  'Age of the oldest overdue attempt, by state: waiting for the first attempt, or retrying. Every process shows the same.',
  async () => (await backlog())?.overdueS,
);

gauge(
  'pigeonpost_last_sweep_age_seconds',
  'Time since a worker completed the sweep, which should run every 30 seconds. Every process shows the same.',
  async () => (await backlog())?.sweepAgeS,
  [],
);

gauge(
  'pigeonpost_unreconciled_deliveries',
  'Open deliveries that the last sweep found without a running workflow that should have one; 0 in a working system. Every process shows the same.',
  async () => (await backlog())?.unreconciled,
  [],
);

gauge(
  'pigeonpost_open_breakers',
  'Subscriptions whose circuit breaker is open or closing, counted up to 100,000. Every process shows the same.',
  async () => (await backlog())?.openBreakers,
  [],
);

// Registered after the gauges of connections, because its query would count among them.
const errors = new Counter({
  name: 'pigeonpost_gauge_errors_total',
  help: 'Failed reads of the backlog and of the last sweep; their gauges then have no value.',
  registers: [registry],
  // Waits, so that a failure of this scrape is included.
  collect: async () => void (await backlog()),
});

/** A number, or one per state; undefined when unknown: the gauge then has no value instead of an old one. */
type Reading = number | Record<string, number> | undefined;

function gauge(
  name: string,
  help: string,
  read: () => Reading | Promise<Reading>,
  labelNames: readonly 'state'[] = ['state'],
): void {
  new Gauge({
    name,
    help,
    labelNames,
    registers: [registry],
    async collect() {
      const reading = await read();
      this.reset();
      // Without labels, reset leaves a zero.
      if (reading === undefined && labelNames.length === 0) this.remove();
      if (typeof reading === 'number') this.set(reading);
      else for (const [state, value] of Object.entries(reading ?? {})) this.set({ state }, value);
    },
  });
}

function sum<T>(items: readonly T[], value: (item: T) => number): number {
  return items.reduce((total, item) => total + value(item), 0);
}

let latest: { readonly until: number; readonly response: Promise<BacklogMetrics | undefined> } | undefined;

/** The backlog, at most 5 seconds old; undefined when it cannot be read. */
function backlog(): Promise<BacklogMetrics | undefined> {
  const [store] = stores;
  if (!store) return Promise.resolve(undefined);
  if (!latest || latest.until < performance.now()) {
    const response = loadBacklog(store).catch(onError);
    latest = { until: performance.now() + BACKLOG_AGE_MS, response };
  }
  return latest.response;
}

let loggedAt = -Infinity;

function onError(error: unknown): undefined {
  errors.inc();
  if (performance.now() - loggedAt < ERROR_LOG_INTERVAL_MS) return;
  loggedAt = performance.now();
  log?.error({ err: error }, 'cannot read the backlog; its metrics have no value');
}
