import type { EgressClient } from '../../src/egress/types.js';

/**
 * A client that ignores the time limit of an attempt: for receivers that hang while a busy machine does other work, and for
 * tests with time limits that are too short for an attempt.
 */
export function withoutTimeout(egress: EgressClient): EgressClient {
  return { close: () => egress.close(), send: (request) => egress.send({ ...request, timeLimitMs: 60_000 }) };
}
