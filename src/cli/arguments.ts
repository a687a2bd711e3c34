/** Reading what is written on the command line. Each throws an InvalidArgumentError that says what to write. */
import { readFileSync } from 'node:fs';
import { InvalidArgumentError } from 'commander';

/** A whole number from `min` to `max`. */
export function wholeNumber(min = 1, max = 999_999_999): (text: string) => number {
  return (text) => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : NaN;
    if (value >= min && value <= max) return value;
    throw new InvalidArgumentError(
      max === 999_999_999 ? `Write a whole number from ${min} on.` : `Write a whole number from ${min} to ${max}.`,
    );
  };
}

/** A number above zero, such as a rate. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() !== '' && Number.isFinite(value) && value > 0) return value;
  throw new InvalidArgumentError('Write a number above 0.');
}

/** A number, or `none`; that word is kept, as null means to commander that nothing was said. */
export function orNone(read: (text: string) => number): (text: string) => number | 'none' {
  return (text) => (text === 'none' ? text : read(text));
}

/** The value of an option that may be `none`, or null for none. */
export function noneIsNull<Value>(value: Value | 'none' | undefined): Value | null | undefined {
  return value === 'none' ? null : value;
}

/** An http or https URL. */
export function webUrl(text: string): string {
  if (/^https?:\/\//.test(text) && URL.canParse(text)) return text;
  throw new InvalidArgumentError('Write a URL such as http://localhost:3000/webhooks.');
}

/** For options that may be given several times. */
export function collect(text: string, former: readonly string[] = []): string[] {
  return [...former, text];
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** A time span such as `500ms`, `10s`, `5m`, `2h` or `7d`, in milliseconds. */
export function duration(text: string): number {
  const ms = readDuration(text);
  if (ms === undefined) throw new InvalidArgumentError('Write a time span such as 500ms, 10s, 5m, 2h or 7d.');
  return ms;
}

/** A time, or how long ago it was, as ISO 8601 in UTC. */
export function time(text: string): string {
  const ago = readDuration(text);
  const at = ago === undefined ? (/^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN) : Date.now() - ago;
  if (Number.isNaN(at))
    throw new InvalidArgumentError('Write a time such as 2026-11-21T14:00:00Z, or how long ago it was, such as 2h.');
  return new Date(at).toISOString();
}

/** A time to come, or how far from now it is, as ISO 8601 in UTC. */
export function fromNow(text: string): string {
  const ahead = readDuration(text);
  const at = ahead === undefined ? (/^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : NaN) : Date.now() + ahead;
  if (Number.isNaN(at))
    throw new InvalidArgumentError('Write a time such as 2026-11-21T14:00:00Z, or a span from now such as 30d.');
  return new Date(at).toISOString();
}

/** The text of an option, or of the file that it names as `@path`. */
function textOrFile(text: string): string {
  if (!text.startsWith('@')) return text;
  try {
    return readFileSync(text.slice(1), 'utf8');
  } catch (error) {
    throw new InvalidArgumentError(`The file cannot be read: ${(error as Error).message}.`);
  }
}

/** A text, the text of a file as `@path`, or `none`, which is kept as for {@link orNone}. */
export function textOption(text: string): string {
  return text === 'none' ? text : textOrFile(text).trim();
}

/** A JSON object, a file with one as `@path`, or `none`, which is kept as for {@link orNone}. */
export function jsonObjectOrNone(text: string): Record<string, unknown> | 'none' {
  return text === 'none' ? text : jsonObjectOption(textOrFile(text));
}

/** A JSON object. */
export function jsonObjectOption(text: string): Record<string, unknown> {
  const value = parseJson(text);
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>;
  throw new InvalidArgumentError('Write a JSON object, in quotes for the shell.');
}

/** `name=text` and `name:=JSON`, collected as fields. */
export function assignment(
  text: string,
  former: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  const [, name, operator, value = ''] = /^([A-Za-z]\w*)(:?=)([^]*)$/.exec(text) ?? [];
  const parsed = operator === ':=' ? parseJson(value) : value;
  if (name === undefined || parsed === undefined)
    throw new InvalidArgumentError('Write name=text, or name:=JSON such as channels:=\'["a"]\'.');
  return { ...former, [name]: parsed };
}

/** `Name: value`, collected as headers. */
export function header(text: string, former: Readonly<Record<string, string>> = {}): Readonly<Record<string, string>> {
  const [, name, value = ''] = /^([^:\s]+):\s*(.*)$/.exec(text) ?? [];
  if (name === undefined) throw new InvalidArgumentError("Write a header as 'Name: value'.");
  return { ...former, [name]: value };
}

function readDuration(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d{1,6})(ms|s|m|h|d)$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * UNITS[unit]!;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
