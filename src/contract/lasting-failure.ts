/** What a contract does about a receiver that does not get better. */
import type { Account, Subscription } from './types.js';

/** What follows when a receiver refuses one event type again and again. */
export interface LastingFailure<Scope = unknown, Settings = unknown, Options = unknown> {
  /** So many deliveries of the type in a row must have failed, … */
  readonly deliveries: number;
  /** … all of them accepted within this time and since the subscription was last changed. */
  readonly withinMs: number;
  /** The subscription's options from then on; undefined when they stay. */
  optionsAfter(
    eventType: string,
    subscription: Subscription<Options>,
    account: Account<Scope, Settings>,
  ): Options | undefined;
}
