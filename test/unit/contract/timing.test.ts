/** The times of an event: what is refused. */
import { needsWorkflow, priorityOf, timingProblem } from '../../../src/contract/timing.js';

const NOW = new Date('2026-03-02T10:00:00.000Z');
const DAY = 86_400_000;
const inDays = (days: number, ms = 0) => new Date(NOW.getTime() + days * DAY + ms);

test.each([
  [{ deliverAt: inDays(30, 1) }, 'deliverAt', /30 days/],
  [{ expiresAt: NOW }, 'expiresAt', /in the future/],
  [{ expiresAt: inDays(-1) }, 'expiresAt', /in the future/],
  [{ expiresAt: inDays(60, 1) }, 'expiresAt', /60 days/],
  [{ deliverAt: inDays(2), expiresAt: inDays(2) }, 'expiresAt', /after deliverAt/],
])('refuses %j', (timing, field, message) => {
  expect(timingProblem(timing, NOW)).toMatchObject({ field, message: expect.stringMatching(message) });
});

test.each([
  {},
  { deliverAt: inDays(30), expiresAt: inDays(60) },
  { expiresAt: inDays(0, 1) },
  { supersedes: 'key', priority: 'low' as const },
])('accepts %j', (timing) => {
  expect(timingProblem(timing, NOW)).toBeUndefined();
});

test('only a priority needs no workflow', () => {
  expect(needsWorkflow({ priority: 'high' })).toBe(false);
  for (const timing of [{ deliverAt: NOW }, { expiresAt: NOW }, { supersedes: 'key' }])
    expect(needsWorkflow(timing)).toBe(true);
});

test('reads stored priorities', () => {
  expect([1, 2, 3].map(priorityOf)).toEqual(['high', 'normal', 'low']);
});
