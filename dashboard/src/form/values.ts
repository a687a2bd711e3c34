/** What a form holds, and what of it is sent. */
import type { JsonSchema } from './schema.js';

export type Values = Readonly<Record<string, unknown>>;

/** How the API shows what it keeps secret. */
const MASK = '***';

/** What an object has of the fields of a schema. Of what is masked only the names are known: it is left as it is. */
export function valuesOf(schema: JsonSchema, object: Values): { values: Values; masked: string[] } {
  const entries = Object.keys(schema.properties ?? {})
    .filter((name) => object[name] !== undefined && object[name] !== null)
    .map((name) => [name, object[name]] as const);
  const [hidden, shown] = [
    entries.filter(([, value]) => isMasked(value)),
    entries.filter(([, value]) => !isMasked(value)),
  ];
  return { values: Object.fromEntries(shown), masked: hidden.map(([name]) => name) };
}

/** The fields that differ from what was there; one that was emptied is null. */
export function changesOf(before: Values, after: Values): Values {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  const changed = [...names].filter((name) => JSON.stringify(before[name]) !== JSON.stringify(after[name]));
  return Object.fromEntries(changed.map((name) => [name, after[name] ?? null]));
}

/** A copy with one field set; without it when the value is undefined. */
export function withValue(values: Values, name: string, value: unknown): Values {
  const { [name]: _, ...others } = values;
  return value === undefined ? others : { ...others, [name]: value };
}

/** Whether an object has something in a field. */
export function isSet(value: unknown): boolean {
  return value !== null && value !== undefined && (typeof value !== 'object' || Object.keys(value).length > 0);
}

/** The value of a field in words; JSON where it is nested. */
export function valueText(value: unknown): string {
  if (typeof value === 'boolean') return value ? 'yes' : 'no';
  if (typeof value !== 'object' || value === null) return String(value);
  const isFlat = Object.values(value).every((each) => typeof each !== 'object');
  if (!isFlat) return JSON.stringify(value);
  if (Array.isArray(value)) return value.join(', ');
  return Object.entries(value)
    .map(([name, inner]) => `${name}: ${inner}`)
    .join(', ');
}

function isMasked(value: unknown): boolean {
  if (typeof value === 'string') return value.includes(MASK);
  return typeof value === 'object' && value !== null && Object.values(value).some(isMasked);
}
