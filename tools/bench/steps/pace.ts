/** A steady load, emitted when it is due whether or not the sender keeps up. */
import type { Load } from '../report/measures.js';
import type { Figures } from '../report/report.js';
import { percentile } from '../report/statistics.js';
import { RECEIVERS, spread } from './receivers.js';
import type { Stage } from './types.js';
import { watch } from './watch.js';

/** Events per second, where a load has no other rate. */
export const PER_SECOND = 20;

export interface Pace {
  readonly name: Load;
  readonly adapter: string;
  readonly seconds: number;
  /** Events per second; PER_SECOND when absent. */
  readonly perSecond?: number;
  /** Whether one of the ten receivers never responds. */
  readonly hanging?: boolean;
}

/** Reports how long events were in flight, from when they were due to their arrival, in milliseconds. */
export async function pace(
  stage: Stage,
  { name, adapter, seconds, perSecond = PER_SECOND, hanging = false }: Pace,
): Promise<Figures> {
  const { receiver, load } = stage;
  const { receivers, topics } = spread(stage.receiverUrl);
  // A whole number for each receiver.
  const events = Math.max(Math.round((seconds * perSecond) / RECEIVERS), 1) * RECEIVERS;
  const hangs = hanging ? [new URL(receivers.at(-1)!.url).pathname] : [];
  const responded = events - hangs.length * (events / RECEIVERS);
  await load.call('use', adapter, stage.connection, receivers);
  await receiver.call('expect', { count: responded, timed: true, hanging: hangs });
  const reportUsage = watch(stage, name);
  const observed = async (): Promise<Figures> => {
    const { latenciesMs } = await receiver.call('arrivals');
    const usage = reportUsage(events);
    // Hanging requests get a response before the next load, which they would disturb.
    if (hanging) await receiver.call('letGo');
    return {
      [`${name}_p50`]: percentile(latenciesMs, 0.5),
      [`${name}_p95`]: percentile(latenciesMs, 0.95),
      [`${name}_p99`]: percentile(latenciesMs, 0.99),
      ...usage,
    };
  };
  const [figures] = await Promise.all([observed(), load.call('emitPaced', { events, perSecond, topics })]);
  await load.call('settled', events);
  return figures;
}
