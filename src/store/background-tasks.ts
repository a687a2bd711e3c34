/** Tasks that an account has started through its provider's API, and that go on after the response. */
import { onlyRow, type Queryable, type Store } from './store.js';

export type TaskStatus = 'running' | 'finished' | 'failed';

export interface BackgroundTask {
  readonly id: string;
  readonly task: string;
  /** The recovery that it is; null for other tasks. */
  readonly recoveryId: string | null;
  readonly status: TaskStatus;
  /** What it has found, or what it is about. */
  readonly data: Readonly<Record<string, unknown>>;
  readonly updatedAt: Date;
}

/** Tasks of an account that are kept; a new one replaces the oldest. */
const MAX_TASKS = 1_000;

const COLUMNS = 'id, task, recovery_id AS "recoveryId", status, data, updated_at AS "updatedAt"';

/** Stores a new task. */
export async function insertTask(
  client: Queryable,
  accountId: string,
  { id, task, recoveryId, status, data }: Omit<BackgroundTask, 'updatedAt'>,
): Promise<BackgroundTask> {
  const { rows } = await client.query<BackgroundTask>(
    `WITH kept AS (
       SELECT id FROM background_tasks WHERE account_id = $2 ORDER BY id DESC OFFSET $7 LIMIT 1
     ), deleted AS (
       DELETE FROM background_tasks USING kept WHERE account_id = $2 AND background_tasks.id <= kept.id
     )
     INSERT INTO background_tasks (id, account_id, task, recovery_id, status, data)
     VALUES ($1, $2, $3, $4, $5, $6) RETURNING ${COLUMNS}`,
    [id, accountId, task, recoveryId, status, JSON.stringify(data), MAX_TASKS - 1],
  );
  return rows[0]!;
}

/** Records how a task has ended. */
export async function endTask(store: Store, id: string, status: TaskStatus): Promise<BackgroundTask | undefined> {
  return onlyRow(
    await store.pool.query<BackgroundTask>(
      `UPDATE background_tasks SET status = $2, updated_at = now() WHERE id = $1 RETURNING ${COLUMNS}`,
      [id, status],
    ),
  );
}

export async function findTask(store: Store, accountId: string, id: string): Promise<BackgroundTask | undefined> {
  return onlyRow(
    await store.pool.query<BackgroundTask>(
      `SELECT ${COLUMNS} FROM background_tasks WHERE account_id = $1 AND id = $2`,
      [accountId, id],
    ),
  );
}

/** A page of the tasks of an account, by id. */
export async function listTasks(
  store: Store,
  accountId: string,
  filter: {
    readonly task?: string;
    readonly from?: string;
    readonly ascending: boolean;
    readonly limit: number;
  },
): Promise<BackgroundTask[]> {
  const { task, from, ascending, limit } = filter;
  const { rows } = await store.pool.query<BackgroundTask>(
    `SELECT ${COLUMNS} FROM background_tasks
     WHERE account_id = $1 AND ($2::text IS NULL OR task = $2) AND ($3::text IS NULL OR id ${ascending ? '>' : '<'} $3)
     ORDER BY id ${ascending ? 'ASC' : 'DESC'} LIMIT $4`,
    [accountId, task ?? null, from ?? null, limit],
  );
  return rows;
}
