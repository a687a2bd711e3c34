/** What waits while something is unavailable, and how fast it is delivered afterwards. */
import { Client } from 'pg';
import { printProgress } from '../../progress.js';
import { nowMs } from '../clock.js';
import type { Figures } from '../report/report.js';
import { CALLERS, EVENTS_PER_CALL, flood } from './flood.js';
import { spread } from './receivers.js';
import type { Stage } from './types.js';
import { watch } from './watch.js';

/**
 * Events are emitted while Temporal's process is frozen, and it continues when all are accepted. Reports deliveries per
 * second from the first emit to the last recorded outcome, how many were open when Temporal continued, and the longest
 * time in seconds in which nothing arrived.
 */
export async function drainTemporal(stage: Stage): Promise<Figures> {
  const { pids, databaseUrl } = stage.installation!;
  const unfreeze = (): void => void process.kill(pids.temporal, 'SIGCONT');
  // A frozen process would not end with the bench.
  process.once('exit', unfreeze);
  process.kill(pids.temporal, 'SIGSTOP');
  let waiting = 0;
  try {
    const { accepted: _, ...figures } = await flood(stage, {
      name: 'drain_temporal',
      adapter: stage.sender,
      events: stage.sizes.drain,
      perCall: EVENTS_PER_CALL,
      async onAccepted() {
        waiting = await countOpen(databaseUrl);
        unfreeze();
      },
    });
    const { longestPauseMs } = await stage.receiver.call('soFar');
    return { ...figures, drain_temporal_waiting: waiting, drain_temporal_pause: longestPauseMs / 1_000 };
  } finally {
    process.off('exit', unfreeze);
    unfreeze();
  }
}

/**
 * Every first attempt gets a 503, and the circuit breakers open. When all deliveries wait, the receivers accept again and the
 * breakers are closed by hand. Reports deliveries per second from there to the last recorded outcome, and
 * the longest time in seconds in which nothing arrived.
 */
export async function drainReceiver(stage: Stage): Promise<Figures> {
  const { receiver, load, sizes } = stage;
  const { receivers, topics } = spread(stage.receiverUrl);
  const count = sizes.drain;
  const refusing = receivers.map((each) => ({ ...each, isRefusing: true }));
  await load.call('use', stage.sender, stage.connection, refusing);
  await receiver.call('expect', { count, timed: false, hanging: [], down: true });
  await load.call('emitAll', { events: count, callers: CALLERS, perCall: EVENTS_PER_CALL, topics });
  await load.call('allRefused', count);
  printProgress(`drain_receiver: ${count} deliveries wait`);
  await receiver.call('expect', { count, timed: false, hanging: [] });
  const reportUsage = watch(stage, 'drain_receiver');
  const startedMs = nowMs();
  await load.call('attemptNow');
  const { lastMs, longestPauseMs } = await receiver.call('arrivals');
  const endedMs = (await load.call('settled', count)) ?? lastMs;
  return {
    drain_receiver: (count / (endedMs - startedMs)) * 1_000,
    drain_receiver_pause: longestPauseMs / 1_000,
    ...reportUsage(count),
  };
}

/** Open deliveries of all accounts; nothing else is delivered on this installation. */
async function countOpen(databaseUrl: string): Promise<number> {
  const client = new Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    const { rows } = await client.query<{ open: number }>(
      `SELECT count(*)::int AS open FROM deliveries WHERE state IN ('pending', 'retrying', 'paused')`,
    );
    return rows[0]!.open;
  } finally {
    await client.end();
  }
}
