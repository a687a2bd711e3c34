/** Gauges whose reading fails: they have no value, and that is counted and logged. */
import type { Store } from '../../../src/store/store.js';
import { watchStore } from '../../../src/telemetry/gauges.js';
import { registry } from '../../../src/telemetry/metrics.js';
import { readScrape } from '../../support/prometheus.js';

const MINUTE_MS = 60_000;
const query = jest.fn();
const pool = { query, totalCount: 0, idleCount: 0, waitingCount: 0 };
const log = { error: jest.fn() };
let now = 0;
beforeAll(() => {
  jest.spyOn(performance, 'now').mockImplementation(() => now);
  watchStore({ pool } as unknown as Store, log);
});

/** All metrics, once what was read before is too old to be repeated. */
async function scrapeAfter(ms: number) {
  now += ms;
  return readScrape(await registry.metrics());
}

test('counts and logs a reading that fails, and shows no value', async () => {
  query.mockRejectedValue(new Error('subquery in FROM must have an alias'));
  const failed = await scrapeAfter(MINUTE_MS);
  expect(failed.value('pigeonpost_gauge_errors_total')).toBe(1);
  for (const name of ['pigeonpost_backlog_deliveries', 'pigeonpost_last_sweep_age_seconds']) {
    expect(failed.value(name)).toBeUndefined();
  }
  expect(log.error).toHaveBeenCalledTimes(1);
});

test('logs at most once a minute while it counts every failure', async () => {
  await scrapeAfter(10_000);
  const failed = await scrapeAfter(10_000);
  expect(failed.value('pigeonpost_gauge_errors_total')).toBe(3);
  expect(log.error).toHaveBeenCalledTimes(1);
  await scrapeAfter(MINUTE_MS);
  expect(log.error).toHaveBeenCalledTimes(2);
});

test('shows values again when the database responds', async () => {
  query.mockResolvedValue({ rows: [{ waiting: 3, sweep_age: 25 }] });
  const read = await scrapeAfter(MINUTE_MS);
  expect(read.value('pigeonpost_backlog_deliveries', { state: 'waiting' })).toBe(3);
  expect(read.value('pigeonpost_last_sweep_age_seconds')).toBe(25);
  expect(read.value('pigeonpost_gauge_errors_total')).toBe(4);
});
