/**
 * Reading and writing JSON text without changing it.
 *
 * A platform's payload must reach the receiver as it was sent: numbers beyond 2^53, key order, duplicate keys and
 * escapes survive. `JSON.parse` followed by `JSON.stringify` keeps none of these, so contracts put bodies together
 * from slices of the original text. Every function here takes text that `JSON.parse` has already accepted.
 */

/** One member of a JSON object: its decoded key and the untouched text of its value. */
export interface JsonMember {
  readonly key: string;
  /** The key as it was written, quotes and escapes included; absent for a member made here. */
  readonly keyText?: string;
  readonly value: string;
}

const SCALAR = /[^\s,\]}]+/y;
const SPACE = /\s*/y;
const STRUCTURE = /["{}[\]]/g;
const QUOTE_OR_SPACE = /"|\s+/g;
const BACKSLASH = 0x5c;

/** Removes white space between tokens; strings, numbers and key order stay as they are. */
export function minifyJson(text: string): string {
  let minified = '';
  let kept = 0;
  QUOTE_OR_SPACE.lastIndex = 0;
  for (let match = QUOTE_OR_SPACE.exec(text); match; match = QUOTE_OR_SPACE.exec(text)) {
    if (match[0] === '"') QUOTE_OR_SPACE.lastIndex = endOfString(text, match.index);
    else {
      minified += text.slice(kept, match.index);
      kept = QUOTE_OR_SPACE.lastIndex;
    }
  }
  return minified + text.slice(kept);
}

/** The members of a JSON object's text, in order, duplicates included. */
export function jsonMembers(object: string): JsonMember[] {
  const members: JsonMember[] = [];
  let at = skipSpace(object, skipSpace(object, 0) + 1);
  while (object[at] !== '}') {
    const keyEnd = endOfString(object, at);
    const key = JSON.parse(object.slice(at, keyEnd)) as string;
    const start = skipSpace(object, skipSpace(object, keyEnd) + 1);
    const end = endOfValue(object, start);
    const keyText = object.slice(at, keyEnd);
    members.push({ key, keyText, value: object.slice(start, end) });
    at = skipComma(object, end);
  }
  return members;
}

/** The elements of a JSON array's text, in order, each as its own untouched text. */
export function jsonElements(array: string): string[] {
  const elements: string[] = [];
  let at = skipSpace(array, skipSpace(array, 0) + 1);
  while (array[at] !== ']') {
    const end = endOfValue(array, at);
    elements.push(array.slice(at, end));
    at = skipComma(array, end);
  }
  return elements;
}

/** The text of a JSON object with these members, whose values are JSON text already. */
export function jsonObject(members: Iterable<JsonMember>): string {
  return `{${Array.from(members, ({ key, keyText, value }) => `${keyText ?? JSON.stringify(key)}:${value}`).join(',')}}`;
}

/** A member whose value is given as a plain value instead of JSON text. */
export function jsonMember(key: string, value: unknown): JsonMember {
  return { key, value: JSON.stringify(value) };
}

/** The first key that an object's text names twice, or undefined. */
export function duplicateKey(members: readonly JsonMember[]): string | undefined {
  const seen = new Set<string>();
  return members.find(({ key }) => seen.size === seen.add(key).size)?.key;
}

/** The first key that any object in a text names twice, however deep, or undefined. */
export function nestedDuplicateKey(text: string): string | undefined {
  // One for each bracket that is open; those of arrays stay empty.
  const keys: Set<string>[] = [];
  STRUCTURE.lastIndex = 0;
  for (let match = STRUCTURE.exec(text); match; match = STRUCTURE.exec(text)) {
    if (match[0] === '{' || match[0] === '[') keys.push(new Set());
    else if (match[0] !== '"') keys.pop();
    else {
      const end = endOfString(text, match.index);
      STRUCTURE.lastIndex = end;
      if (text[skipSpace(text, end)] !== ':') continue;
      const key = JSON.parse(text.slice(match.index, end)) as string;
      const seen = keys.at(-1)!;
      if (seen.size === seen.add(key).size) return key;
    }
  }
  return undefined;
}

function skipSpace(text: string, at: number): number {
  return endOfMatch(SPACE, text, at);
}

function skipComma(text: string, at: number): number {
  const next = skipSpace(text, at);
  return text[next] === ',' ? skipSpace(text, next + 1) : next;
}

function endOfMatch(pattern: RegExp, text: string, at: number): number {
  pattern.lastIndex = at;
  return pattern.test(text) ? pattern.lastIndex : at;
}

/**
 * The position after a string that starts at `start`. By `indexOf`, as a loop over the characters takes several
 * milliseconds for a megabyte.
 */
export function endOfString(text: string, start: number): number {
  let quote = text.indexOf('"', start + 1);
  while (quote !== -1 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote === -1 ? text.length + 1 : quote + 1;
}

/** Whether an odd number of backslashes stands before this position. */
function isEscaped(text: string, at: number): boolean {
  let first = at;
  while (text.charCodeAt(first - 1) === BACKSLASH) first -= 1;
  return (at - first) % 2 === 1;
}

function endOfValue(text: string, start: number): number {
  if (text[start] === '"') return endOfString(text, start);
  if (text[start] !== '{' && text[start] !== '[') return endOfMatch(SCALAR, text, start);
  let depth = 0;
  STRUCTURE.lastIndex = start;
  for (let match = STRUCTURE.exec(text); match; match = STRUCTURE.exec(text)) {
    if (match[0] === '"') STRUCTURE.lastIndex = endOfString(text, match.index);
    else if (match[0] === '{' || match[0] === '[') depth += 1;
    else if (--depth === 0) return match.index + 1;
  }
  return text.length;
}
