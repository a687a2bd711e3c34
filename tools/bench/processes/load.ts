/** The callers of all loads, through an adapter. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Adapter, BenchEvent, CreateAdapter, Connection, Receiver } from '../adapters/types.js';
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
  /** So many events by so many callers, each of which waits for its response: as fast as the sender accepts them. */
  async emitAll(load: {
    readonly events: number;
    readonly callers: number;
    readonly perCall: number;
    readonly topics: readonly string[];
  }): Promise<Emission> {
    const { events, callers, perCall, topics } = load;
    let next = 0;
    const startedMs = nowMs();
    const caller = async (): Promise<void> => {
      while (next < events) {
        const first = next;
        next += perCall;
        const numbers = Array.from({ length: Math.min(perCall, events - first) }, (_, index) => first + index);
        await adapter.emit(numbers.map((n) => eventOf(n, topics, nowMs())));
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
      emitted.push(adapter.emit([eventOf(n, load.topics, dueAtMs)]).catch((error: Error) => void problems.push(error)));
    }
    await Promise.all(emitted);
    if (problems[0] !== undefined && !load.mayFail) throw problems[0];
    return { startedMs, acceptedMs: nowMs(), failed: problems.length };
  },
  /** When the last of so many deliveries had ended; undefined when the sender cannot say. */
  async settled(deliveries: number): Promise<number | undefined> {
    return adapter.settled?.(deliveries);
  },
  async close(): Promise<void> {
    for (const each of adapters.values()) await (await each).close();
  },
});
export type LoadMethods = typeof load;

function eventOf(n: number, topics: readonly string[], dueAtMs: number): BenchEvent {
  return { topic: topics[n % topics.length]!, data: { n, dueAtMs, ...FILLER } };
}
