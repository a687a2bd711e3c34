/** Whether the database takes writes. One whose disk is full, or that is a standby, still answers queries. */
import { errorCode } from '../lib/errors.js';
import { inTransaction, type Store } from './store.js';

/** SQLSTATE of a full disk, an I/O error and a read-only transaction. */
const REJECTED_WRITE = new Set(['53100', '58030', '25006']);
/** Rows of the trial table, more than the free space of any page. */
const TRIAL_ROWS = 20_000;

export interface WriteHealth {
  /** Remembers an error that says that a write was rejected; ignores any other. */
  note(error: unknown): void;
  /** Whether rows can be written. After a rejected write that is tried out; before, nothing is written for it. */
  isWritable(): Promise<boolean>;
}

export function watchWrites(store: Pick<Store, 'pool'>): WriteHealth {
  let rejected = false;
  return {
    note(error) {
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

/** Whether a table can be filled, which takes space on the disk as rows do. */
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
