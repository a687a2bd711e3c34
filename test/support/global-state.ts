import { type DataDir } from '../../src/embedded/data-dir.js';
import { type EmbeddedPostgres } from '../../src/embedded/postgres.js';

/** What the global set-up starts and the global teardown ends. */
export interface GlobalState {
  dataDir: DataDir;
  postgres: EmbeddedPostgres;
}

const holder = globalThis as { pigeonpostTest?: GlobalState };

/** Keeps it for the teardown, which runs in the same process. */
export function keepState(state: GlobalState): void {
  holder.pigeonpostTest = state;
}

/** Takes it out, so that it is ended once. */
export function takeState(): GlobalState | undefined {
  const { pigeonpostTest } = holder;
  delete holder.pigeonpostTest;
  return pigeonpostTest;
}
