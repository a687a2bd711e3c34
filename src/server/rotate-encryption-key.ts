/**
 * `pigeonpost rotate-encryption-key`: seals every secret in the database with the current key.
 *
 * A key that Pigeonpost made for itself is replaced by a new one first and forgotten last; with keys of the settings,
 * the current one is PIGEONPOST_ENCRYPTION_KEY and the former ones are PIGEONPOST_ENCRYPTION_KEY_PREVIOUS. API and
 * workers may run at the same time. If it is killed, run it again.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { loadConfig, type Config } from '../config/config.js';
import { borrowPostgres } from '../embedded/borrow-postgres.js';
import { databaseUnreachable, OperatorError } from '../lib/errors.js';
import { beginKeyRotation, endKeyRotation } from './key-files.js';
import { loadEncryptionKeys } from './keys.js';
import { createLogger } from '../lib/log.js';
import { checkAllKeys, resealAll } from '../store/sealed.js';
import { createSecretBox } from '../store/secret-box.js';
import { openStore, type Store } from '../store/store.js';

/**
 * A running process may have sealed something with the former key just before it was replaced. For so long, in
 * milliseconds, that key is kept: several times what waiting for a connection and writing take.
 */
const UNDER_WAY_MS = 30_000;

/** What the command reports. */
export interface Rotation {
  /** Rows encrypted again, by table. */
  readonly counts: Readonly<Record<string, number>>;
  /** The id of the key that everything is sealed with now, hexadecimal. */
  readonly keyId: string;
}

export async function rotateEncryptionKey(): Promise<void> {
  const config = loadConfig();
  const log = createLogger(config.logLevel);
  const borrowed =
    config.databaseUrl === undefined ? await borrowPostgres(config.dataDir, log, config.postgresPort) : undefined;
  try {
    const url = borrowed?.url ?? config.databaseUrl!;
    const wait = async (): Promise<void> => {
      if (borrowed?.alone) return;
      console.log('waiting half a minute for requests in flight');
      await sleep(UNDER_WAY_MS);
    };
    const { counts, keyId } = await rotate(config, url, wait);
    const rows = Object.entries(counts).map(([table, count]) => `${count} ${table}`);
    console.log(`encrypted again: ${rows.join(', ')}; everything is encrypted with key ${keyId}`);
    if (config.previousEncryptionKeys) console.log('PIGEONPOST_ENCRYPTION_KEY_PREVIOUS is no longer needed');
  } finally {
    await borrowed?.giveBack();
  }
}

/** Rotates; `wait` lets requests in flight in other processes end. */
export async function rotate(config: Config, databaseUrl: string, wait: () => Promise<void>): Promise<Rotation> {
  const keys = await loadEncryptionKeys(config);
  const store = openStore({ databaseUrl, box: createSecretBox(keys) });
  try {
    return await alone(store, databaseUrl, async () => {
      await checkAllKeys(store);
      const ownKey = config.encryptionKey === undefined;
      if (ownKey) await beginKeyRotation(config.dataDir);
      const counts = await resealAll(store);
      if (ownKey) {
        await wait();
        for (const [table, count] of Object.entries(await resealAll(store))) counts[table]! += count;
        await endKeyRotation(config.dataDir);
      }
      return { counts, keyId: store.box.currentKeyId().toString('hex') };
    });
  } finally {
    await store.pool.end();
  }
}

/** Prevents a second rotation while one is running. */
async function alone<T>(store: Store, databaseUrl: string, work: () => Promise<T>): Promise<T> {
  const client = await store.pool.connect().catch((error: unknown) => {
    throw databaseUnreachable(databaseUrl, error);
  });
  try {
    const { rows } = await client.query<{ locked: boolean }>(
      `SELECT pg_try_advisory_lock(hashtext('pigeonpost rotate-encryption-key')) AS locked`,
    );
    if (!rows[0]!.locked) throw new OperatorError('The encryption key is being rotated already.');
    return await work();
  } finally {
    // The lock goes with the connection.
    client.release(true);
  }
}
