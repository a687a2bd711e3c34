/** A load as fast as the sender takes it. */
import type { Load } from '../report/measures.js';
import type { Figures } from '../report/report.js';
import type { Stage } from './types.js';
import { accountEach, spread } from './receivers.js';
import { watch } from './watch.js';

/** Callers at once; each waits for its response. */
export const CALLERS = 50;
/** Events of a call of the loads that emit in batches. */
export const EVENTS_PER_CALL = 100;

export interface Flood {
  readonly name: Load;
  /** Path of the module of the adapter. */
  readonly adapter: string;
  readonly events: number;
  readonly perCall: number;
  /** Whether all ten receivers want every event, or each its own tenth. */
  readonly fansOut?: boolean;
  /** Whether anything arrives at the receivers. */
  readonly arrives?: boolean;
  /** Accounts with a subscription each, over which calls are spread; one account with ten subscriptions when absent. */
  readonly accounts?: number;
  /** Size of an event's data in bytes; that of a small order when absent. */
  readonly bytes?: number;
  /** Whether the receivers close their idle connections before. */
  readonly reconnect?: boolean;
  /** Called when all events are accepted. */
  readonly onAccepted?: () => Promise<void>;
}

/** Reports deliveries per second from the first emit to the last recorded outcome, and the rate of acceptance. */
export async function flood(stage: Stage, options: Flood): Promise<Figures & { readonly accepted: number }> {
  const { name, adapter, events, perCall, fansOut = false, arrives = true, accounts, bytes, reconnect } = options;
  const { receiver, load } = stage;
  const spreading =
    accounts === undefined ? spread(stage.receiverUrl, fansOut) : accountEach(stage.receiverUrl, accounts);
  const { receivers, topics } = spreading;
  const deliveries = fansOut ? events * receivers.length : events;
  await load.call('use', adapter, stage.connection, receivers);
  await receiver.call('expect', {
    count: deliveries,
    timed: false,
    hanging: [],
    ...(reconnect && { reconnect }),
  });
  const reportUsage = watch(stage, name);
  const { startedMs, acceptedMs } = await load.call('emitAll', {
    events,
    callers: CALLERS,
    perCall,
    topics,
    topicPerCall: accounts !== undefined,
    ...(bytes !== undefined && { bytes }),
  });
  await options.onAccepted?.();
  const lastReceiptMs = arrives ? (await receiver.call('arrivals')).lastMs : acceptedMs;
  const endedMs = (await load.call('settled', deliveries)) ?? lastReceiptMs;
  return {
    [name]: (deliveries / (endedMs - startedMs)) * 1_000,
    accepted: (events / (acceptedMs - startedMs)) * 1_000,
    ...reportUsage(deliveries),
  };
}
