/** Commands that need a database and no API, as processes of their own. */
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { runCommand } from '../../support/process.js';

let database: TestDatabase;
beforeAll(async () => void (database = await openTestDatabase()));
afterAll(() => database.close());

/** Runs it to its end; what it printed. */
async function printed(...[command, ...args]: [string, ...string[]]): Promise<string> {
  const running = runCommand(command, { DATABASE_URL: database.url }, ...args);
  expect(await running.ended).toBe(0);
  return running.printed();
}

test('migrate brings the database to the newest schema and says what that took', async () => {
  expect(JSON.parse(await printed('migrate', '--json'))).toEqual({ applied: [] });
  expect(await printed('migrate')).toBe('the database is up to date\n');
});
