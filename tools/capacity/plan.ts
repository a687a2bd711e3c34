/**
 * What a rate of deliveries needs, calculated from the measured cost of one delivery (docs/deployment.md#capacity). Pure. Several
 * installations share nothing: each has a group of accounts, a database, a namespace and a task queue of its own.
 */

/** Processor time of one delivery whose first attempt is made in a batch, in milliseconds (docs/performance.md). */
const BATCHED = { node: 0.4, postgres: 0.2 } as const;
/** What a delivery costs in addition when it gets a workflow because its first attempt was refused, in milliseconds. */
const WORKFLOW = { node: 28, postgres: 4, temporal: 41 } as const;
/** Part of each core that is used, so that peaks have room. */
const LOAD = 0.5;
/** Part of the processes that are APIs; all others are workers. */
const API_PART = 0.2;
/** Bytes in PostgreSQL of a delivery with a small body, indexes included, and in Temporal of a workflow. */
const ROW_BYTES = 2_000;
const WORKFLOW_BYTES = 20_000;
const SECONDS_PER_DAY = 86_400;
/** Connections of the migration and of administrators. */
const OTHER_CONNECTIONS = 10;

/** The load, and how large one installation may be. */
export interface Demand {
  /** Deliveries per second. */
  readonly rate: number;
  /** Part of them whose first attempt is refused, from 0 to 1. */
  readonly refused: number;
  /** Days for which deliveries are kept, and workflows in Temporal. */
  readonly days: number;
  readonly workflowDays: number;
  /** The largest PostgreSQL that one installation has: cores, connections and bytes. */
  readonly postgresCores: number;
  readonly postgresConnections: number;
  readonly postgresBytes: number;
  /** Connections of each process (PIGEONPOST_DATABASE_CONNECTIONS). */
  readonly poolSize: number;
}

/** What each installation needs, and what limits it. */
export interface Plan {
  readonly installations: number;
  /** The part of an installation that is full first, and the deliveries per second at which it is. */
  readonly firstFull: 'cores of PostgreSQL' | 'connections of PostgreSQL' | 'disk of PostgreSQL';
  readonly fullAt: number;
  /** Of each installation. */
  readonly workers: number;
  readonly apis: number;
  readonly temporalCores: number;
  readonly postgresCores: number;
  readonly connections: number;
  readonly rows: number;
  readonly postgresBytes: number;
  readonly temporalBytes: number;
}

/** Spreads a load over as few installations as possible. */
export function planCapacity(demand: Demand): Plan {
  const { rate, refused, days, workflowDays, poolSize } = demand;
  const coresFor = (ms: number, deliveries: number): number => (deliveries * ms) / 1_000 / LOAD;
  const nodeMs = BATCHED.node + refused * WORKFLOW.node;
  const postgresMs = BATCHED.postgres + refused * WORKFLOW.postgres;
  const limits: readonly (readonly [Plan['firstFull'], number])[] = [
    ['cores of PostgreSQL', demand.postgresCores / coresFor(postgresMs, 1)],
    ['connections of PostgreSQL', (demand.postgresConnections - OTHER_CONNECTIONS) / poolSize / coresFor(nodeMs, 1)],
    ['disk of PostgreSQL', demand.postgresBytes / (days * SECONDS_PER_DAY * ROW_BYTES)],
  ];
  const [firstFull, fullAt] = limits.reduce((first, limit) => (limit[1] < first[1] ? limit : first));
  const installations = Math.max(Math.ceil(rate / fullAt), 1);
  const each = rate / installations;
  const processes = Math.max(Math.ceil(coresFor(nodeMs, each)), 4);
  // Two of each, so that one may fail.
  const apis = Math.max(Math.round(processes * API_PART), 2);
  const rows = each * days * SECONDS_PER_DAY;
  return {
    installations,
    firstFull,
    fullAt: Math.floor(fullAt),
    workers: Math.max(processes - apis, 2),
    apis,
    temporalCores: Math.ceil(coresFor(refused * WORKFLOW.temporal, each)),
    postgresCores: Math.ceil(coresFor(postgresMs, each)),
    connections: processes * poolSize + OTHER_CONNECTIONS,
    rows,
    postgresBytes: rows * ROW_BYTES,
    temporalBytes: each * refused * workflowDays * SECONDS_PER_DAY * WORKFLOW_BYTES,
  };
}
