/**
 * Fails a test file that does not close what would keep the process alive: a server, a connection, a timer, or the native
 * runtime of Temporal's SDK, which ends with its last worker and connection.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/** How long closing may take, in milliseconds: `fetch` keeps connections for four seconds. */
const CLOSING_MS = 6_000;
const LOOK_EVERY_MS = 20;

/** Standard streams and Jest's own channel; operations of the system that end by themselves. */
const IGNORED = ['TTYWrap', 'PipeWrap', 'FSReqCallback', 'FSReqPromise', 'CloseReq', 'Immediate', 'MessagePort'];

/** Where `watchRuntime` puts the SDK's class. */
export interface WatchedRuntime {
  temporalRuntime?: { readonly _instance?: unknown };
}

function openResources(): string[] {
  return process.getActiveResourcesInfo().filter((name) => !IGNORED.includes(name));
}

export default class LeakCheckEnvironment extends TestEnvironment {
  #before: readonly string[] = [];

  override async setup(): Promise<void> {
    await super.setup();
    this.#before = openResources();
  }

  async handleTestEvent(event: Circus.Event): Promise<void> {
    if (event.name !== 'run_finish') return;
    const endsAt = performance.now() + CLOSING_MS;
    let leaked = this.#leaked();
    while (leaked.length > 0 && performance.now() < endsAt) {
      await sleep(LOOK_EVERY_MS);
      leaked = this.#leaked();
    }
    if (leaked.length > 0) throw new Error(`The tests of this file did not close: ${leaked.join(', ')}`);
  }

  /** What is open now and was not before, with the number of additional ones. */
  #leaked(): string[] {
    const before = [...this.#before];
    const leaked = openResources().filter((name) => {
      const index = before.indexOf(name);
      if (index >= 0) before.splice(index, 1);
      return index < 0;
    });
    const { temporalRuntime } = this.global as WatchedRuntime;
    return temporalRuntime?._instance === undefined ? leaked : [...leaked, 'the runtime of Temporal'];
  }
}
