/** Following deliveries. */
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, Unreachable, type components } from '../client/index.js';
import type { Terminal } from './terminal.js';

type Delivery = components['schemas']['Delivery'];

interface TailOptions {
  /** The newest deliveries, the newest first. */
  readonly look: (limit: number) => Promise<readonly Delivery[]>;
  readonly print: (delivery: Delivery) => void;
  /** How many to begin with. */
  readonly last: number;
  readonly everyMs: number;
  readonly terminal: Terminal;
}

/** How many are watched; what is older than these may change unseen. */
const WATCHED = 250;

/** Prints deliveries that are new or have changed, the oldest change first, until the terminal stops it. */
export async function tail({ look, print, last, everyMs, terminal }: TailOptions): Promise<void> {
  const stop = terminal.onStop();
  let seen: ReadonlyMap<string, string> | undefined;
  let isUnavailable = false;
  while (!stop.aborted) {
    try {
      const deliveries = await look(WATCHED);
      const changed = seen
        ? deliveries.filter(({ id, updatedAt }) => seen?.get(id) !== updatedAt)
        : deliveries.slice(0, last);
      for (const delivery of changed.toSorted(byChange)) print(delivery);
      seen = new Map(deliveries.map(({ id, updatedAt }) => [id, updatedAt]));
      isUnavailable = false;
    } catch (error) {
      if (!seen || !passes(error)) throw error;
      if (!isUnavailable) terminal.err(`${(error as Error).message}; trying again`);
      isUnavailable = true;
    }
    await sleep(everyMs, undefined, { signal: stop }).catch(() => undefined);
  }
}

function byChange(one: Delivery, other: Delivery): number {
  return one.updatedAt < other.updatedAt ? -1 : 1;
}

/** Whether waiting may help. */
function passes(error: unknown): boolean {
  return error instanceof Unreachable || (error instanceof ApiError && error.status >= 500);
}
