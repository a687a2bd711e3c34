/** What statements of the product cost: a store that has PostgreSQL explain each one before it is run. */
import type { Client, QueryConfig } from 'pg';
import type { Store } from '#src/store/store.js';

/** A node of a plan, as `EXPLAIN (FORMAT JSON)` writes it; only what is looked at here. */
export interface PlanNode {
  readonly 'Node Type': string;
  readonly 'Relation Name'?: string;
  readonly 'Index Name'?: string;
  /** Blocks read by it and by the nodes below it, from the cache and from outside it. */
  readonly 'Shared Hit Blocks'?: number;
  readonly 'Shared Read Blocks'?: number;
  readonly Plans?: readonly PlanNode[];
}

/** What is known of a statement that was explained. */
export interface Explained {
  readonly plan: PlanNode;
  readonly planningMs: number;
  /** Undefined unless it was run. */
  readonly executionMs?: number;
}

/** All nodes of a plan. */
export function nodesOf(plan: PlanNode): PlanNode[] {
  return [plan, ...(plan.Plans ?? []).flatMap(nodesOf)];
}

/** Blocks that a statement touched. What a CTE scan reads is its CTE's, which counts by itself. */
export function blocksOf(plan: PlanNode): number {
  const blocks = (node: PlanNode): number => (node['Shared Hit Blocks'] ?? 0) + (node['Shared Read Blocks'] ?? 0);
  const below = (node: PlanNode): number => (node.Plans ?? []).reduce((sum, child) => sum + blocks(child), 0);
  return nodesOf(plan)
    .filter((node) => node['Node Type'] !== 'CTE Scan')
    .reduce((sum, node) => sum + Math.max(blocks(node) - below(node), 0), 0);
}

/** Runs `work` with a store whose statements are explained, and undoes what it did. `run` has them run for that, too. */
export async function explaining(
  client: Client,
  box: Store['box'],
  run: boolean,
  work: (store: Store) => Promise<unknown>,
): Promise<Explained[]> {
  const explained: Explained[] = [];
  const explain = `EXPLAIN (FORMAT JSON, ${run ? 'ANALYZE, BUFFERS, ' : ''}SUMMARY)`;
  const query = async (given: string | QueryConfig, separate?: unknown[]) => {
    const { text, values = [] } = typeof given === 'string' ? { text: given, values: separate } : given;
    if (/^\s*(WITH|SELECT|INSERT|UPDATE|DELETE)/.test(text)) {
      await client.query('SAVEPOINT explained');
      const { rows } = await client.query<{ 'QUERY PLAN': [Record<string, unknown>] }>(`${explain} ${text}`, values);
      await client.query('ROLLBACK TO SAVEPOINT explained');
      const [response] = rows[0]!['QUERY PLAN'];
      explained.push({
        plan: response.Plan as PlanNode,
        planningMs: response['Planning Time'] as number,
        ...(run ? { executionMs: response['Execution Time'] as number } : {}),
      });
    }
    // One transaction around all, which is undone.
    return /^(BEGIN|COMMIT|ROLLBACK)$/.test(text) ? { rows: [], rowCount: 0 } : client.query(text, values);
  };
  const connection = { query, on: () => undefined, off: () => undefined, release: () => undefined };
  await client.query('BEGIN');
  try {
    await work({ pool: { ...connection, connect: async () => connection }, box } as unknown as Store);
  } finally {
    await client.query('ROLLBACK');
  }
  return explained;
}
