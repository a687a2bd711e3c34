/** Processes of the bench's own: what loads and what receives must not share a thread with what it measures. */
import { fork } from 'node:child_process';
import { errorMessage } from '#src/lib/errors.js';

// Arguments and results differ by method; what calls them knows their types.
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Methods = Record<string, (...args: any[]) => unknown>;

interface Call {
  readonly id: number;
  readonly name: string;
  readonly args: unknown[];
}

interface Response {
  readonly id: number;
  readonly result?: unknown;
  readonly problem?: string;
}

/** Another process as this one sees it. */
export interface Remote<Served extends Methods> {
  readonly pid: number;
  /** Calls a method over there; rejects with what it throws, or when the process ends. */
  call<Name extends keyof Served & string>(
    name: Name,
    ...args: Parameters<Served[Name]>
  ): Promise<Awaited<ReturnType<Served[Name]>>>;
  stop(): void;
}

/** Starts a module that serves its methods. */
export function startRemote<Served extends Methods>(module: string): Remote<Served> {
  const child = fork(module, { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
  const waiting = new Map<number, { resolve: (result: unknown) => void; reject: (error: Error) => void }>();
  let calls = 0;
  child.on('message', ({ id, result, problem }: Response) => {
    const caller = waiting.get(id);
    waiting.delete(id);
    if (problem === undefined) caller?.resolve(result);
    else caller?.reject(new Error(problem));
  });
  child.once('exit', (code, signal) => {
    for (const { reject } of waiting.values()) reject(new Error(`${module} ended (${signal ?? code})`));
  });
  const stop = (): void => void child.kill();
  process.once('exit', stop);
  return {
    pid: child.pid!,
    call: (name, ...args) =>
      new Promise((resolve, reject) => {
        const id = (calls += 1);
        waiting.set(id, { resolve: resolve as (result: unknown) => void, reject });
        child.send({ id, name, args } satisfies Call);
      }),
    stop() {
      process.off('exit', stop);
      stop();
    },
  };
}

/** Serves methods to the process that started this one, until that one has ended. */
export function serve<Served extends Methods>(methods: Served): Served {
  process.on('message', ({ id, name, args }: Call) => {
    void (async () => methods[name]!(...args))().then(
      (result) => process.send!({ id, result } satisfies Response),
      (error: unknown) => process.send!({ id, problem: errorMessage(error) } satisfies Response),
    );
  });
  process.once('disconnect', () => process.exit());
  // Ctrl-C reaches every process of the terminal; the one that started this one decides.
  process.on('SIGINT', () => undefined);
  return methods;
}
