/** A load while something is done to the system, and its balance once all is well again. */
import { Client, Connection } from '@temporalio/client';
import { printProgress } from '../progress.js';
import type { Ask } from './api-client.js';
import { deliveryFacts, eventCounts, ownerlessDeliveries } from './facts.js';
import type { Disturbance } from './faults.js';
import { balance, type Balance } from './ledger.js';
import { emitAll, newLoadReport, type LoadReport } from './load.js';
import type { Plan } from './plan.js';
import type { Receivers } from './receivers.js';
import type { Role } from './role.js';
import type { Servers } from './servers.js';
import { giveUpOn, settle } from './settle.js';
import { subscribe } from './subscribe.js';
import { untilHealthy } from './until-healthy.js';

export interface SystemUnderLoad {
  readonly ask: Ask;
  readonly roles: readonly Role[];
  readonly receivers: Receivers;
  readonly servers: Pick<Servers, 'databaseUrl' | 'temporalAddress'>;
}

/** The balance of a run, what its callers saw, and the problems as text. */
export interface LoadOutcome {
  readonly balances: Balance;
  readonly load: LoadReport;
  readonly problems: readonly string[];
}

/**
 * Emits the events of a plan over so many seconds while `act` runs, which is given the number of events emitted so far and
 * returns what may explain duplicates. Then waits until every delivery has ended.
 */
export async function runUnderLoad(
  { ask, roles, receivers, servers: { databaseUrl, temporalAddress } }: SystemUnderLoad,
  plan: Plan,
  seconds: number,
  act: (emitted: () => number) => Promise<readonly Disturbance[]>,
): Promise<LoadOutcome> {
  await untilHealthy(ask, roles);
  const { accountId, kinds, never } = await subscribe(ask, receivers);
  const load = newLoadReport();
  const [disturbances] = await Promise.all([act(() => load.emitted), emitAll(ask, accountId, plan, seconds, load)]);
  printProgress(`${load.acknowledged.length} events are acknowledged; waiting until all is well`);
  await untilHealthy(ask, roles);
  const connection = await Connection.connect({ address: temporalAddress });
  const temporal = new Client({ connection });
  await settle(databaseUrl, temporal, never);
  const ownerless = await ownerlessDeliveries(databaseUrl, temporal);
  await connection.close();
  await giveUpOn(never, databaseUrl, ask);
  const { balances, problems } = balance({
    acknowledged: load.acknowledged,
    deliveries: await deliveryFacts(databaseUrl, kinds),
    ownerless,
    eventsByN: await eventCounts(databaseUrl),
    disturbances,
    arrivals: (kind, eventId) => receivers.arrivals(kind, eventId),
  });
  return { balances, load, problems };
}
