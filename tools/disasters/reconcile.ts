/** What the runbook says after a restore: `pigeonpost reconcile`, with the real command line. */
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { printProgress } from '../progress.js';
import type { System } from './system.js';

const run = promisify(execFile);

/** What the command prints. */
export interface Reconciliation {
  readonly running: number;
  readonly missing: number;
  readonly closed: number;
  readonly pause: number;
  readonly unknown: number;
  readonly settled: number;
  readonly mended: number;
  readonly failed: number;
}

export interface Reconciled {
  /** Of the dry run before. */
  readonly found: Reconciliation;
  readonly applied: Reconciliation;
  /** Of the dry run after it. */
  readonly after: Reconciliation;
  /** Duration of all three, in milliseconds. */
  readonly tookMs: number;
}

/** A dry run, the repair, and another dry run. */
export async function reconcileAsRunbook(system: System): Promise<Reconciled> {
  const began = performance.now();
  const found = await reconcile(system);
  const applied = await reconcile(system, '--apply', '--yes');
  const after = await reconcile(system);
  return { found, applied, after, tookMs: performance.now() - began };
}

export async function reconcile({ processes }: System, ...options: readonly string[]): Promise<Reconciliation> {
  const env = {
    ...process.env,
    PIGEONPOST_URL: processes.balancer.url,
    PIGEONPOST_API_KEY: processes.keys.admin,
  };
  const args = [require.resolve('#src/cli/main.js'), 'reconcile', '--json', ...options];
  // It ends with 1 when something does not match.
  const { stdout, stderr } = await run(process.execPath, args, { env }).catch(
    (error: { readonly stdout?: string; readonly stderr?: string }) => error,
  );
  if (!stdout) throw new Error(`pigeonpost reconcile: ${stderr}`);
  const { running, missing, closed, pause, unknown, settled, mended, failed } = JSON.parse(stdout) as Reconciliation;
  const counts = { running, missing, closed, pause, unknown, settled, mended, failed };
  printProgress(`reconcile ${options.join(' ')}: ${JSON.stringify(counts)}`);
  return counts;
}

/** How much does not match. */
export const mismatched = ({ missing, closed, pause, unknown, settled }: Reconciliation): number =>
  missing + closed + pause + unknown + settled;
