/** Rotation of the encryption key on a real PostgreSQL while other processes read and write. */
import { randomBytes } from 'node:crypto';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { rotate } from '../../../src/server/rotate-encryption-key.js';
import { loadConfig, type Config } from '../../../src/config/config.js';
import { OperatorError } from '../../../src/lib/errors.js';
import { beginKeyRotation } from '../../../src/server/key-files.js';
import { loadEncryptionKeys } from '../../../src/server/keys.js';
import { allSubscriptions, saveSubscription } from '../../../src/store/subscriptions/subscriptions.js';
import { findAccount } from '../../../src/store/accounts/accounts.js';
import { checkAllKeys, checkKeys, resealAll, sealedColumns, sealedPayloads } from '../../../src/store/sealed.js';
import { createSecretBox, keyId, type KeyRing } from '../../../src/store/secret-box.js';
import { openStore, type Store } from '../../../src/store/store.js';
import { startApi } from '../../support/api.js';
import { openTestDatabase, type TestDatabase } from '../../support/database.js';

const noWait = async (): Promise<void> => undefined;
const newKey = (): Buffer => randomBytes(32);
/** The counts of tables in which nothing is sealed, as payloads are not by default. */
const noPayloads = { broadcasts: 0, alert_rules: 0, events: 0, event_bodies: 0, attempts: 0 };
const idOf = (key: Buffer): string => keyId(key).toString('hex');

let database: TestDatabase;
let dataDir: string;
const stores: Store[] = [];
beforeEach(async () => {
  [database, dataDir] = await Promise.all([openTestDatabase(), mkdtemp(join(tmpdir(), 'pigeonpost-keys-'))]);
});
afterEach(async () => {
  await Promise.all(stores.splice(0).map(({ pool }) => pool.end()));
  await database.close();
  await rm(dataDir, { recursive: true });
});

const config = (env: NodeJS.ProcessEnv = {}): Config => loadConfig({ PIGEONPOST_DATA_DIR: dataDir, ...env });

/** A process that uses the database with these keys. */
function open(keys: KeyRing | (() => KeyRing)): Store {
  const store = openStore({ databaseUrl: database.url, box: createSecretBox(keys) });
  stores.push(store);
  return store;
}

/** An account with three subscriptions, each with a secret header. */
async function fill(store: Store): Promise<string> {
  const api = await startApi({ store });
  const { id } = (await api.ask('POST', '/v1/accounts', { provider: 'standard', name: 'Acme' })).body;
  for (const n of [1, 2, 3]) {
    const headers = { 'x-token': `token-${n}` };
    await api.ask('POST', `/v1/accounts/${id}/subscriptions`, { url: 'https://example.com/', eventTypes: [], headers });
  }
  await api.close();
  return id;
}

async function tokens(store: Store, accountId: string): Promise<(string | undefined)[]> {
  await findAccount(store, accountId);
  return (await allSubscriptions(store, accountId)).map(({ headers }) => headers['x-token']);
}

async function keyIdsInUse(): Promise<string[]> {
  const { rows } = await database.store.pool.query<{ id: Buffer }>(
    `SELECT substring(secrets FROM 2 FOR 4) AS id FROM accounts UNION SELECT substring(secrets FROM 2 FOR 4) FROM subscriptions`,
  );
  return rows.map(({ id }) => id.toString('hex')).sort();
}

/** A store whose process dies at its n-th UPDATE: before it, or after it without getting the result. */
function dyingAt(store: Store, update: number, done: boolean): Store {
  let remains = update;
  const query = async (...args: Parameters<Store['pool']['query']>): Promise<unknown> => {
    const dies = String(args[0]).startsWith('UPDATE') && --remains === 0;
    if (dies && !done) throw new Error('killed');
    const result = await (store.pool.query(...args) as unknown as Promise<unknown>);
    if (dies) throw new Error('killed');
    return result;
  };
  return { ...store, pool: { query } as unknown as Store['pool'] };
}

describe('the key in the data folder', () => {
  test('is replaced while running processes read and write', async () => {
    const running = open(await loadEncryptionKeys(config()));
    const accountId = await fill(running);
    const former = running.box.currentKeyId().toString('hex');
    const lateSeal = (value: unknown, id: string): Buffer => formerBox.seal(value, id);
    const formerBox = createSecretBox(await loadEncryptionKeys(config()).then((keys) => keys()));

    const rotation = await rotate(config(), database.url, async () => {
      expect(await tokens(running, accountId)).toEqual(['token-1', 'token-2', 'token-3']);
      expect(running.box.currentKeyId().toString('hex')).not.toBe(former);
      // What was sealed before the key was replaced is written only now.
      const [first] = await allSubscriptions(running, accountId);
      await saveSubscription({ ...running, box: { ...running.box, seal: lateSeal } }, { ...first!, headers: {} });
      expect(await keyIdsInUse()).toContain(former);
    });

    expect(rotation.counts).toEqual({ ...noPayloads, accounts: 1, subscriptions: 4 });
    expect(await keyIdsInUse()).toEqual([rotation.keyId]);
    expect(rotation.keyId).not.toBe(former);
    expect(await tokens(running, accountId)).toEqual([undefined, 'token-2', 'token-3']);
    expect(await tokens(open(await loadEncryptionKeys(config())), accountId)).toEqual([
      undefined,
      'token-2',
      'token-3',
    ]);
    expect(await readdir(dataDir)).toEqual(['encryption-key']);
    expect((await stat(join(dataDir, 'encryption-key'))).mode & 0o777).toBe(0o600);
  });

  test.each([
    [1, false],
    [1, true],
    [2, true],
    [3, false],
    [4, true],
  ])('is replaced by a second run when the first is killed at row %i (written: %s)', async (update, done) => {
    const running = open(await loadEncryptionKeys(config()));
    const accountId = await fill(running);
    const former = running.box.currentKeyId().toString('hex');
    await beginKeyRotation(dataDir);
    await expect(resealAll(dyingAt(running, update, done), 1)).rejects.toThrow('killed');
    // Between the runs, a process that starts now can read all rows.
    const fresh = open(await loadEncryptionKeys(config()));
    await checkKeys(fresh);
    expect(await tokens(fresh, accountId)).toEqual(['token-1', 'token-2', 'token-3']);

    const { counts, keyId } = await rotate(config(), database.url, noWait);
    expect(counts.accounts! + counts.subscriptions!).toBe(4 - (done ? update : update - 1));
    expect(keyId).toBe(fresh.box.currentKeyId().toString('hex'));
    expect(keyId).not.toBe(former);
    expect(await keyIdsInUse()).toEqual([keyId]);
    expect(await tokens(fresh, accountId)).toEqual(['token-1', 'token-2', 'token-3']);
  });

  test.each([
    ['before the new key is written', (key: string) => ({ 'encryption-key.former': key })],
    ['while a file is written', (key: string) => ({ 'encryption-key.former.new': key.slice(0, 9) })],
    [
      'while the new key is written',
      (key: string) => ({ 'encryption-key.former': key, 'encryption-key.new': key.slice(0, 9) }),
    ],
  ])('is replaced by a second run when the first is killed %s', async (_when, remains) => {
    const accountId = await fill(open(await loadEncryptionKeys(config())));
    const key = await readFile(join(dataDir, 'encryption-key'), 'utf8');
    for (const [name, text] of Object.entries(remains(key))) {
      await writeFile(join(dataDir, name), text);
      await chmod(join(dataDir, name), 0o644);
    }
    const { counts } = await rotate(config(), database.url, noWait);
    expect(counts).toEqual({ ...noPayloads, accounts: 1, subscriptions: 3 });
    expect(await readFile(join(dataDir, 'encryption-key'), 'utf8')).not.toBe(key);
    expect((await stat(join(dataDir, 'encryption-key'))).mode & 0o777).toBe(0o600);
    expect(await tokens(open(await loadEncryptionKeys(config())), accountId)).toHaveLength(3);
  });

  test('is not replaced when another run is replacing it', async () => {
    await fill(open(await loadEncryptionKeys(config())));
    await rotate(config(), database.url, async () => {
      await expect(rotate(config(), database.url, noWait)).rejects.toThrow('is being rotated already');
    });
  });
});

describe('keys in the settings', () => {
  const settings = (key: Buffer, ...previous: Buffer[]): Config =>
    config({
      PIGEONPOST_ENCRYPTION_KEY: key.toString('base64'),
      PIGEONPOST_ENCRYPTION_KEY_PREVIOUS: previous.map((each) => each.toString('base64')).join(','),
    });

  test('are rotated with the former key as a previous one', async () => {
    const [oldest, former, current] = [newKey(), newKey(), newKey()];
    const accountId = await fill(open([oldest]));
    await fill(open([former, oldest]));
    const { counts, keyId } = await rotate(settings(current, former, oldest), database.url, noWait);
    expect({ counts, keyId }).toEqual({
      counts: { ...noPayloads, accounts: 2, subscriptions: 6 },
      keyId: idOf(current),
    });
    expect(await tokens(open([current]), accountId)).toEqual(['token-1', 'token-2', 'token-3']);
    expect(await rotate(settings(current), database.url, noWait)).toMatchObject({
      counts: { accounts: 0, broadcasts: 0, alert_rules: 0, subscriptions: 0 },
    });
    expect(await readdir(dataDir)).toEqual([]);
  });

  test('are rejected with the id of the missing key before anything is changed', async () => {
    const [former, current] = [newKey(), newKey()];
    await fill(open([former]));
    const refused = rotate(settings(current), database.url, noWait);
    await expect(refused).rejects.toBeInstanceOf(OperatorError);
    await expect(refused).rejects.toThrow(
      `Secrets in the database are encrypted with a key that is not configured (id ${idOf(former)}).`,
    );
    await expect(rotate(config(), database.url, noWait)).rejects.toThrow(idOf(former));
    expect(await keyIdsInUse()).toEqual([idOf(former)]);
    expect(await readdir(dataDir)).toEqual(['encryption-key']);
  });
});

test('does not change a row that is edited at the same time', async () => {
  const [former, current] = [newKey(), newKey()];
  const editor = open([former]);
  const accountId = await fill(editor);
  const store = open([current, former]);
  let edited = false;
  const query = async (...args: Parameters<Store['pool']['query']>): Promise<unknown> => {
    if (!edited && String(args[0]).startsWith('UPDATE subscriptions')) {
      edited = true;
      const [first] = await allSubscriptions(editor, accountId);
      await saveSubscription(editor, { ...first!, headers: { 'x-token': 'edited' } });
    }
    return store.pool.query(...args);
  };
  const counts = await resealAll({ ...store, pool: { query } as unknown as Store['pool'] });
  expect(counts).toEqual({ ...noPayloads, accounts: 1, subscriptions: 3 });
  expect(await tokens(open([current]), accountId)).toEqual(['edited', 'token-2', 'token-3']);
});

test('rejects a wrong key when a process starts', async () => {
  const [right, wrong] = [newKey(), newKey()];
  await checkKeys(open([wrong]));
  await fill(open([right]));
  await checkKeys(open([wrong, right]));
  const found = checkKeys(open([wrong]));
  await expect(found).rejects.toBeInstanceOf(OperatorError);
  await expect(found).rejects.toThrow(`(id ${idOf(right)})`);
  await expect(checkAllKeys(open([wrong]))).rejects.toThrow(`(id ${idOf(right)})`);
  // A database without tables has nothing to open.
  await database.store.pool.query('CREATE SCHEMA empty');
  const url = new URL(database.url);
  url.searchParams.set('options', '-c search_path=empty');
  const empty = openStore({ databaseUrl: url.href, box: createSecretBox([wrong]) });
  stores.push(empty);
  await checkKeys(empty);
  await expect(checkAllKeys(empty)).rejects.toThrow('The database has no tables yet.');
});

test('does not open a row of another key or another row', () => {
  const [key, other] = [newKey(), newKey()];
  const sealed = createSecretBox([key]).seal({ a: 1 }, 'acc_1');
  expect(createSecretBox([other, key]).open(sealed, 'acc_1')).toEqual({ a: 1 });
  expect(() => createSecretBox([key]).open(sealed, 'acc_2')).toThrow(/authenticate/);
  expect(() => createSecretBox([other]).open(sealed, 'acc_1')).toThrow(
    `The secrets of acc_1 are encrypted with a key that is not configured (id ${idOf(key)}).`,
  );
});

test('seals every column of bytes that is no hash, and includes it in the rotation', async () => {
  const hashes = ['api_keys.hash', 'idempotency_keys.fingerprint', 'sessions.admin_proof', 'sessions.hash'];
  const { rows } = await database.store.pool.query<{ name: string }>(
    `SELECT table_name || '.' || column_name AS name FROM information_schema.columns
     WHERE table_schema = 'public' AND data_type = 'bytea'
       AND NOT (SELECT relispartition FROM pg_class WHERE oid = table_name::regclass)
     ORDER BY 1`,
  );
  const sealed = rows.map(({ name }) => name).filter((name) => !hashes.includes(name));
  const known = [...sealedColumns, ...sealedPayloads].map(({ table, column }) => `${table}.${column}`);
  expect(sealed).toEqual(known.sort());
});
