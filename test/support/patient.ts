import type { EgressClient } from '../../src/egress/types';

/**
 * A client that does not look at the time limit of an attempt. Where a dead worker's attempt is given up sooner than any
 * contract would, the limit that is told to the living is no time at all.
 */
export function patient(egress: EgressClient): EgressClient {
  return { close: () => egress.close(), send: (request) => egress.send({ ...request, timeLimitMs: 60_000 }) };
}
