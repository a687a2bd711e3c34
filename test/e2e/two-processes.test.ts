/** Two API processes on one database: a change that one has confirmed holds for the next event in both. */
import { newAccount } from '../support/samples.js';
import { ADMIN_KEY, askAt, type Ask } from '../support/api.js';
import { openTestDatabase, type TestDatabase } from '../support/database.js';
import { eventually } from '../support/eventually.js';
import { runCommand } from '../support/process.js';

/** Changes, each followed by an event. */
const CHANGES = 1_000;
/** Accounts whose rounds run concurrently. */
const ACCOUNTS = 10;

jest.setTimeout(600_000);

let database: TestDatabase;
let processes: ReturnType<typeof runCommand>[];
let apis: Ask[];
beforeAll(async () => {
  database = await openTestDatabase();
  const environment = {
    DATABASE_URL: database.url,
    // Nothing listens there: deliveries are accepted and not started.
    TEMPORAL_ADDRESS: '127.0.0.1:1',
    PIGEONPOST_ENCRYPTION_KEY: database.key.toString('base64'),
    PIGEONPOST_ADMIN_KEY: ADMIN_KEY,
    PIGEONPOST_PORT: '0',
  };
  processes = [runCommand('api', environment), runCommand('api', environment)];
  apis = await Promise.all(processes.map(askAtProcess));
});
afterAll(async () => {
  for (const { signal } of processes) signal('SIGTERM');
  await Promise.all(processes.map(({ ended }) => ended));
  await database.close();
});

async function askAtProcess({ printed }: ReturnType<typeof runCommand>): Promise<Ask> {
  const find = () => /http:\/\/127\.0\.0\.1:\d+/.exec(printed())?.[0];
  const url = await eventually(async () => find(), Boolean, 60_000);
  return (...request) => askAt(url!, ...request);
}

/** Creates, disables, enables and deletes a subscription in one process, with an event in the other one after each. */
async function round(accountId: string, change: Ask, emit: Ask): Promise<string[]> {
  const wrong: string[] = [];
  const expectDeliveries = async (after: string, count: number): Promise<void> => {
    const { status, body } = await emit('POST', `/v1/accounts/${accountId}/events`, { type: 'user.created', data: {} });
    const found = status === 202 ? body.deliveries.length : `status ${status}`;
    if (found !== count) wrong.push(`${found} deliveries after ${after}`);
  };
  const fields = { url: 'https://hooks.example.com/in', eventTypes: ['user.created'] };
  const { body: subscription } = await change('POST', `/v1/accounts/${accountId}/subscriptions`, fields);
  await expectDeliveries('create', 1);
  await change('PATCH', `/v1/subscriptions/${subscription.id}`, { enabled: false });
  await expectDeliveries('disable', 0);
  await change('PATCH', `/v1/subscriptions/${subscription.id}`, { enabled: true });
  await expectDeliveries('enable', 1);
  await change('DELETE', `/v1/subscriptions/${subscription.id}`);
  await expectDeliveries('delete', 0);
  return wrong;
}

test('fans an event out to exactly the current subscriptions when another process has just changed one', async () => {
  const rounds = await Promise.all(
    Array.from({ length: ACCOUNTS }, async () => {
      const { id } = await newAccount(apis[0]!, 'standard');
      const wrong: string[] = [];
      for (let number = 0; number < CHANGES / 4 / ACCOUNTS; number += 1) {
        const [change, emit] = number % 2 === 0 ? [apis[0]!, apis[1]!] : [apis[1]!, apis[0]!];
        wrong.push(...(await round(id, change, emit)));
      }
      return wrong;
    }),
  );
  expect(rounds.flat()).toEqual([]);
});
