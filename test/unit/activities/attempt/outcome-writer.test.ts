/** Writing rows of attempts in batches. */
import { OutcomeWriter } from '../../../../src/activities/attempt/outcome-writer.js';
import type { AttemptRow } from '../../../../src/store/attempts/recording.js';
import type { Store } from '../../../../src/store/store.js';

/** A store whose statements end when `end` is called. */
function slowStore() {
  const writes: { ids: string[]; end: (error?: Error) => void }[] = [];
  const query = (_statement: unknown, parameters?: unknown[]) => {
    const { values = parameters } = _statement as { values?: unknown[] };
    const ids = (JSON.parse(values![0] as string) as AttemptRow[]).map(({ deliveryId }) => deliveryId);
    return new Promise((resolve, reject) => {
      writes.push({ ids, end: (error) => (error ? reject(error) : resolve({ rows: [] })) });
    });
  };
  return { store: { pool: { query } } as unknown as Store, writes };
}

const row = (deliveryId: string): AttemptRow => ({ deliveryId }) as AttemptRow;
const settle = () => new Promise((resolve) => setImmediate(resolve));
const refused = Object.assign(new Error('no such thing'), { code: '22P05' });

test('writes a row at once when no write is in flight', async () => {
  const { store, writes } = slowStore();
  const written = new OutcomeWriter(store).write(row('a'));
  expect(writes.map(({ ids }) => ids)).toEqual([['a']]);
  writes[0]!.end();
  await written;
});

test('writes rows together that arrive during a write', async () => {
  const { store, writes } = slowStore();
  const outcomes = new OutcomeWriter(store);
  const all = ['a', 'b', 'c', 'd', 'e'].map((id) => outcomes.write(row(id)));
  expect(writes.map(({ ids }) => ids)).toEqual([['a'], ['b']]);
  writes[0]!.end();
  await settle();
  expect(writes[2]!.ids).toEqual(['c', 'd', 'e']);
  for (const { end } of writes) end();
  await Promise.all(all);
});

test('writes at most one attempt per delivery in a statement', async () => {
  const { store, writes } = slowStore();
  const outcomes = new OutcomeWriter(store);
  const all = ['a', 'b', 'c', 'c', 'd'].map((id) => outcomes.write(row(id)));
  writes[0]!.end();
  await settle();
  expect(writes[2]!.ids).toEqual(['c', 'd']);
  writes[1]!.end();
  await settle();
  expect(writes[3]!.ids).toEqual(['c']);
  for (const { end } of writes) end();
  await Promise.all(all);
});

test('writes the other rows when the database refuses one', async () => {
  const { store, writes } = slowStore();
  const outcomes = new OutcomeWriter(store);
  const all = Promise.allSettled(['a', 'b', 'good', 'bad', 'fine'].map((id) => outcomes.write(row(id))));
  writes[0]!.end();
  writes[1]!.end();
  await settle();
  expect(writes[2]!.ids).toEqual(['good', 'bad', 'fine']);
  writes[2]!.end(refused);
  for (let write = 3; write < 6; write += 1) {
    await settle();
    writes[write]!.end(writes[write]!.ids[0] === 'bad' ? refused : undefined);
  }
  expect((await all).map(({ status }) => status)).toEqual([
    'fulfilled',
    'fulfilled',
    'fulfilled',
    'rejected',
    'fulfilled',
  ]);
});
