/** How numbers, times and ids are written. */
import { currentZone } from './zone.js';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

const UNITS: readonly (readonly [number, string])[] = [
  [DAY, 'd'],
  [HOUR, 'h'],
  [MINUTE, 'min'],
  [SECOND, 's'],
];

/** A wait by its two largest units: `5 min`, `1 d 3 h`; milliseconds below a second. */
export function duration(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  const parts: string[] = [];
  let rest = ms;
  for (const [size, name] of UNITS) {
    const count = Math.floor(rest / size);
    if (count > 0) parts.push(`${count} ${name}`);
    else if (parts.length > 0) break;
    rest -= count * size;
    if (parts.length === 2) break;
  }
  return parts.join(' ');
}

/** How long something took: `120 ms`, `1.24 s`, and from a minute on as a wait. */
export function took(ms: number): string {
  if (ms < 10) return `${Number(ms.toFixed(1))} ms`;
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  return ms < MINUTE ? `${(ms / SECOND).toFixed(2)} s` : duration(ms);
}

/** A time as seen from another: `5 min ago`, `in 2 h`, `now`. */
export function fromNow(at: number, now: number): string {
  const away = Math.abs(at - now);
  if (away < 5 * SECOND) return 'now';
  const [size, name] = UNITS.find(([unit]) => away >= unit) ?? [SECOND, 's'];
  const text = `${Math.floor(away / size)} ${name}`;
  return at > now ? `in ${text}` : `${text} ago`;
}

const FULL: Intl.DateTimeFormatOptions = {
  ...{ day: 'numeric', month: 'short', year: 'numeric' },
  ...{ hour: '2-digit', minute: '2-digit', second: '2-digit', timeZoneName: 'short' },
};

/** A time in full with its zone: the reader's own, or UTC. */
export function moment(at: string | number): string {
  return inZone(at, FULL);
}

/** A time in the zone that was chosen. */
export function inZone(at: string | number, options: Intl.DateTimeFormatOptions): string {
  const zone = currentZone() === 'UTC' ? { timeZone: 'UTC' } : {};
  return new Intl.DateTimeFormat('en-GB', { ...options, ...zone }).format(new Date(at));
}

/** A number with separators. */
export function count(value: number): string {
  return new Intl.NumberFormat('en').format(value);
}

/** `count` things: `1 delivery`, `2 deliveries`. */
export function counted(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** A rate from 0 to 1: `100 %`, `99.4 %`, and never rounded up to 100. */
export function percent(rate: number): string {
  const tenths = Math.floor(rate * 1_000 + 1e-9) / 10;
  return `${Number.isInteger(tenths) ? tenths : tenths.toFixed(1)} %`;
}

/** JSON text with line breaks, its numbers digit by digit as they were where the browser can; other text as it is. */
export function prettyJson(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text, exactNumber), null, 2);
  } catch {
    return text;
  }
}

/** One part of a JSON object, written in the same way; undefined where the text has none. */
export function prettyPart(text: string, name: string): string | undefined {
  const { [name]: part } = JSON.parse(text, exactNumber) as Record<string, unknown>;
  return part === undefined ? undefined : JSON.stringify(part, null, 2);
}

/** https://tc39.es/proposal-json-parse-with-source */
function exactNumber(_key: string, value: unknown, context?: { source?: string }): unknown {
  const { rawJSON } = JSON as { rawJSON?: (text: string) => unknown };
  return typeof value === 'number' && rawJSON && context?.source ? rawJSON(context.source) : value;
}

/** A URL without its scheme; that of a subscription that is polled is null. */
export function shortUrl(url: string | null): string {
  return url === null ? 'polled' : url.replace(/^https?:\/\//, '');
}
