/** Whether the process lives, and whether it can do its work. */
import type { Router } from 'express';
import { z } from 'zod';
import { countWorkers, temporalState, temporalStates, type TemporalState } from '../temporal/health.js';
import { isSchemaCurrent } from '../store/schema.js';
import type { Store } from '../store/store.js';
import { watchWrites, type WriteHealth } from '../store/write-health.js';
import type { ApiContext } from './context.js';
import { addRoute, type Routing } from '../http/route.js';

/** How long a dependency may take to answer, in milliseconds. */
const MAX_WAIT_MS = 2_000;
/** What heeds no deadline is left alone so long after it, in milliseconds. */
const GRACE_MS = 500;

const databaseStates = ['ok', 'unavailable', 'not_writable'] as const;
const schemaStates = ['ok', 'outdated', 'unknown'] as const;

/** The database as far as work depends on it. */
interface DatabaseState {
  readonly database: (typeof databaseStates)[number];
  readonly schema: (typeof schemaStates)[number];
}

/** What a process needs to be ready, each by its name: anything but `ok` means that it is not. */
export type Readiness = Readonly<Record<string, string>>;

/** Probes for whatever watches over processes: without a key, and only as much as that needs. */
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

/** What an API needs: it accepts events without Temporal too, and their deliveries start later. */
export async function apiReadiness({ store, writes, ending }: ApiContext): Promise<Readiness> {
  return { ...(await databaseState(store, writes)), ...(ending?.aborted ? { process: 'ending' } : {}) };
}

/** What a worker needs; `isPolling` says whether it asks Temporal for work. */
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

/** For operators. */
export function systemHealthRoutes(routing: Routing, context: ApiContext): void {
  addRoute(
    routing,
    {
      method: 'get',
      path: '/v1/health',
      tag: 'Overview',
      summary: 'Say whether everything is there that deliveries need',
      responses: {
        status: 200,
        description: 'What answers this process, and who makes attempts',
        schema: z.object({
          database: z
            .enum(databaseStates)
            .describe('not_writable: it answers, but its disk is full or it is read-only, so no event is accepted.'),
          schema: z.enum(schemaStates).describe('outdated: migrations of this version are missing.'),
          temporal: z.enum(temporalStates),
          workers: z
            .int()
            .nullable()
            .describe(
              'Workers that asked Temporal for work in the last five minutes; null when Temporal does not say.',
            ),
        }),
      },
    },
    async () => {
      const { store, writes, client } = context;
      const [database, temporal, workers] = await Promise.all([
        databaseState(store, writes),
        temporalInTime(client),
        inTime(
          // The deadline ends the attempts of the client too, which would outlive its connection.
          client.withDeadline(Date.now() + MAX_WAIT_MS, () =>
            countWorkers(client.workflowService, client.options.namespace),
          ),
        ),
      ]);
      return { ...database, temporal, workers };
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

/** What was asked for, or null when it fails or takes too long. */
async function inTime<Response>(asked: Promise<Response>): Promise<Response | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, MAX_WAIT_MS + GRACE_MS, null)));
  return Promise.race([asked.catch(() => null), late]).finally(() => clearTimeout(timer));
}
