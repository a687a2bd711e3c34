/** Parts of Pigeonpost as processes of their own, which can be killed, or kill themselves at a chosen point. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { READY, type Death, type ProcessPlan } from './process-plan';
import { fromSetup, type TestSystem } from './system';

export interface TestProcess {
  /** Where it listens, if it does. */
  readonly url: string;
  /** Resolves when it has ended; with the signal that ended it, or null. */
  readonly ended: Promise<NodeJS.Signals | null>;
  kill(): void;
}

/** Starts a worker or an API of a system and waits until it is at work. */
export async function startProcess(
  { database, environment }: TestSystem,
  role: ProcessPlan['role'],
  death?: Death,
): Promise<TestProcess> {
  const plan: ProcessPlan = {
    role,
    databaseUrl: database.url,
    databaseKey: database.key.toString('hex'),
    temporalAddress: environment.address,
    workflowBundle: fromSetup('PIGEONPOST_TEST_WORKFLOW_BUNDLE'),
    ...(death ? { death } : {}),
  };
  const child = spawn(
    process.execPath,
    ['--require', join(__dirname, 'typescript.cjs'), join(__dirname, 'process-main.ts')],
    { env: { ...process.env, TEST_PROCESS: JSON.stringify(plan) }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const kill = (): void => void child.kill('SIGKILL');
  // Jest may end before a test does.
  process.once('exit', kill);
  const ended = once(child, 'exit').then(([, signal]) => {
    process.off('exit', kill);
    return signal as NodeJS.Signals | null;
  });
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith(READY)) return { url: line.slice(READY.length), ended, kill };
  }
  throw new Error(`the ${role} ended before it was at work`);
}
