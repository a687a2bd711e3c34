/** Executing the planned faults at their moments. */
import { setTimeout as sleep } from 'node:timers/promises';
import { describeFault, type Fault, type PlannedFault, type Target } from './fault-plan.js';
import { printProgress } from '../progress.js';
import type { Role } from './role.js';
import type { Servers } from './servers.js';

/** What can be hit, by name. */
export interface Targets {
  readonly servers: Servers;
  readonly api: Pick<Role, 'kill' | 'freeze' | 'restart'>;
  readonly workers: readonly [Role, Role];
}

/** A time in which an attempt may have been cut short or held up; Unix times in milliseconds. */
export interface Disturbance {
  readonly fault: Fault;
  readonly from: number;
  readonly to: number;
}

/** How often the count of events is looked at, in milliseconds. */
const LOOK_EVERY_MS = 20;

/**
 * Executes each fault once its number of events is emitted. Faults that last overlap with those that follow, unless they
 * hit the same target: then they come one after the other.
 */
export async function injectFaults(
  faults: readonly PlannedFault[],
  targets: Targets,
  emitted: () => number,
): Promise<Disturbance[]> {
  const lasting = new Map<Target, Promise<unknown>>();
  const disturbances: Promise<Disturbance>[] = [];
  for (const { at, fault } of faults) {
    while (emitted() < at) await sleep(LOOK_EVERY_MS);
    const before = fault.kind === 'kill' ? undefined : lasting.get(fault.target);
    const done = Promise.resolve(before).then(async () => {
      printProgress(`after ${emitted()} events: ${describeFault(fault)}`);
      const from = Date.now();
      await applyFault(fault, targets);
      return { fault, from, to: Date.now() };
    });
    // That a fault could not be executed is reported by the end of this function, not by ending the process.
    done.catch(() => undefined);
    if (fault.kind !== 'kill') lasting.set(fault.target, done);
    disturbances.push(done);
  }
  return Promise.all(disturbances);
}

async function applyFault(fault: Fault, targets: Targets): Promise<void> {
  switch (fault.kind) {
    case 'kill':
      for (const target of fault.targets) targetOf(target, targets).kill();
      return;
    case 'restart':
      return targetOf(fault.target, targets).restart();
    case 'outage':
      return targets.servers[fault.target].outage(fault.forMs);
    case 'read-only':
      return targets.servers.refuseWrites(fault.forMs);
    case 'frozen':
      return targetOf(fault.target, targets).freeze(fault.forMs);
  }
}

function targetOf(target: Target, { servers, api, workers }: Targets): Pick<Role, 'kill' | 'freeze' | 'restart'> {
  switch (target) {
    case 'api':
      return api;
    case 'worker-1':
      return workers[0];
    case 'worker-2':
      return workers[1];
    default:
      return servers[target];
  }
}
