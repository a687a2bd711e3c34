/** What one customer does to all others, through the public API and its own receivers alone. */
import type { Figures } from '../report/report.js';
import type { Api } from './api.js';

/** The customer that attacks. */
export interface Attacker {
  /** With the customer's own key. */
  readonly api: Api;
  /** With the admin key, which the platform emits the customer's events with. */
  readonly platform: Api;
  readonly accountId: string;
  /** Base URL of receivers that accept everything at once. */
  readonly receiverUrl: string;
}

/** A bounded attack: at most so many requests per second, each of which resolves to the status of its response. */
export interface Attack {
  readonly provider: string;
  readonly perSecond: number;
  /** Prepares everything and returns what is done again and again. */
  prepare(attacker: Attacker): Promise<() => Promise<number>>;
  /** What another account finds at the end of the attack, beside its latency. */
  readonly found?: (other: Api) => Promise<Figures>;
}
