import { contracts } from '../../../src/providers/registry.js';
import { pigeonpost } from '../../support/cli.js';

test('the waits of a schedule add up', async () => {
  const { exitCode, out } = await pigeonpost(['schedule', 'show', 'standard', 'user.created']);
  expect(exitCode).toBe(0);
  expect(out.split('\n')).toEqual([
    'Attempt  Waits   After the first',
    '1        –       –',
    '2        5 s     5 s',
    '3        5 min   5 min 5 s',
    '4        30 min  35 min 5 s',
    '5        2 h     2 h 35 min 5 s',
    '6        5 h     7 h 35 min 5 s',
    '7        10 h    17 h 35 min 5 s',
    '8        14 h    1 d 7 h 35 min 5 s',
    '9        20 h    2 d 3 h 35 min 5 s',
    '10       1 d     3 d 3 h 35 min 5 s',
    '',
    'A receiver has 15 s to respond; the duration of attempts comes on top of the waits.',
  ]);
});

test.each(contracts.map(({ provider, events }) => [provider, events[0]!.type]))(
  '%s has one',
  async (provider, type) => {
    const { json } = await pigeonpost(['schedule', 'show', provider, type, '--json']);
    expect(json).toMatchObject({ provider, event: type, attempts: expect.arrayContaining([]) });
    expect(json.attempts.length).toBeGreaterThan(1);
  },
);

test('settings of an account count', async () => {
  const show = async (...args: string[]) =>
    (await pigeonpost(['schedule', 'show', 'postmark', 'Open', '--json', ...args])).json.attempts.length;
  expect(await show()).toBe(4);
  expect(await show('--settings', '{"contract": "2026"}')).toBe(7);
});

test.each([
  [['none', 'a'], 'There is no provider none. Write one of postscript, postack,'],
  [['postmark', 'Opened'], 'Postmark has no event Opened. It has Delivery, Open,'],
  [['postmark', 'Open', '--settings', '{"contract": "old"}'], '--settings: '],
])('%j is refused', async (args, message) => {
  const { exitCode, err } = await pigeonpost(['schedule', 'show', ...args]);
  expect(exitCode).toBe(1);
  expect(err).toContain(message);
});
