/** Whether the database accepts writes. With a full disk, or as a standby, it still responds to reads. */
import { errorCode } from '../lib/errors.js';
import { inTransaction, type Store } from './store.js';

/** SQLSTATE of a full disk, an I/O error and a read-only transaction. */
const REJECTED_WRITE = new Set(['53100', '58030', '25006']);
/** Rows of the trial table: more than fit into the free space of existing pages. */
const TRIAL_ROWS = 20_000;

export interface WriteHealth {
  /** Records an error that means a rejected write; ignores any other. */
  recordError(error: unknown): void;
  /** Whether rows can be written. Only after a rejected write this is tested with a trial table. */
  isWritable(): Promise<boolean>;
}

export function watchWrites(store: Pick<Store, 'pool'>): WriteHealth {
  let rejected = false;
  return {
    recordError(error) {
      if (REJECTED_WRITE.has(errorCode(error) ?? '')) rejected = true;
    },
    async isWritable() {
      const { rows } = await store.pool.query<{ readOnly: string }>(
        `SELECT current_setting('transaction_read_only') AS "readOnly"`,
      );
      if (rows[0]?.readOnly === 'on') return false;
      if (rejected) rejected = !(await canGrow(store));
      return !rejected;
    },
  };
}

/** Whether a table can be filled, which needs disk space as rows do. */
async function canGrow(store: Pick<Store, 'pool'>): Promise<boolean> {
  try {
    await inTransaction(store, (client) =>
      client.query(
        `CREATE TEMPORARY TABLE pigeonpost_trial ON COMMIT DROP AS SELECT generate_series(1, ${TRIAL_ROWS})`,
      ),
    );
    return true;
  } catch {
    return false;
  }
}
