/** Whether the process lives, and whether it can do its work. */
import type { Router } from 'express';
import type { ApiContext } from './context.js';

/** How long a dependency may take to answer, in milliseconds. */
const PATIENCE_MS = 2_000;

export function healthRoutes(router: Router, { store, client }: ApiContext): void {
  router.get('/healthz', (_request, response) => {
    response.json({ status: 'ok' });
  });
  router.get('/readyz', async (_request, response) => {
    const [database, temporal] = await Promise.all([
      answers(store.pool.query('SELECT 1')),
      answers(client.withDeadline(Date.now() + PATIENCE_MS, () => client.workflowService.getSystemInfo({}))),
    ]);
    const ready = database && temporal;
    response.status(ready ? 200 : 503).json({
      status: ready ? 'ok' : 'unavailable',
      database: database ? 'ok' : 'unavailable',
      temporal: temporal ? 'ok' : 'unavailable',
    });
  });
}

async function answers(asked: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => (timer = setTimeout(resolve, PATIENCE_MS, false)));
  const answered = asked.then(
    () => true,
    () => false,
  );
  return Promise.race([answered, late]).finally(() => clearTimeout(timer));
}
