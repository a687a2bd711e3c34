/**
 * Filters of subscriptions: conditions on the type, channels, time and payload of an event.
 *
 *   filter    = { member, … }                      every member must hold
 *   member    = "all" | "any": [filter, …]  |  "not": filter  |  path: value  |  path: { operator: operand, … }
 *   path      = ("type" | "timestamp" | "channels" | "data") ("." part)…
 *   part      = a name, the index of an array, or * for any element of an array; \ before . * and \ makes them plain
 *
 * A filter is checked and compiled once. It can run no code and no regular expression, and everything about it is bounded.
 */
import { LRUCache } from 'lru-cache';
import type { Event } from '../../contract/entities.js';

export const MAX_FILTER_BYTES = 8_192;
/** Operators of a filter. */
export const MAX_CONDITIONS = 32;
/** Combinators inside each other. */
export const MAX_DEPTH = 8;
export const MAX_PATH_PARTS = 10;
/** Values of `in` and `nin`. */
export const MAX_CHOICES = 100;
/** Compiled filters that stay in memory. */
const MAX_COMPILED = 1_000;

/** What a filter sees of an event. */
export interface FilterInput {
  readonly type: string;
  /** ISO 8601 in UTC. */
  readonly timestamp: string;
  readonly channels: readonly string[];
  readonly data: unknown;
}

/** What is wrong with a filter, and where: a path such as `any[0]["data.total"].gte`; empty for the whole filter. */
export class FilterError extends Error {
  constructor(
    readonly path: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Elements of arrays that all filters together may look at for one event, so that a large payload with many filters
 * takes no noticeable time.
 */
export class FilterBudget {
  #remaining: number;

  /** `size` is the length of the payload's text. */
  constructor(size: number) {
    this.#remaining = 16 * (1_000 + size);
  }

  /** Throws {@link BudgetExceeded}. */
  spend(elements: number): void {
    this.#remaining -= elements;
    if (this.#remaining < 0) throw new BudgetExceeded();
  }
}

class BudgetExceeded extends Error {}

type Condition = (event: FilterInput, budget: FilterBudget) => boolean;
type Scalar = string | number | boolean | null;
/** Whether a value at a path is as wanted. */
type Predicate = (value: unknown, budget: FilterBudget) => boolean;

/** An operator checks its operand and returns the predicate; a negated one holds when no value at the path satisfies it. */
interface Operator {
  readonly negated?: boolean;
  readonly compile: (operand: unknown, path: string) => Predicate;
}

const ROOTS: readonly string[] = ['type', 'timestamp', 'channels', 'data'];
/** Any element of an array. */
const EACH = Symbol('*');
type Part = string | typeof EACH;

const operators: ReadonlyMap<string, Operator> = new Map<string, Operator>([
  ['eq', { compile: equals }],
  ['ne', { negated: true, compile: equals }],
  ['gt', { compile: comparison((value, bound) => value > bound) }],
  ['gte', { compile: comparison((value, bound) => value >= bound) }],
  ['lt', { compile: comparison((value, bound) => value < bound) }],
  ['lte', { compile: comparison((value, bound) => value <= bound) }],
  ['in', { compile: oneOf }],
  ['nin', { negated: true, compile: oneOf }],
  ['startsWith', { compile: textTest((value, part) => value.startsWith(part)) }],
  ['endsWith', { compile: textTest((value, part) => value.endsWith(part)) }],
  ['contains', { compile: contains }],
]);

const compiled = new LRUCache<string, Condition>({ max: MAX_COMPILED });

/** Checks a filter and returns its text, as it is stored. Throws a FilterError. */
export function filterText(filter: unknown): string {
  compile(filter);
  const text = JSON.stringify(filter);
  if (Buffer.byteLength(text) > MAX_FILTER_BYTES)
    throw new FilterError('', `must not be longer than ${MAX_FILTER_BYTES} bytes as JSON`);
  return text;
}

/**
 * Whether an event passes a filter, given as checked text. An event whose filters exceed the budget passes: it is better
 * delivered than lost.
 */
export function passesFilter(text: string, event: FilterInput, budget: FilterBudget): boolean {
  let condition = compiled.get(text);
  if (!condition) compiled.set(text, (condition = compile(JSON.parse(text))));
  try {
    return condition(event, budget);
  } catch (error) {
    if (error instanceof BudgetExceeded) return true;
    throw error;
  }
}

/** What a filter sees of an event. */
export function filterInput({ type, occurredAt, channels, data }: Omit<Event, 'id' | 'text'>): FilterInput {
  return { type, timestamp: occurredAt.toISOString(), channels, data };
}

/** The subscriptions whose filter an event passes. Each different filter is evaluated once; without any nothing is done. */
export function withoutFiltered<Receiver extends { readonly filter: string | null }>(
  receivers: readonly Receiver[],
  event: Event,
): readonly Receiver[] {
  if (receivers.every(({ filter }) => filter === null)) return receivers;
  const input = filterInput(event);
  const budget = new FilterBudget(event.text.length);
  const passes = new Map<string | null, boolean>([[null, true]]);
  return receivers.filter(({ filter }) => {
    let pass = passes.get(filter);
    if (pass === undefined) passes.set(filter, (pass = passesFilter(filter!, input, budget)));
    return pass;
  });
}

function compile(filter: unknown): Condition {
  return compileFilter(filter, '', 0, { conditions: 0 });
}

function compileFilter(filter: unknown, path: string, depth: number, counted: { conditions: number }): Condition {
  if (depth > MAX_DEPTH) throw new FilterError(path, `must not be nested deeper than ${MAX_DEPTH} levels`);
  if (!isObject(filter)) throw new FilterError(path, 'must be an object with at least one condition');
  const members = Object.entries(filter);
  if (members.length === 0) throw new FilterError(path, 'must have at least one condition; use null for no filter');
  const conditions = members.map(([key, value]): Condition => {
    const memberPath = joined(path, key);
    if (key === 'not') {
      const inner = compileFilter(value, memberPath, depth + 1, counted);
      return (event, budget) => !inner(event, budget);
    }
    if (key !== 'all' && key !== 'any') return compileCondition(key, value, memberPath, counted);
    if (!Array.isArray(value) || value.length === 0)
      throw new FilterError(memberPath, 'must be an array of at least one filter');
    const inner = value.map((item, index) => compileFilter(item, `${memberPath}[${index}]`, depth + 1, counted));
    return key === 'all' ? every(inner) : (event, budget) => inner.some((condition) => condition(event, budget));
  });
  return every(conditions);
}

function every(conditions: readonly Condition[]): Condition {
  if (conditions.length === 1) return conditions[0]!;
  return (event, budget) => conditions.every((condition) => condition(event, budget));
}

/** The condition of one path. Its operators must hold for the same value, except the negated ones. */
function compileCondition(key: string, value: unknown, path: string, counted: { conditions: number }): Condition {
  const parts = readPath(key, path);
  const wanted: Predicate[] = [];
  const unwanted: Predicate[] = [];
  const given: [string, unknown][] = isObject(value) ? Object.entries(value) : [['eq', value]];
  if (given.length === 0)
    throw new FilterError(path, `must have an operator: ${[...operators.keys()].join(', ')}, exists`);
  counted.conditions += given.length;
  if (counted.conditions > MAX_CONDITIONS)
    throw new FilterError(path, `is one condition too many: a filter may have ${MAX_CONDITIONS}`);
  for (const [name, operand] of given) {
    const operandPath = isObject(value) ? joined(path, name) : path;
    if (name === 'exists') {
      if (typeof operand !== 'boolean') throw new FilterError(operandPath, 'must be true or false');
      (operand ? wanted : unwanted).push(() => true);
      continue;
    }
    const operator = operators.get(name);
    if (!operator)
      throw new FilterError(operandPath, `is not an operator; use ${[...operators.keys()].join(', ')} or exists`);
    (operator.negated ? unwanted : wanted).push(operator.compile(operand, operandPath));
  }
  return (event, budget) =>
    (wanted.length === 0 ||
      someValue(event, parts, 0, budget, (found) => wanted.every((predicate) => predicate(found, budget)))) &&
    unwanted.every((predicate) => !someValue(event, parts, 0, budget, (found) => predicate(found, budget)));
}

/** Whether any of the values at a path satisfies a test; false when there is none. */
function someValue(
  root: unknown,
  parts: readonly Part[],
  from: number,
  budget: FilterBudget,
  test: (value: unknown) => boolean,
): boolean {
  let value = root;
  for (let at = from; at < parts.length; at += 1) {
    const part = parts[at]!;
    if (part === EACH) {
      if (!Array.isArray(value)) return false;
      return value.some((element) => {
        budget.spend(1);
        return someValue(element, parts, at + 1, budget, test);
      });
    }
    // Own members only, and of arrays only elements: nothing of a prototype, and no `length`.
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, part)) return false;
    if (Array.isArray(value) && !/^\d+$/.test(part)) return false;
    value = (value as Record<string, unknown>)[part];
  }
  return test(value);
}

function readPath(key: string, path: string): Part[] {
  const parts: Part[] = [];
  // Each part with its separator: characters other than . and \, or any character after a \.
  for (const [, text = ''] of key.matchAll(/(?:^|\.)((?:[^.\\]|\\.)*)/gs))
    parts.push(text === '*' ? EACH : text.replace(/\\(.)/gs, '$1'));
  const [root = ''] = parts;
  if (typeof root !== 'string' || !ROOTS.includes(root))
    throw new FilterError(path, 'is no path: it must begin with type, timestamp, channels or data, as in data.total');
  if (/(?:^|[^\\])(?:\\\\)*\\$/s.test(key)) throw new FilterError(path, 'must not end with a single backslash');
  if (parts.includes('')) throw new FilterError(path, 'must not have empty parts');
  if (parts.length > MAX_PATH_PARTS) throw new FilterError(path, `must not have more than ${MAX_PATH_PARTS} parts`);
  return parts;
}

function equals(operand: unknown, path: string): Predicate {
  if (!isScalar(operand)) throw new FilterError(path, 'must be a string, a number, true, false or null');
  return (value) => value === operand;
}

function oneOf(operand: unknown, path: string): Predicate {
  if (!Array.isArray(operand) || operand.length === 0 || operand.length > MAX_CHOICES || !operand.every(isScalar))
    throw new FilterError(path, `must be an array of 1 to ${MAX_CHOICES} strings, numbers, true, false or null`);
  const choices = new Set<unknown>(operand);
  return (value) => choices.has(value);
}

/** Compares numbers with numbers and texts with texts (by their UTF-16 code units); other values never satisfy it. */
function comparison(test: (value: number | string, bound: number | string) => boolean): Operator['compile'] {
  return (operand, path) => {
    if (typeof operand !== 'number' && typeof operand !== 'string')
      throw new FilterError(path, 'must be a number, or a string to compare texts');
    return (value) => typeof value === typeof operand && test(value as number | string, operand);
  };
}

function textTest(test: (value: string, part: string) => boolean): Operator['compile'] {
  return (operand, path) => {
    if (typeof operand !== 'string') throw new FilterError(path, 'must be a string');
    return (value) => typeof value === 'string' && test(value, operand);
  };
}

/** Of a text, whether it contains the operand; of an array, whether the operand is one of its elements. */
function contains(operand: unknown, path: string): Predicate {
  if (!isScalar(operand)) throw new FilterError(path, 'must be a string, a number, true, false or null');
  return (value, budget) => {
    if (Array.isArray(value)) {
      budget.spend(value.length);
      return value.includes(operand);
    }
    if (typeof value !== 'string' || typeof operand !== 'string') return false;
    // Searching a text is about this much faster than looking at elements.
    budget.spend(value.length / 16);
    return value.includes(operand);
  };
}

function isScalar(value: unknown): value is Scalar {
  return value === null || ['string', 'number', 'boolean'].includes(typeof value);
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The path of a member, in brackets unless its name is one word. */
function joined(path: string, name: string): string {
  if (!/^[a-zA-Z]+$/.test(name)) return `${path}[${JSON.stringify(name)}]`;
  return path === '' ? name : `${path}.${name}`;
}
