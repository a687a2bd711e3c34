/** What a run reports while it goes on; the standard output belongs to its ledger. */
const startedMs = performance.now();

/** Says something with the seconds since the start. */
export function printProgress(message: string): void {
  console.error(`${((performance.now() - startedMs) / 1_000).toFixed(1).padStart(6)} s  ${message}`);
}
