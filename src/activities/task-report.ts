/** How long activities report that they are alive, and what they could not do. */
import { heartbeat, log } from '@temporalio/activity';
import type { TaskReport } from '../dispatch/start.js';
import { HEARTBEAT_INTERVAL_MS } from '../workflows/limits.js';

/** The report of an activity that processes a page. */
export const taskReport: TaskReport = {
  heartbeat: () => heartbeat(),
  warn: (message, id, error) => void log.warn(message, { id, error: String(error) }),
};

/** A timer heartbeats, as one statement may read many rows for a long time. */
export async function withHeartbeats<Result>(work: () => Promise<Result>): Promise<Result> {
  const heartbeats = setInterval(heartbeat, HEARTBEAT_INTERVAL_MS);
  try {
    return await work();
  } finally {
    clearInterval(heartbeats);
  }
}
