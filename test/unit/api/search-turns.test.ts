import type { Principal } from '../../../src/http/principal.js';
import { SearchTurns } from '../../../src/api/search/turns.js';

const caller = (id: string) => ({ role: 'account', account: { id }, keyId: 'key_1' }) as unknown as Principal;

/** Searches that run until they are ended, in the sequence in which they were started. */
function searches() {
  const turns = new SearchTurns();
  const started: string[] = [];
  const running = new Map<string, () => void>();
  const ask = (id: string, name: string) =>
    turns.run(
      caller(id),
      () =>
        new Promise<void>((resolve) => {
          started.push(name);
          running.set(name, resolve);
        }),
    );
  const end = async (name: string) => {
    running.get(name)!();
    await new Promise(setImmediate);
  };
  return { started, ask, end };
}

test('four searches run at a time, and callers take turns', async () => {
  const { started, ask, end } = searches();
  const asked = [1, 2, 3, 4, 5, 6].map((number) => ask('busy', `busy ${number}`));
  asked.push(ask('other', 'other'));
  await new Promise(setImmediate);
  expect(started).toEqual(['busy 1', 'busy 2', 'busy 3', 'busy 4']);
  await end('busy 2');
  await end('busy 1');
  expect(started.slice(4).sort()).toEqual(['busy 5', 'other']);
  for (const name of ['busy 3', 'busy 4', 'busy 5', 'other', 'busy 6']) await end(name);
  await Promise.all(asked);
});

test('a caller may have ten searches', async () => {
  const { ask, end } = searches();
  const asked = Array.from({ length: 10 }, (_, number) => ask('busy', `busy ${number}`));
  await expect(ask('busy', 'one more')).rejects.toMatchObject({ code: 'rate_limited', retryAfterS: 1 });
  const other = ask('other', 'other');
  await new Promise(setImmediate);
  for (let number = 0; number < 10; number += 1) {
    await end(`busy ${number}`);
    if (number === 3) await end('other').catch(() => undefined);
  }
  await Promise.all([...asked, other]);
});

test('a search that fails ends its turn', async () => {
  const turns = new SearchTurns();
  for (let count = 0; count < 20; count += 1)
    await expect(turns.run(caller('a'), () => Promise.reject(new Error('no database')))).rejects.toThrow('no database');
});
