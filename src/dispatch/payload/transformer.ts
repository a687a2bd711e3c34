/**
 * Evaluates transformations in a process of their own. Accounts take turns, and an expression that runs too long or needs too
 * much memory costs its own account alone: that process is then ended and started again.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import jsonata from 'jsonata';
import { FairQueue } from '../fair-queue.js';
import type { Evaluation, EvaluationResult, Ready } from './transformation-process.js';

export const MAX_EXPRESSION_LENGTH = 8_192;

/** Maximum time of an expression, in milliseconds. */
const TIME_LIMIT_MS = 500;
/** How long the process may take to start, in milliseconds. */
const START_LIMIT_MS = 30_000;
/** After this time the process itself is ended, in milliseconds: something in it did not check its limit. */
const KILL_AFTER_MS = 2 * TIME_LIMIT_MS;
/** The process ends when it had nothing to do for this long, in milliseconds. */
const IDLE_MS = 30_000;
/** An expression that took too long so many times in a row is suspended for this time, in milliseconds. */
const MAX_TIMEOUTS = 3;
const SUSPENDED_MS = 30_000;
/** Evaluations of an account that wait; further ones fail. */
const MAX_WAITING = 10_000;
/** Expressions whose time-outs are counted. */
const MAX_COUNTED = 1_000;
/** Limits of the process's heap in MiB, which an expression that exceeds it ends, and of its stack in KiB. */
const LIMITS = ['--max-old-space-size=128', '--max-semi-space-size=8', '--stack-size=3900'];

/** The account that an evaluation is for. */
export interface Owner {
  readonly id: string;
  readonly dispatchWeight: number;
}

interface Waiting extends Evaluation {
  readonly account: Owner;
  /** Evaluations of an account are first in, first out. */
  readonly subscriptionId: '';
  readonly resolve: (result: EvaluationResult) => void;
}

/** Why an expression cannot be a transformation, or undefined. */
export function expressionProblem(expression: string): string | undefined {
  if (expression.length > MAX_EXPRESSION_LENGTH) return `must not be longer than ${MAX_EXPRESSION_LENGTH} characters`;
  try {
    const usesEval = hasVariable(jsonata(expression).ast(), 'eval', new Set());
    return usesEval ? 'must not use $eval, which runs text as code' : undefined;
  } catch (error) {
    const { message = 'it cannot be read', position } = error as { message?: string; position?: number };
    return `must be a JSONata expression: ${message}${position === undefined ? '' : ` (at character ${position})`}`;
  }
}

function hasVariable(node: unknown, name: string, seen: Set<unknown>): boolean {
  if (typeof node !== 'object' || node === null || seen.has(node)) return false;
  seen.add(node);
  const { type, value } = node as { type?: unknown; value?: unknown };
  if (type === 'variable' && value === name) return true;
  return Object.values(node).some((child) => hasVariable(child, name, seen));
}

export class Transformer {
  readonly #waiting = new FairQueue<Waiting>();
  /** By account: how many evaluations wait or run. */
  readonly #counts = new Map<string, number>();
  /** Of an account's expressions that took too long: how often in a row, and until when they are suspended. */
  readonly #timeouts = new Map<string, { count: number; until: number }>();
  #process: ChildProcess | undefined;
  #isReady = false;
  #running: Waiting | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** Evaluates an expression; errors of the expression are results, so it never rejects. */
  evaluate(account: Owner, { expression, input }: Evaluation): Promise<EvaluationResult> {
    if ((this.#timeouts.get(timeoutKey(account, expression))?.until ?? 0) > Date.now()) {
      const error = `the expression took longer than ${TIME_LIMIT_MS} ms ${MAX_TIMEOUTS} times and is not tried for a while`;
      return Promise.resolve({ error, isTimeout: true, isTransient: true });
    }
    const count = this.countOf(account.id);
    if (count >= MAX_WAITING) {
      const error = 'too many transformations of the account wait';
      return Promise.resolve({ error, isTransient: true });
    }
    this.#counts.set(account.id, count + 1);
    return new Promise((resolve) => {
      this.#waiting.add({ account, subscriptionId: '', expression, input, resolve });
      this.#next();
    });
  }

  /** How many evaluations of an account wait or run. */
  countOf(accountId: string): number {
    return this.#counts.get(accountId) ?? 0;
  }

  /** Ends the process; it starts again when it is needed. */
  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    const child = this.#process;
    this.#process = undefined;
    if (!child || child.exitCode !== null || child.signalCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  #next(): void {
    if (this.#running) return;
    clearTimeout(this.#timer);
    const [next] = this.#waiting.take(1);
    if (!next) {
      this.#process?.unref();
      this.#process?.channel?.unref();
      this.#timer = setTimeout(() => void this.stop(), IDLE_MS).unref();
      return;
    }
    this.#running = next;
    this.#process ??= this.#start();
    this.#process.ref();
    this.#process.channel?.ref();
    if (this.#isReady) this.#send();
  }

  /** Sends the evaluation that runs to the process, which is ready. */
  #send(): void {
    if (!this.#running) return;
    const { expression, input } = this.#running;
    this.#process?.send({ expression, input } satisfies Evaluation);
    this.#limit(KILL_AFTER_MS, { error: `the expression took longer than ${KILL_AFTER_MS} ms`, isTimeout: true });
  }

  /** Ends the process with this result if it does not respond in time. */
  #limit(milliseconds: number, result: EvaluationResult): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#end(result), milliseconds);
  }

  #start(): ChildProcess {
    const child = fork(require.resolve('./transformation-process.js'), [String(TIME_LIMIT_MS)], {
      execArgv: LIMITS,
      // Windows starts no process without it.
      env: process.env.SystemRoot === undefined ? {} : { SystemRoot: process.env.SystemRoot },
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    });
    this.#isReady = false;
    this.#limit(START_LIMIT_MS, { error: 'the process for transformations did not start', isTransient: true });
    child.on('message', (message: EvaluationResult | Ready) => {
      if (child !== this.#process) return;
      if (message !== 'ready') return this.#finish(message);
      this.#isReady = true;
      this.#send();
    });
    child.on('error', (error) => {
      const reason = `the process for transformations failed: ${error.message}`;
      if (child === this.#process) this.#end({ error: reason, isTransient: true });
    });
    child.on('exit', () => {
      if (child !== this.#process) return;
      // Nothing else ends it while it evaluates an expression.
      const isMemory = this.#isReady;
      const error = isMemory ? 'the expression needs too much memory' : 'the process for transformations did not start';
      this.#end({ error, isTransient: !isMemory });
    });
    return child;
  }

  /** Ends the process, and with it the evaluation that runs. */
  #end(result: EvaluationResult): void {
    const child = this.#process;
    this.#process = undefined;
    child?.kill('SIGKILL');
    this.#finish(result);
  }

  #finish(result: EvaluationResult): void {
    const finished = this.#running;
    this.#running = undefined;
    if (finished) {
      const { id } = finished.account;
      const remaining = this.countOf(id) - 1;
      if (remaining > 0) this.#counts.set(id, remaining);
      else this.#counts.delete(id);
      this.#countTimeout(timeoutKey(finished.account, finished.expression), result);
      finished.resolve(result);
    }
    this.#next();
  }

  #countTimeout(key: string, result: EvaluationResult): void {
    if (result.text !== undefined || !result.isTimeout) {
      if (this.#timeouts.size > 0) this.#timeouts.delete(key);
      return;
    }
    const count = (this.#timeouts.get(key)?.count ?? 0) + 1;
    this.#timeouts.delete(key);
    this.#timeouts.set(key, { count, until: count >= MAX_TIMEOUTS ? Date.now() + SUSPENDED_MS : 0 });
    if (this.#timeouts.size > MAX_COUNTED) this.#timeouts.delete(this.#timeouts.keys().next().value!);
  }
}

const timeoutKey = (account: Owner, expression: string): string => `${account.id} ${expression}`;

/** The one of this process; its own process starts with the first transformation. */
export const transformer = new Transformer();
