/**
 * The process that evaluates transformations, one at a time. It is ended when an expression takes too long, and it may end
 * itself when one needs too much memory, which would end the process of a thread too. An expression reaches its input and
 * JSONata's functions, nothing else.
 */
import jsonata from 'jsonata';
import { LRUCache } from 'lru-cache';

/** What the process gets: an expression, and the JSON text of its input. */
export interface Evaluation {
  readonly expression: string;
  readonly input: string;
}

/**
 * What the process returns: JSON text, or why there is none. `isTimeout` when the expression took too long, `isTransient` when
 * it was not evaluated for a reason that passes. `withoutQuotes` is the reason where the other one may quote the payload.
 */
export type EvaluationResult =
  | { readonly text: string }
  | {
      readonly error: string;
      readonly withoutQuotes?: string;
      readonly isTimeout?: boolean;
      readonly isTransient?: boolean;
      readonly text?: undefined;
    };

/** The process sends it once, when it is ready for evaluations. */
export type Ready = 'ready';

/** Maximum time of an expression in milliseconds, which JSONata checks between the steps of the expression. */
const timeLimitMs = Number(process.argv[2]);
/** Maximum length of the text that an expression makes. */
const MAX_OUTPUT = 1_048_576;
/** Evaluations inside each other, and elements of an array that an expression makes. */
const limits = { timeout: timeLimitMs, stack: 300, sequence: 100_000 };
/** JSONata's code for an expression that took too long. */
const TIMEOUT_CODE = 'D1012';

const compiled = new LRUCache<string, jsonata.Expression>({ max: 200 });

function compile(expression: string): jsonata.Expression {
  const known = compiled.get(expression);
  if (known) return known;
  const made = jsonata(expression, limits);
  // It would compile text of the payload as code.
  made.assign('eval', undefined);
  compiled.set(expression, made);
  return made;
}

async function evaluate({ expression, input }: Evaluation): Promise<EvaluationResult> {
  try {
    const text = JSON.stringify(await compile(expression).evaluate(JSON.parse(input)), plainValue) as
      string | undefined;
    if (text === undefined) return { error: 'the expression gives no value' };
    if (text.length > MAX_OUTPUT) return { error: `the result has more than ${MAX_OUTPUT} characters` };
    return { text };
  } catch (error) {
    const { code, message, position } = error as { code?: string; message?: string; position?: number };
    if (code === TIMEOUT_CODE) return { error: `the expression took longer than ${timeLimitMs} ms`, isTimeout: true };
    const at = position === undefined ? '' : ` at character ${position}`;
    const kind = code === undefined ? 'the expression failed' : `the expression failed with JSONata's error ${code}`;
    return { error: message ?? kind, withoutQuotes: `${kind}${at}` };
  }
}

/** Refuses what JSON does not have; JSONata's functions are objects. */
function plainValue(_key: string, value: unknown): unknown {
  if (typeof value === 'number' && !Number.isFinite(value))
    throw new Error('the result has a number that is not finite');
  const isFunction =
    typeof value === 'object' && value !== null && ('_jsonata_function' in value || '_jsonata_lambda' in value);
  if (isFunction || typeof value === 'function') throw new Error('the result has a function');
  return value;
}

process.on('message', (evaluation: Evaluation) => {
  void evaluate(evaluation).then((result) => process.send?.(result));
});
// Its parent has ended.
process.on('disconnect', () => process.exit());
process.send?.('ready' satisfies Ready);
