/** A steady load of one account while another one attacks, beside the same load without. */
import { setTimeout as sleep } from 'node:timers/promises';
import { printProgress } from '../../progress.js';
import { nowMs } from '../clock.js';
import type { AttackerMethods } from '../processes/attacker.js';
import { startRemote } from '../processes/remote.js';
import type { AttackName } from '../report/measures.js';
import type { Figures } from '../report/report.js';
import { percentile } from '../report/statistics.js';
import { PER_SECOND } from './pace.js';
import { spread } from './receivers.js';
import type { Stage } from './types.js';

/** How long is waited for what has not arrived, in milliseconds. What never does counts as having taken as long. */
const MAX_WAIT_MS = 60_000;
const LOOK_EVERY_MS = 100;
/** Seconds of the load that are not measured, for what is done for the first time. */
const WARM_UP_SECONDS = 5;

/** Reports the p95 from emit to receipt of others, in milliseconds: first while nothing else happens, then under attack. */
export async function neighbours(stage: Stage, name: AttackName): Promise<Figures> {
  const { load, connection, sender, sizes } = stage;
  // By a name, as receivers have one: looking names up is among what can be stalled.
  const { receivers, topics } = spread(stage.receiverUrl.replace('127.0.0.1', 'localhost'));
  await load.call('use', sender, connection, receivers);
  await latencies(stage, topics, WARM_UP_SECONDS);
  const quiet = percentile(await latencies(stage, topics, sizes.latencySeconds), 0.95);
  const attacker = startRemote<AttackerMethods>(`${__dirname}/../processes/attacker.js`);
  try {
    await attacker.call('begin', name, connection, sizes.latencySeconds);
    const attacked = percentile(await latencies(stage, topics, sizes.latencySeconds), 0.95);
    const { statuses, figures } = await attacker.call('end');
    const counts = Object.entries(statuses).map(([status, count]) => `${count} × ${status}`);
    printProgress(`${name}: responses to the attack: ${counts.join(', ') || 'none'}`);
    return { [`neighbours_${name}_quiet`]: quiet, [`neighbours_${name}`]: attacked, ...figures };
  } finally {
    attacker.stop();
  }
}

/** Of every event for a number of seconds, the time from when it was due to its receipt. */
async function latencies({ load, receiver }: Stage, topics: readonly string[], seconds: number): Promise<number[]> {
  const events = seconds * PER_SECOND;
  await receiver.call('expect', { count: events, timed: true, hanging: [] });
  let accepted: number | undefined;
  const emission = load
    .call('emitPaced', { events, perSecond: PER_SECOND, topics, mayFail: true })
    .then(({ failed }) => (accepted = events - failed));
  const untilMs = nowMs() + seconds * 1_000 + MAX_WAIT_MS;
  let arrived = await receiver.call('soFar');
  while (arrived.count < (accepted ?? events) && nowMs() < untilMs) {
    await Promise.race([sleep(LOOK_EVERY_MS), emission]);
    arrived = await receiver.call('soFar');
  }
  const missing = Math.max(events - arrived.count, 0);
  return [...arrived.latenciesMs, ...Array.from({ length: missing }, () => MAX_WAIT_MS)];
}
