/** A process that npm started, whose npm ends without passing a signal on. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ADMIN_KEY } from '../../support/api.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { eventually } from '../../support/eventually.js';

const TYPESCRIPT = join(__dirname, '../../support/typescript.cjs');
const MAIN = join(__dirname, '../../../src/cli/main.ts');

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await openTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'pigeonpost-npm-'));
  const start = `node --require ${TYPESCRIPT} ${MAIN} api`;
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ name: 'started', scripts: { start } }));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.close();
});

test.each(['SIGTERM', 'SIGKILL'] as const)('stops in order when npm was ended by %s', async (signal) => {
  const npm = spawn('npm', ['start'], {
    cwd: folder,
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      DATABASE_URL: database.url,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      PIGEONPOST_ADMIN_KEY: ADMIN_KEY,
      PIGEONPOST_ENCRYPTION_KEY: database.key.toString('base64'),
      PIGEONPOST_PORT: '0',
      PIGEONPOST_SHUTDOWN_DELAY_SECONDS: '0',
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let printed = '';
  for (const stream of [npm.stdout, npm.stderr]) stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  await eventually(
    async () => printed,
    (text) => text.includes('the API listens at'),
    40_000,
  );
  npm.kill(signal);
  // The API has the same output: it closes once the last of them has ended.
  await once(npm, 'close');
  expect(printed).toContain('Stopping: ');
});
