/** What the doctor finds: findings at their limits, and everything against servers that run. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { randomBytes } from 'node:crypto';
import { diskFinding, nodeFinding } from '../../../src/cli/doctor/machine.js';
import * as postgres from '../../../src/cli/doctor/postgres.js';
import * as temporal from '../../../src/cli/doctor/temporal.js';
import { pickPort } from '../../../src/embedded/ports.js';
import { ADMIN_KEY } from '../../support/api.js';
import { startSystem, type TestSystem } from '../../support/system.js';
import { pigeonpost } from '../../support/cli.js';

interface Finding {
  readonly name: string;
  readonly level: string;
  readonly says: string;
  readonly advice?: string;
}

describe('findings', () => {
  test.each([
    ['22.0.0', 'ok'],
    ['24.0.0', 'ok'],
    ['20.19.0', 'warning'],
    ['20.18.9', 'problem'],
    ['18.20.0', 'problem'],
  ])('of Node.js %s: %s', (version, level) => {
    expect(nodeFinding(version, '>=22').level).toBe(level);
  });

  test.each([
    [1_024 ** 3, 'ok'],
    [1_024 ** 3 - 1, 'warning'],
    [1_024 ** 3 / 8, 'warning'],
    [1_024 ** 3 / 8 - 1, 'problem'],
  ])('of %i free bytes: %s', (free, level) => {
    expect(diskFinding('/data', free).level).toBe(level);
  });

  test.each([
    ['15.0', 'ok'],
    ['18.4 (Debian 18.4-1)', 'ok'],
    ['14.19', 'problem'],
  ])('of PostgreSQL %s: %s', (version, level) => {
    expect(postgres.versionFinding(version, 'db').level).toBe(level);
  });

  test.each([
    ['1.28.0', 'ok'],
    ['2.0.0', 'ok'],
    ['cloud', 'ok'],
    ['1.27.9', 'problem'],
  ])('of Temporal %s: %s', (version, level) => {
    expect(temporal.versionFinding(version, 'temporal').level).toBe(level);
  });

  test.each([
    [10_000, 'ok'],
    [15_000, 'ok'],
    [15_001, 'warning'],
    [4_000, 'ok'],
    [3_999, 'warning'],
  ])('of a clock at %i between 9,000 and 10,000: %s', (theirs, level) => {
    expect(postgres.clockFinding(theirs, 9_000, 10_000).level).toBe(level);
  });

  test.each([
    [['1', '2'], 'ok', undefined],
    [['1'], 'problem', 'Run `pigeonpost migrate`.'],
    [['1', '2', '3'], 'warning', 'Run that version.'],
  ])('of a schema with %j of two migrations: %s', (applied, level, advice) => {
    expect(postgres.schemaFinding(['1', '2'], new Set(applied))).toMatchObject({ level });
    expect(postgres.schemaFinding(['1', '2'], new Set(applied)).advice).toBe(advice);
  });
});

describe('examined', () => {
  let system: TestSystem;
  let dataDir: string;
  let env: NodeJS.ProcessEnv;
  beforeAll(async () => {
    system = await startSystem();
    dataDir = mkdtempSync(join(tmpdir(), 'pigeonpost-doctor-'));
    env = {
      DATABASE_URL: system.database.url,
      TEMPORAL_ADDRESS: system.environment.address,
      PIGEONPOST_DATA_DIR: dataDir,
      PIGEONPOST_CACHE_DIR: dataDir,
      PIGEONPOST_URL: system.url,
      PIGEONPOST_API_KEY: ADMIN_KEY,
    };
  });
  afterAll(async () => {
    await system.stop();
    rmSync(dataDir, { recursive: true });
  });

  async function examine(changes: NodeJS.ProcessEnv = {}) {
    const { exitCode, json } = await pigeonpost(['doctor', '--json'], { env: { ...env, ...changes } });
    const findings = json.findings as Finding[];
    expect(json.healthy).toBe(exitCode === 0);
    return { exitCode, find: (name: string) => findings.find((finding) => finding.name === name), findings };
  }

  test('a whole installation is healthy', async () => {
    const { exitCode, findings } = await examine();
    const node = Number.parseInt(process.versions.node, 10) < 22 ? 'warning' : 'ok';
    expect(findings.map(({ name, level }) => [name, level])).toEqual([
      ['Node.js', node],
      ...[
        ...['Settings', 'Data folder', 'Disk', 'Ports', 'PostgreSQL', 'Clock', 'Schema', 'Encryption key'],
        ...['Temporal', 'Namespace', 'Search attributes', 'Workers', 'API', 'API key'],
      ].map((name) => [name, 'ok']),
    ]);
    expect(exitCode).toBe(0);
    const { out } = await pigeonpost(['doctor'], { env });
    expect(out).toMatch(/^✓ Schema: up to date \(\d+ applied\)$/m);
  });

  test('settings that are wrong are all that is said', async () => {
    const { exitCode, findings } = await examine({ PIGEONPOST_PORT: 'x' });
    expect(exitCode).toBe(1);
    expect(findings.at(-1)).toMatchObject({ name: 'Settings', level: 'problem' });
  });

  test('servers that do not respond are named, with their settings', async () => {
    const nowhere = `127.0.0.1:${await pickPort()}`;
    const { exitCode, find } = await examine({
      DATABASE_URL: `postgres://${nowhere}/none`,
      TEMPORAL_ADDRESS: nowhere,
      PIGEONPOST_URL: `http://${nowhere}`,
    });
    expect(exitCode).toBe(1);
    expect(find('PostgreSQL')).toMatchObject({ level: 'problem', advice: expect.stringContaining('DATABASE_URL') });
    expect(find('Temporal')).toMatchObject({ level: 'problem', advice: expect.stringContaining('TEMPORAL_ADDRESS') });
    expect(find('API')).toMatchObject({ level: 'warning', says: `Nothing responds at http://${nowhere}.` });
  });

  test('a namespace that is not there is to be created', async () => {
    const { find } = await examine({ TEMPORAL_NAMESPACE: 'nowhere' });
    expect(find('Namespace')).toMatchObject({ level: 'problem', says: 'There is no namespace nowhere.' });
    expect(find('Workers')).toBeUndefined();
  });

  test('a key that opens nothing, and one that the API refuses, are found', async () => {
    await system.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' });
    const encryption = { PIGEONPOST_ENCRYPTION_KEY: randomBytes(32).toString('base64') };
    const { exitCode, find } = await examine({ ...encryption, PIGEONPOST_API_KEY: 'another' });
    expect(exitCode).toBe(1);
    expect(find('Encryption key')).toMatchObject({ level: 'problem' });
    expect(find('API key')).toMatchObject({ level: 'problem', says: 'The API refuses it.' });
  });

  test('a port that something else has is found', async () => {
    const other = createServer((_request, response) => response.end('hello'));
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const port = String((other.address() as { port: number }).port);
    const { find, exitCode } = await examine({
      ...{
        TEMPORAL_ADDRESS: '',
        PIGEONPOST_TEMPORAL_PORT: port,
        PIGEONPOST_TEMPORAL_UI_PORT: String(await pickPort()),
      },
      ...{ PIGEONPOST_URL: `http://127.0.0.1:${port}` },
    });
    other.close();
    expect(exitCode).toBe(1);
    expect(find('Ports')).toMatchObject({ says: `${port} is in use.` });
    expect(find('API')).toMatchObject({
      level: 'problem',
      says: `What listens at http://127.0.0.1:${port} is not Pigeonpost.`,
    });
  });

  test('what is embedded and does not run is no problem, and nothing is made', async () => {
    const folder = join(dataDir, 'new');
    const ports = {
      PIGEONPOST_TEMPORAL_PORT: String(await pickPort()),
      PIGEONPOST_TEMPORAL_UI_PORT: String(await pickPort()),
    };
    const cli = { PIGEONPOST_TEMPORAL_CLI: process.env.PIGEONPOST_TEST_TEMPORAL_CLI };
    const { exitCode, find } = await examine({
      DATABASE_URL: '',
      TEMPORAL_ADDRESS: '',
      PIGEONPOST_DATA_DIR: folder,
      ...ports,
      ...cli,
    });
    expect(exitCode).toBe(0);
    expect(find('PostgreSQL')).toMatchObject({ level: 'ok', says: expect.stringContaining('starts with Pigeonpost') });
    expect(find('Temporal')).toMatchObject({ level: 'ok', says: expect.stringContaining('starts with Pigeonpost') });
    expect(find('Data folder')).toMatchObject({ says: `${folder}, made at the first start` });
  });

  test('a folder that others may look into is a warning', async () => {
    const open = mkdtempSync(join(dataDir, 'open-'));
    chmodSync(open, 0o755);
    const { find } = await examine({ PIGEONPOST_DATA_DIR: open });
    expect(find('Data folder')).toMatchObject({ level: 'warning', advice: `Run chmod 700 ${open}.` });
  });
});
