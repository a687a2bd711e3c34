/** Health checks: liveness, readiness, and the state of dependencies. */
import type { Router } from 'express';
import { z } from 'zod';
import { countWorkers, temporalState, temporalStates, type TemporalState } from '../temporal/health.js';
import { countUnreconciled } from '../store/deliveries/reconciliation.js';
import { isSchemaCurrent } from '../store/schema.js';
import type { Store } from '../store/store.js';
import { watchWrites, type WriteHealth } from '../store/write-health.js';
import type { ApiContext } from './context.js';
import { addRoute, type Routing } from '../http/route.js';

/** Time limit of a dependency's response, in milliseconds. */
const MAX_WAIT_MS = 2_000;
/** Additional wait for calls that ignore the time limit, in milliseconds. */
const GRACE_MS = 500;

const databaseStates = ['ok', 'unavailable', 'not_writable'] as const;
const schemaStates = ['ok', 'outdated', 'unknown'] as const;

/** State of the database and its schema. */
interface DatabaseState {
  readonly database: (typeof databaseStates)[number];
  readonly schema: (typeof schemaStates)[number];
}

/** The dependencies of a process by name; any state other than `ok` means not ready. */
export type Readiness = Readonly<Record<string, string>>;

/** Probes for orchestrators such as Kubernetes: without authentication and with little detail. */
export function probeRoutes(router: Router, readiness: () => Promise<Readiness>): void {
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const found = await readiness();
    const ready = Object.values(found).every((state) => state === 'ok');
    response.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'unavailable', ...found });
  });
}

/** Readiness of an API. Temporal is not needed: events are accepted without it, and their deliveries start later. */
export async function apiReadiness({ store, writes, ending }: ApiContext): Promise<Readiness> {
  return { ...(await databaseState(store, writes)), ...(ending?.aborted ? { process: 'ending' } : {}) };
}

/** Readiness of a worker; `isPolling` returns whether it polls Temporal. */
export function workerReadiness(
  { store, client }: Pick<ApiContext, 'store' | 'client'>,
  isPolling: () => boolean,
): () => Promise<Readiness> {
  const writes = watchWrites(store);
  return async () => {
    const [database, temporal] = await Promise.all([databaseState(store, writes), temporalInTime(client)]);
    return { ...database, temporal, worker: isPolling() ? 'ok' : 'not_polling' };
  };
}

/** GET /v1/health, for operators. */
export function systemHealthRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/health',
      tag: 'Overview',
      scope: 'read',
      summary: 'Get the state of everything that deliveries depend on',
      responses: {
        status: 200,
        description: 'State of the database, of Temporal and of the workers',
        schema: z.object({
          database: z
            .enum(databaseStates)
            .describe('not_writable: it responds, but its disk is full or it is read-only, so no event is accepted.'),
          schema: z.enum(schemaStates).describe('outdated: migrations of this version are missing.'),
          temporal: z.enum(temporalStates),
          workers: z
            .int()
            .nullable()
            .describe('Workers that polled Temporal in the last five minutes; null when Temporal does not respond.'),
          unreconciled: z
            .int()
            .nullable()
            .describe(
              'Open deliveries that the last sweep found without a running workflow that should have one: 0 in a working system, null when the database does not respond.',
            ),
        }),
      },
    },
    async () => {
      const { store, writes, client } = context;
      const [database, temporal, workers, unreconciled] = await Promise.all([
        databaseState(store, writes),
        temporalInTime(client),
        inTime(
          // The deadline also ends the client's retries, which would outlive its connection.
          client.withDeadline(Date.now() + MAX_WAIT_MS, () =>
            countWorkers(client.workflowService, client.options.namespace),
          ),
        ),
        inTime(countUnreconciled(store)),
      ]);
      return { ...database, temporal, workers, unreconciled };
    },
  );
}

async function databaseState({ pool }: Store, writes: WriteHealth): Promise<DatabaseState> {
  const [writable, current] = await Promise.all([inTime(writes.isWritable()), inTime(isSchemaCurrent(pool))]);
  return {
    database: writable === null ? 'unavailable' : writable ? 'ok' : 'not_writable',
    schema: current === null ? 'unknown' : current ? 'ok' : 'outdated',
  };
}

async function temporalInTime(client: ApiContext['client']): Promise<TemporalState> {
  return (await inTime(temporalState(client, MAX_WAIT_MS))) ?? 'unavailable';
}

/** The result, or null on failure or timeout. */
async function inTime<T>(result: Promise<T>): Promise<T | null> {
  let timer: NodeJS.Timeout | undefined;
  const timeout = new Promise<null>((resolve) => (timer = setTimeout(resolve, MAX_WAIT_MS + GRACE_MS, null)));
  return Promise.race([result.catch(() => null), timeout]).finally(() => clearTimeout(timer));
}
