/** Parts of Pigeonpost as separate processes, which can be killed or kill themselves at a chosen point. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { WorkflowMode } from '../../src/config/defaults.js';
import { ADMIN_KEY, LOOPBACK } from './api.js';
import { READY, type Death, type ProcessPlan } from './process-plan.js';
import { fromSetup, type TestSystem } from './system.js';

const TYPESCRIPT = join(__dirname, 'typescript.cjs');

export interface TestProcess {
  /** Its address, if it listens. */
  readonly url: string;
  /** Resolves when it has ended, with the signal that ended it, or null. */
  readonly ended: Promise<NodeJS.Signals | null>;
  kill(): void;
}

/** Jest does not notify a test file of its end, so processes of a failed test are ended here. */
const running = new Set<ChildProcess>();
afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Tracks a process until it has ended. */
function mind<Child extends ChildProcess>(child: Child): Child {
  running.add(child);
  child.once('exit', () => running.delete(child));
  return child;
}

/** The environment of our commands for a system. */
export function environmentOf({ database, environment }: TestSystem): Record<string, string> {
  return {
    DATABASE_URL: database.url,
    TEMPORAL_ADDRESS: environment.address,
    PIGEONPOST_ENCRYPTION_KEY: database.key.toString('base64'),
    PIGEONPOST_ADMIN_KEY: ADMIN_KEY,
    PIGEONPOST_ALLOW_NETWORKS: LOOPBACK.join(),
    PIGEONPOST_ALLOW_HTTP: 'true',
    PIGEONPOST_PORT: '0',
  };
}

/** A command, with all its output. */
export function runCommand(command: string, env: Record<string, string>, ...args: readonly string[]) {
  return runProgram('src/cli/main.ts', env, command, ...args);
}

/** A program of this project, by its path, with all its output. */
export function runProgram(path: string, env: Record<string, string>, ...args: readonly string[]) {
  const main = join(__dirname, '../..', path);
  const child = mind(
    spawn(process.execPath, ['--require', TYPESCRIPT, main, ...args], {
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    }),
  );
  let printed = '';
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (chunk: Buffer) => (printed += chunk.toString()));
  return {
    /** Resolves with the exit code, or null when a signal ended it. */
    ended: once(child, 'close').then(([code]) => code as number | null),
    printed: () => printed,
    signal: (name: NodeJS.Signals) => void child.kill(name),
  };
}

/** Starts a worker or an API of a system and waits until it is ready. */
export async function startProcess(
  { database, environment }: TestSystem,
  role: ProcessPlan['role'],
  death?: Death,
  workflows?: WorkflowMode,
): Promise<TestProcess> {
  const plan: ProcessPlan = {
    role,
    databaseUrl: database.url,
    databaseKey: database.key.toString('hex'),
    temporalAddress: environment.address,
    workflowBundle: fromSetup('PIGEONPOST_TEST_WORKFLOW_BUNDLE'),
    ...(death ? { death } : {}),
    ...(workflows ? { workflows } : {}),
  };
  const child = mind(
    spawn(process.execPath, ['--require', TYPESCRIPT, join(__dirname, 'process-main.ts')], {
      env: { ...process.env, TEST_PROCESS: JSON.stringify(plan) },
      stdio: ['ignore', 'pipe', 'inherit'],
    }),
  );
  const kill = (): void => void child.kill('SIGKILL');
  const ended = once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null);
  for await (const line of createInterface({ input: child.stdout })) {
    if (line.startsWith(READY)) return { url: line.slice(READY.length), ended, kill };
  }
  throw new Error(`the ${role} ended before it was at work`);
}
