/** Whether the process lives, and whether it can do its work. */
import type { Router } from 'express';
import { z } from 'zod';
import { countWorkers } from '../dispatch/workers.js';
import type { ApiContext, Routing } from './context.js';
import { addRoute } from './route.js';

/** How long a dependency may take to answer, in milliseconds. */
const PATIENCE_MS = 2_000;
/** What heeds no deadline is left alone so long after it, in milliseconds. */
const GRACE_MS = 500;

const answering = z.enum(['ok', 'unavailable']);

/** For whoever watches over processes: without a key, and only as much as that needs. */
export function healthRoutes(router: Router, context: ApiContext): void {
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const { database, temporal } = await dependencies(context);
    const ready = database === 'ok' && temporal === 'ok';
    response.status(ready ? 200 : 503).json({ status: ready ? 'ok' : 'unavailable', database, temporal });
  });
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
      answers: {
        status: 200,
        description: 'What answers this process, and who makes attempts',
        schema: z.object({
          database: answering,
          temporal: answering,
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
      const { client } = context;
      const [found, workers] = await Promise.all([
        dependencies(context),
        inTime(
          // The deadline ends the attempts of the client too, which would outlive its connection.
          client.withDeadline(Date.now() + PATIENCE_MS, () =>
            countWorkers(client.workflowService, client.options.namespace),
          ),
        ),
      ]);
      return { ...found, workers };
    },
  );
}

async function dependencies({ store, client }: ApiContext) {
  const [database, temporal] = await Promise.all([
    answers(store.pool.query('SELECT 1')),
    answers(client.withDeadline(Date.now() + PATIENCE_MS, () => client.workflowService.getSystemInfo({}))),
  ]);
  return { database, temporal };
}

async function answers(asked: Promise<unknown>): Promise<z.output<typeof answering>> {
  return (await inTime(asked.then(() => true))) ? 'ok' : 'unavailable';
}

/** What was asked for, or null when it fails or takes too long. */
async function inTime<Answer>(asked: Promise<Answer>): Promise<Answer | null> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<null>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS + GRACE_MS, null)));
  return Promise.race([asked.catch(() => null), late]).finally(() => clearTimeout(timer));
}
