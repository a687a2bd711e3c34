/** The customer that attacks, in a process of its own: at a steady pace, with a bounded number of requests in flight. */
import { setInterval } from 'node:timers';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Connection } from '../adapters/types.js';
import { createApi, type Api } from '../attacks/api.js';
import { attacks, createAccount } from '../attacks/index.js';
import type { AttackName } from '../report/measures.js';
import type { Attack } from '../attacks/types.js';
import type { Figures } from '../report/report.js';
import { serve } from './remote.js';

/** Requests that are in flight at most; further ones are omitted. */
const MAX_IN_FLIGHT = 8;
/** Headers of the response to a request for `/many-headers`. */
const MANY_HEADERS = 1_500;

/** What became of an attack. */
export interface Attacked {
  /** How many requests got which status; 0 is none. */
  readonly statuses: Readonly<Record<number, number>>;
  readonly figures: Figures;
}

const receiver = createServer((request, response) => {
  request.resume();
  request.on('end', () => {
    if (request.url === '/many-headers') {
      for (let index = 0; index < MANY_HEADERS; index += 1) response.setHeader(`h${index}`, '');
    }
    response.end();
  });
});

let running: { attack: Attack; apis: Api[]; other: Api; timer: NodeJS.Timeout } | undefined;
const statuses: Record<number, number> = {};

export const attacker = serve({
  /** Prepares an attack on this Pigeonpost and begins it; it goes on for a number of seconds. */
  async begin(name: AttackName, { url, adminKey }: Connection, seconds: number): Promise<void> {
    await new Promise<void>((resolve) => receiver.listen(0, '127.0.0.1', resolve));
    const receiverUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}`;
    const attack: Attack = attacks[name];
    const platform = createApi(url!, adminKey!);
    const account = await createAccount(platform, attack.provider, 'Attacker');
    const another = await createAccount(platform, attack.provider, 'Another');
    // From an address of its own where the system has more than one for itself.
    const api = createApi(url!, account.apiKey, process.platform === 'linux' ? '127.0.0.2' : undefined);
    const other = createApi(url!, another.apiKey);
    const once = await attack.prepare({ api, platform, accountId: account.id, receiverUrl });
    let remaining = Math.ceil(attack.perSecond * seconds);
    let inFlight = 0;
    const sendOne = async (): Promise<void> => {
      if (remaining === 0 || inFlight === MAX_IN_FLIGHT) return;
      remaining -= 1;
      inFlight += 1;
      const status = await once().catch(() => 0);
      statuses[status] = (statuses[status] ?? 0) + 1;
      inFlight -= 1;
    };
    void sendOne();
    const timer = setInterval(() => void sendOne(), 1_000 / attack.perSecond);
    running = { attack, apis: [platform, api, other], other, timer };
  },
  /** Asks for nothing more, and reports what became of it. */
  async end(): Promise<Attacked> {
    if (!running) throw new Error('no attack was begun');
    const { attack, apis, other, timer } = running;
    clearInterval(timer);
    const figures = (await attack.found?.(other)) ?? {};
    for (const api of apis) await api.close();
    return { statuses, figures };
  },
});
export type AttackerMethods = typeof attacker;
