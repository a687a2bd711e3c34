/** Who receives a load. */
import type { Receiver } from '../adapters/types.js';

/** How many receivers a load is spread over. */
export const RECEIVERS = 10;

/** Ten receivers by path, and the topics to emit in turn: one of all together, or one of each. */
export function spread(baseUrl: string, together = false): { receivers: Receiver[]; topics: string[] } {
  const receivers = Array.from({ length: RECEIVERS }, (_, index) => ({
    url: `${baseUrl}/${index}`,
    topic: together ? 'all' : `topic_${index}`,
  }));
  return { receivers, topics: [...new Set(receivers.map(({ topic }) => topic))] };
}

/** A subscription for each of so many accounts, and their topics. */
export function accountEach(baseUrl: string, accounts: number): { receivers: Receiver[]; topics: string[] } {
  const receivers = Array.from({ length: accounts }, (_, index) => ({
    url: `${baseUrl}/${index % RECEIVERS}`,
    topic: `account_${index}`,
    account: String(index),
  }));
  return { receivers, topics: receivers.map(({ topic }) => topic) };
}
