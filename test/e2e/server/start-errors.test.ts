/** What a command says when something it needs is not as its settings say: what is wrong and what to change, no stack. */
import { createServer } from 'node:http';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { databaseUnreachable, unreachable } from '../../../src/lib/errors.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';
import { runCommand, runProgram } from '../../support/process.js';

let database: TestDatabase;
let folder: string;
beforeAll(async () => {
  database = await openTestDatabase();
  folder = mkdtempSync(join(tmpdir(), 'pigeonpost-errors-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await database.close();
});

const NOWHERE = 'postgres://pigeonpost:secret@127.0.0.1:1/pigeonpost';
const NO_STACK = /^ +at |node_modules|tonic|Os \{|secret/m;

/** Runs a command that cannot start; what it printed. */
async function failed(command: string, env: Record<string, string>): Promise<string> {
  const all = { PIGEONPOST_DATA_DIR: folder, ...env };
  const running = command === 'demo' ? runProgram('tools/demo/main.ts', all) : runCommand(command, all);
  expect(await running.ended).toBe(1);
  return running.printed();
}

test.each(['migrate', 'rotate-encryption-key', 'api', 'worker', 'up', 'demo'])(
  '%s says at once what it starts, and then that DATABASE_URL cannot be reached',
  async (command) => {
    const printed = await failed(command, {
      DATABASE_URL: NOWHERE,
      TEMPORAL_ADDRESS: '127.0.0.1:1',
      PIGEONPOST_PORT: '1',
    });
    if (!/^(migrate|rotate)/.test(command)) expect(printed).toMatch(/^Starting /);
    expect(printed).toContain('pigeonpost: PostgreSQL at 127.0.0.1:1 cannot be reached: the connection was refused.');
    expect(printed).toContain('Check that it is running and that DATABASE_URL is correct.');
    expect(printed).not.toMatch(NO_STACK);
  },
);

test.each([
  ['127.0.0.1:1', 'the connection was refused'],
  ['temporal.invalid:7233', 'the name cannot be resolved'],
])('a worker says that Temporal at %s cannot be reached', async (address, why) => {
  const printed = await failed('worker', { DATABASE_URL: database.url, TEMPORAL_ADDRESS: address });
  expect(printed).toContain(`pigeonpost: Temporal at ${address} cannot be reached: ${why}.`);
  expect(printed).not.toMatch(NO_STACK);
});

test('the demo says so when what runs at its address takes another key', async () => {
  writeFileSync(join(folder, 'admin-key'), 'another-key-0123456789\n');
  const other = createServer((request, response) => {
    response.statusCode = request.url === '/healthz' ? 200 : 401;
    response.end('{}');
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const { port } = other.address() as AddressInfo;
  const printed = await failed('demo', { PIGEONPOST_PORT: String(port) });
  other.close();
  expect(printed).toContain(`Something else runs at http://127.0.0.1:${port}, a Pigeonpost with another data folder`);
  expect(printed).not.toMatch(NO_STACK);
});

test.each([
  ['connect ETIMEDOUT 10.0.0.1:5432', 'it does not respond in time'],
  ['transport error: InvalidCertificate(UnknownIssuer)', 'its TLS certificate is not accepted'],
  ['tonic::transport::Error(Transport, InvalidContentType)', 'it does not use the expected protocol'],
  ['tonic::transport::Error(Transport, Other)', 'the connection failed'],
  ['password authentication failed for user "kim"', 'password authentication failed for user "kim"'],
])('%s is said as text', (text, why) => {
  expect(unreachable('Temporal', 'a:1', 'TEMPORAL_ADDRESS', new Error(text)).message).toContain(`reached: ${why}`);
  expect(databaseUnreachable('postgres://kim@db/x', new Error(text)).message).toContain('PostgreSQL at db cannot');
});
