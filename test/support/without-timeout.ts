import type { EgressClient } from '../../src/egress/types';

/**
 * A client that does not look at the time limit of an attempt: for receivers that hang while a busy machine does other
 * things, and where a dead worker's attempt is given up so soon that the limit which is told to the living is no time.
 */
export function withoutTimeout(egress: EgressClient): EgressClient {
  return { close: () => egress.close(), send: (request) => egress.send({ ...request, timeLimitMs: 60_000 }) };
}
