/**
 * Fails a test file that leaves something open which would keep the process: a server, a connection, a timer, or the
 * native runtime of Temporal's SDK, which ends with its last worker and connection.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Circus } from '@jest/types';
import { TestEnvironment } from 'jest-environment-node';

/** How long closing may take, in milliseconds: connections of `fetch` are kept for four seconds. */
const CLOSING_MS = 6_000;
const LOOK_EVERY_MS = 20;

/** Standard streams and Jest's own channel; work of the system that ends by itself. */
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
    if (leaked.length > 0) throw new Error(`The tests of this file leave open: ${leaked.join(', ')}`);
  }

  /** What is open now and was not before, each as often as it is more. */
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
