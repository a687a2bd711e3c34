/** The order of commits, and the size of one. */
import { BatchWriter } from '../../../src/lib/batch-writer.js';
import {
  CommitQueue,
  MAX_SHARED_BYTES,
  MAX_WAITING_BYTES,
  TooMuchWaiting,
} from '../../../src/dispatch/commit-queue.js';

interface Request {
  readonly name: string;
  readonly accountId: string;
  readonly events: number;
  readonly bytes: number;
}

/** A queue whose commits end when `end` is called. */
function parts(concurrency = 2, maxRequests = Infinity) {
  const commits: { names: string[]; bytes: number; end: () => void }[] = [];
  const queue = new CommitQueue<Request, void>(maxRequests);
  const write = (requests: readonly Request[]) =>
    new Promise<void[]>((resolve) => {
      const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
      commits.push({ names: requests.map(({ name }) => name), bytes, end: () => resolve([]) });
    });
  const writer = new BatchWriter(queue, { concurrency, write, isRefused: () => false });
  const add = (name: string, { bytes = 10, events = 1 } = {}) =>
    writer.write({ name, accountId: name[0]!, events, bytes });
  return { add, commits, names: () => commits.map((commit) => commit.names) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const LARGE = { bytes: MAX_SHARED_BYTES + 1 };

test('takes one request of each account in rotation when many wait', async () => {
  const { add, commits, names } = parts(1);
  for (const name of ['x', 'a1', 'a2', 'a3', 'b1', 'c1', 'c2']) void add(name);
  commits[0]!.end();
  await settle();
  expect(names()[1]).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
});

test('limits the bytes and events of a commit unless a single request has more', async () => {
  const { add, commits, names } = parts(1);
  const half = { bytes: MAX_SHARED_BYTES / 2 };
  void add('x');
  for (const name of ['a1', 'a2', 'a3']) void add(name, half);
  for (const name of ['b1', 'b2']) void add(name, { events: 500 });
  while (commits.length < 6) {
    commits.at(-1)!.end();
    await settle();
  }
  expect(Math.max(...commits.map(({ bytes }) => bytes))).toBeLessThanOrEqual(MAX_SHARED_BYTES);
  expect(names()).toEqual([['x'], ['a1'], ['b1'], ['a2'], ['b2'], ['a3']]);
});

test('commits a small request of another account while one account has only large ones', async () => {
  const { add, commits, names } = parts();
  for (const name of ['a1', 'a2', 'a3']) void add(name, LARGE);
  expect(names()).toEqual([['a1']]);
  void add('b1');
  expect(names()).toEqual([['a1'], ['b1']]);
  commits[0]!.end();
  commits[1]!.end();
  await settle();
  expect(names()[2]).toEqual(['a2']);
});

test('commits large requests of several accounts in rotation, one at a time', async () => {
  const { add, commits, names } = parts();
  for (const name of ['a1', 'a2', 'a3', 'b1']) void add(name, LARGE);
  void add('c1');
  for (let at = 0; at < 5; at += 1) {
    commits[at]!.end();
    await settle();
  }
  expect(names()).toEqual([['a1'], ['c1'], ['a2'], ['b1'], ['a3']]);
});

test('rejects requests of an account, and of no other, when too many of its bytes wait', async () => {
  const { add, commits } = parts(1);
  void add('x');
  void add('a1', { bytes: MAX_WAITING_BYTES });
  await expect(add('a2')).rejects.toThrow(TooMuchWaiting);
  void add('b1');
  for (let at = 0; at < 3; at += 1) {
    commits[at]!.end();
    await settle();
  }
  void add('a3');
  expect(commits.map(({ names }) => names)).toEqual([['x'], ['a1'], ['b1'], ['a3']]);
});

test('commits each request alone when requests do not share commits', () => {
  const { add, names } = parts(3, 1);
  for (const name of ['a1', 'a2', 'a3', 'a4']) void add(name);
  expect(names()).toEqual([['a1'], ['a2'], ['a3']]);
});
