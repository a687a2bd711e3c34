/** Waiting until the processes of a run are at work. */
import { waitUntil } from '#src/embedded/poll.js';
import { printProgress } from '../progress.js';
import type { Ask } from './api-client.js';
import type { Role } from './role.js';

const HEALTHY_LIMIT_MS = 120_000;
const LOOK_EVERY_MS = 250;

/** Waits until the API responds that it is ready, and each process has said so; throws after two minutes. */
export async function untilHealthy(ask: Ask, roles: readonly Role[]): Promise<void> {
  const healthy = await waitUntil(
    async () => {
      const ready = await ask('GET', '/readyz');
      return ready.kind === 'response' && ready.status === 200 && roles.every((role) => role.ready);
    },
    HEALTHY_LIMIT_MS,
    LOOK_EVERY_MS,
  );
  if (!healthy) throw new Error(`not healthy after ${HEALTHY_LIMIT_MS / 1_000} s`);
  printProgress('API and workers are ready');
}
