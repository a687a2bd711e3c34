/** The callers of all loads, through an adapter. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Adapter, CreateAdapter, Connection, Receiver } from '../adapters/types.js';
import { nowMs } from '../clock.js';
import { serve } from './remote.js';

/** When the first event was emitted and when the last was accepted, by `nowMs`. */
export interface Emission {
  readonly startedMs: number;
  readonly acceptedMs: number;
}

/** An emission of which some events may have been refused. */
export interface PacedEmission extends Emission {
  readonly failed: number;
}

/** As fast as the sender accepts them: so many events by so many callers, each of which waits for its response. */
export interface Emitting {
  readonly events: number;
  readonly callers: number;
  readonly perCall: number;
  readonly topics: readonly string[];
  /** Whether all events of a call have the same topic, the next call the next one; otherwise each the next one. */
  readonly topicPerCall?: boolean;
  /** Size of an event's data in bytes, approximately; that of a small order when absent. */
  readonly bytes?: number;
}

/** Some 300 bytes beside the number, as much as a small order has. */
const FILLER = {
  order: 'ord_01k9m3fqp8e2v9w0n4a7c5d6b1',
  customer: { id: 'cus_01k9m3fr6t3x1y8z5q2h4j7k9m', name: 'Kim Example', email: 'kim@example.com' },
  lines: [
    { sku: 'PIGEON-1', title: 'Homing pigeon', quantity: 2, price: '49.00' },
    { sku: 'SEED-5', title: 'Seed, 5 kg', quantity: 1, price: '12.50' },
  ],
  currency: 'EUR',
  total: '110.50',
};

const adapters = new Map<string, Promise<Adapter>>();
let adapter: Adapter;
let attemptNow = async (): Promise<void> => undefined;

export const load = serve({
  /** Puts the next loads on the sender of this adapter; `module` is the path of its code. */
  async use(module: string, connection: Connection, receivers: readonly Receiver[]): Promise<void> {
    let found = adapters.get(module);
    if (!found) {
      const { createAdapter } = (await import(module)) as { createAdapter: CreateAdapter };
      found = createAdapter(connection);
      adapters.set(module, found);
    }
    adapter = await found;
    await adapter.setUp(receivers);
  },
  async emitAll(load: Emitting): Promise<Emission> {
    const { events, callers, perCall, topics, topicPerCall = false, bytes } = load;
    const data = bytes === undefined ? FILLER : orderOf(bytes);
    let next = 0;
    const startedMs = nowMs();
    const caller = async (): Promise<void> => {
      while (next < events) {
        const first = next;
        next += perCall;
        const numbers = Array.from({ length: Math.min(perCall, events - first) }, (_, index) => first + index);
        const topic = (n: number): string => topics[(topicPerCall ? first / perCall : n) % topics.length]!;
        await adapter.emit(numbers.map((n) => ({ topic: topic(n), data: { n, dueAtMs: nowMs(), ...data } })));
      }
    };
    await Promise.all(Array.from({ length: callers }, caller));
    return { startedMs, acceptedMs: nowMs() };
  },
  /** So many events at so many per second, whether or not the sender keeps up. Rejects if one fails, unless any may. */
  async emitPaced(load: {
    readonly events: number;
    readonly perSecond: number;
    readonly topics: readonly string[];
    readonly mayFail?: boolean;
  }): Promise<PacedEmission> {
    const startedMs = nowMs();
    const emitted: Promise<void>[] = [];
    const problems: Error[] = [];
    for (let n = 0; n < load.events && (load.mayFail || problems.length === 0); n += 1) {
      const dueAtMs = startedMs + (n * 1_000) / load.perSecond;
      await sleep(Math.max(dueAtMs - nowMs(), 0));
      const event = { topic: load.topics[n % load.topics.length]!, data: { n, dueAtMs, ...FILLER } };
      emitted.push(adapter.emit([event]).catch((error: Error) => void problems.push(error)));
    }
    await Promise.all(emitted);
    if (problems[0] !== undefined && !load.mayFail) throw problems[0];
    return { startedMs, acceptedMs: nowMs(), failed: problems.length };
  },
  /** When the last of so many deliveries had ended; undefined when the sender cannot say. */
  async settled(deliveries: number): Promise<number | undefined> {
    return adapter.settled?.(deliveries);
  },
  /** Waits until so many deliveries wait for their second attempt. */
  async allRefused(deliveries: number): Promise<void> {
    if (!adapter.allRefused) throw new Error('this sender cannot be asked to attempt all waiting deliveries now');
    attemptNow = await adapter.allRefused(deliveries);
  },
  /** Asks for the attempts of all deliveries that `allRefused` waited for. */
  async attemptNow(): Promise<void> {
    await attemptNow();
  },
  async close(): Promise<void> {
    for (const each of adapters.values()) await (await each).close();
  },
});
export type LoadMethods = typeof load;

/** An order with so many lines that its JSON has about this size; no two lines are alike, as compression would use it. */
function orderOf(bytes: number): typeof FILLER {
  const random = seededRandom();
  const lines: typeof FILLER.lines = [];
  for (let size = JSON.stringify(FILLER).length; size < bytes; size += JSON.stringify(lines.at(-1)).length + 1) {
    const sku = `PIGEON-${random().toString(36).slice(2)}`;
    lines.push({ sku, title: `Pigeon ${random().toString(36).slice(2)}`, quantity: 1, price: random().toFixed(4) });
  }
  return { ...FILLER, lines: [...FILLER.lines, ...lines] };
}

/** Numbers from 0 to 1, the same ones in every run (a linear congruential generator). */
function seededRandom(): () => number {
  let state = 1;
  return () => (state = (state * 1_664_525 + 1_013_904_223) % 2 ** 32) / 2 ** 32;
}
