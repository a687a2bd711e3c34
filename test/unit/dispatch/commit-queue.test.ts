/** Whose turn it is to be committed, and how much one commit holds. */
import { CommitQueue, MAX_SHARED_BYTES, MAX_WAITING_BYTES, TooMuchWaiting } from '../../../src/dispatch/commit-queue';

interface Request {
  readonly name: string;
  readonly accountId: string;
  readonly events: number;
  readonly bytes: number;
}

/** A queue whose commits end when they are told to. */
function parts(concurrency = 2, maxRequests = Infinity) {
  const commits: { names: string[]; bytes: number; end: () => void }[] = [];
  const queue = new CommitQueue<Request>(
    { concurrency, maxRequests },
    (requests) =>
      new Promise((end) => {
        const bytes = requests.reduce((sum, request) => sum + request.bytes, 0);
        commits.push({ names: requests.map(({ name }) => name), bytes, end });
      }),
  );
  const add = (name: string, { bytes = 10, events = 1 } = {}) =>
    queue.add({ name, accountId: name[0]!, events, bytes });
  return { add, commits, names: () => commits.map((commit) => commit.names) };
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const LARGE = { bytes: MAX_SHARED_BYTES + 1 };

test('takes one request of each account in turn when many wait', async () => {
  const { add, commits, names } = parts(1);
  for (const name of ['x', 'a1', 'a2', 'a3', 'b1', 'c1', 'c2']) add(name);
  commits[0]!.end();
  await settle();
  expect(names()[1]).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3']);
});

test('commits no more bytes and events at once than its bounds unless a single request has more', async () => {
  const { add, commits, names } = parts(1);
  const half = { bytes: MAX_SHARED_BYTES / 2 };
  add('x');
  for (const name of ['a1', 'a2', 'a3']) add(name, half);
  for (const name of ['b1', 'b2']) add(name, { events: 500 });
  while (commits.length < 6) {
    commits.at(-1)!.end();
    await settle();
  }
  expect(Math.max(...commits.map(({ bytes }) => bytes))).toBeLessThanOrEqual(MAX_SHARED_BYTES);
  expect(names()).toEqual([['x'], ['a1'], ['b1'], ['a2'], ['b2'], ['a3']]);
});

test('commits a small request of another account while one account has only large ones', async () => {
  const { add, commits, names } = parts();
  for (const name of ['a1', 'a2', 'a3']) add(name, LARGE);
  expect(names()).toEqual([['a1']]);
  add('b1');
  expect(names()).toEqual([['a1'], ['b1']]);
  commits[0]!.end();
  commits[1]!.end();
  await settle();
  expect(names()[2]).toEqual(['a2']);
});

test('gives large requests of several accounts turns, one at a time', async () => {
  const { add, commits, names } = parts();
  for (const name of ['a1', 'a2', 'a3', 'b1']) add(name, LARGE);
  add('c1');
  for (let at = 0; at < 5; at += 1) {
    commits[at]!.end();
    await settle();
  }
  expect(names()).toEqual([['a1'], ['c1'], ['a2'], ['b1'], ['a3']]);
});

test('rejects requests of an account of which too many bytes wait, and no one else’s', async () => {
  const { add, commits } = parts(1);
  add('x');
  add('a1', { bytes: MAX_WAITING_BYTES });
  expect(() => add('a2')).toThrow(TooMuchWaiting);
  add('b1');
  for (let at = 0; at < 3; at += 1) {
    commits[at]!.end();
    await settle();
  }
  add('a3');
  expect(commits.map(({ names }) => names)).toEqual([['x'], ['a1'], ['b1'], ['a3']]);
});

test('commits single requests by themselves where they do not share', () => {
  const { add, names } = parts(3, 1);
  for (const name of ['a1', 'a2', 'a3', 'a4']) add(name);
  expect(names()).toEqual([['a1'], ['a2'], ['a3']]);
});
