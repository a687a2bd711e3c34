/** Which items are written together. */
import { BatchWriter, type Entry } from '../../../src/lib/batch-writer.js';

const COLLECT_MS = 25;
const COLLECT = { ms: COLLECT_MS, items: 3 };

beforeEach(() => jest.useFakeTimers());
afterEach(() => jest.useRealTimers());

/** A writer whose writes end when `end` is called. */
function parts(collect?: { ms: number; items: number }) {
  const waiting: Entry<number, void>[] = [];
  const writes: { readonly items: readonly number[]; readonly end: () => void }[] = [];
  const writer = new BatchWriter<number, void>(
    { add: (entry) => void waiting.push(entry), take: () => waiting.splice(0) },
    {
      concurrency: 1,
      ...(collect ? { collect } : {}),
      write: (items) => new Promise((resolve) => writes.push({ items, end: () => resolve([]) })),
      isRefused: () => false,
    },
  );
  return { add: (item: number) => writer.write(item), writes, written: () => writes.map(({ items }) => items) };
}

test('writes an item that arrives alone at once, and those that arrive during a write after it', async () => {
  const { add, writes, written } = parts();
  const first = add(1);
  const others = [add(2), add(3)];
  expect(written()).toEqual([[1]]);
  writes[0]!.end();
  await first;
  await jest.advanceTimersByTimeAsync(0);
  expect(written()).toEqual([[1], [2, 3]]);
  writes[1]!.end();
  await Promise.all(others);
});

test('collects items for a time that begins with the first of them, also while a write is in flight', async () => {
  const { add, writes, written } = parts(COLLECT);
  void add(1);
  await jest.advanceTimersByTimeAsync(COLLECT_MS - 1);
  void add(2);
  expect(written()).toEqual([]);
  await jest.advanceTimersByTimeAsync(1);
  expect(written()).toEqual([[1, 2]]);
  void add(3);
  writes[0]!.end();
  await jest.advanceTimersByTimeAsync(COLLECT_MS - 1);
  expect(written()).toEqual([[1, 2]]);
  await jest.advanceTimersByTimeAsync(1);
  expect(written()).toEqual([[1, 2], [3]]);
});

test('writes what was collected during a long write as soon as that ends', async () => {
  const { add, writes, written } = parts(COLLECT);
  void add(1);
  await jest.advanceTimersByTimeAsync(COLLECT_MS);
  void add(2);
  await jest.advanceTimersByTimeAsync(2 * COLLECT_MS);
  expect(written()).toEqual([[1]]);
  writes[0]!.end();
  await jest.advanceTimersByTimeAsync(0);
  expect(written()).toEqual([[1], [2]]);
});

test('collects a number of items at most', async () => {
  const { add, writes, written } = parts(COLLECT);
  for (const item of [1, 2, 3]) void add(item);
  expect(written()).toEqual([[1, 2, 3]]);
  for (const item of [4, 5, 6, 7]) void add(item);
  writes[0]!.end();
  await jest.advanceTimersByTimeAsync(0);
  // More may wait while a write is in flight.
  expect(written()).toEqual([
    [1, 2, 3],
    [4, 5, 6, 7],
  ]);
});
