/** Deleting asks first: what is deleted does not come back. */
import { startApiWithDatabase } from '../../support/api.js';
import { against } from '../../support/cli.js';

let api: Awaited<ReturnType<typeof startApiWithDatabase>>;
let cli: ReturnType<typeof against>;
beforeAll(async () => {
  api = await startApiWithDatabase();
  cli = against(api.url);
});
afterAll(() => api.close());

const RECEIVER = 'https://hooks.example.com/in';

/** What can be deleted, and the words by which the question names it. */
const targets = {
  accounts: async () => ({ id: (await newAccount()) as string, named: 'Acme' }),
  subscriptions: async () => {
    const { id } = await cli.json('subscriptions', 'create', await newAccount(), RECEIVER);
    return { id: id as string, named: RECEIVER };
  },
};
const kinds = ['accounts', 'subscriptions'] as const;

async function newAccount() {
  return (await cli.json('accounts', 'create', 'standard', 'Acme')).id;
}

const exists = async (kind: string, id: string) => (await cli.pigeonpost([kind, 'show', id])).exitCode === 0;

test.each(kinds)('%s delete needs --yes where there is no terminal', async (kind) => {
  const { id } = await targets[kind]();
  const { exitCode, out, err } = await cli.pigeonpost([kind, 'delete', id], 'y\n');
  expect([exitCode, out]).toEqual([1, '']);
  expect(err).toContain('--yes');
  expect(await exists(kind, id)).toBe(true);
});

test.each(kinds)('%s delete names what it deletes, and deletes nothing unless the response is yes', async (kind) => {
  const { id, named } = await targets[kind]();
  for (const typed of ['\n', 'n\n', 'what?\n', '']) {
    const { exitCode, out, err } = await cli.typing(typed, [kind, 'delete', id]);
    expect([exitCode, out]).toEqual([1, '']);
    expect(err).toContain(named);
    expect(err).toContain('Nothing was deleted');
  }
  expect(await exists(kind, id)).toBe(true);
  expect(await cli.typing('Yes\n', [kind, 'delete', id])).toMatchObject({ exitCode: 0, out: `deleted ${id}` });
  expect(await exists(kind, id)).toBe(false);
});
