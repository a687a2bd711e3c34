/** Committing together what comes together. */
import { Intake } from '../../src/dispatch/intake';
import type { PlannedEvent } from '../../src/dispatch/accept';
import type { Dispatcher } from '../../src/dispatch/dispatcher';
import type { Store } from '../../src/store/store';

/** A store whose inserts end when they are told to, and a dispatcher that notes what it is given. */
function parts(lane: 'own' | 'burst' = 'own') {
  const commits: { ids: string[]; lane: unknown; end: (error?: Error) => void }[] = [];
  const dispatched: string[] = [];
  const query = ({ values }: { values: unknown[] }) =>
    new Promise((resolve, reject) => {
      commits.push({
        ids: values[0] as string[],
        lane: values.at(-1),
        end: (error) => (error ? reject(error) : resolve({ rows: [] })),
      });
    });
  const dispatcher: Dispatcher = {
    laneFor: () => lane,
    dispatch: (startables) => void dispatched.push(...startables.map(({ deliveryId }) => deliveryId)),
    stop: async () => undefined,
  };
  return { intake: new Intake({ pool: { query } } as unknown as Store, dispatcher), commits, dispatched };
}

function planned(id: string): PlannedEvent {
  const event = { id, type: 'user.created', occurredAt: new Date(), channels: [], text: '{}' };
  const row = { event, accountId: 'acc_1', provider: 'standard', addressed: false, bodies: new Map(), deliveries: [] };
  return { row, startables: [{ deliveryId: `of ${id}` }] } as unknown as PlannedEvent;
}

const settle = () => new Promise((resolve) => setImmediate(resolve));
const refused = Object.assign(new Error('invalid'), { code: '22021' });

test('a request that comes alone waits for nobody, and is dispatched once it is committed', async () => {
  const { intake, commits, dispatched } = parts();
  const taken = intake.take([planned('a')]);
  expect(commits.map(({ ids }) => ids)).toEqual([['a']]);
  expect(dispatched).toEqual([]);
  commits[0]!.end();
  await taken;
  expect(dispatched).toEqual(['of a']);
});

test('requests that come while others are committed share a commit', async () => {
  const { intake, commits, dispatched } = parts('burst');
  const taken = ['a', 'b', 'c', 'd'].map((id) => intake.take([planned(id)]));
  commits[0]!.end();
  await settle();
  expect(commits[2]).toMatchObject({ ids: ['c', 'd'], lane: true });
  for (const { end } of commits) end();
  await Promise.all(taken);
  expect(dispatched.sort()).toEqual(['of a', 'of b', 'of c', 'of d']);
});

test('one that the database refuses fails alone', async () => {
  const { intake, commits, dispatched } = parts();
  const taken = Promise.allSettled(['a', 'b', 'bad', 'good'].map((id) => intake.take([planned(id)])));
  commits[0]!.end();
  commits[1]!.end();
  await settle();
  commits[2]!.end(refused);
  await settle();
  commits[3]!.end(refused);
  await settle();
  commits[4]!.end();
  expect((await taken).map(({ status }) => status)).toEqual(['fulfilled', 'fulfilled', 'rejected', 'fulfilled']);
  expect(dispatched).not.toContain('of bad');
});

test('when the database is away, all of them are told at once', async () => {
  const { intake, commits, dispatched } = parts();
  const taken = Promise.allSettled(['a', 'b', 'c', 'd'].map((id) => intake.take([planned(id)])));
  const away = Object.assign(new Error('away'), { code: '57P01' });
  commits[0]!.end(away);
  commits[1]!.end(away);
  await settle();
  commits[2]!.end(away);
  expect((await taken).every(({ status }) => status === 'rejected')).toBe(true);
  expect(commits).toHaveLength(3);
  expect(dispatched).toEqual([]);
});

test('a request without events is done', async () => {
  const { intake, commits } = parts();
  await intake.take([]);
  expect(commits).toEqual([]);
});
