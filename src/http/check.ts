/** Checking what a request holds: first that it can be kept at all, then that it is what a schema wants. */
import type { z } from 'zod';
import { invalid, invalidField } from './problem.js';

/** What PostgreSQL cannot keep (NUL) or would replace (a surrogate without its other half). */
const UNSTORABLE = /[\0\p{Cs}]/u;

/** The checked value. Throws a problem that names every field to change; `path` is where the value stands. */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown, path = ''): z.output<Schema> {
  refuseUnstorable(value, path);
  const result = schema.safeParse(value);
  if (!result.success) throw invalid(result.error, path);
  return result.data;
}

/** Whether a text can be kept as it is. */
export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text);
}

function refuseUnstorable(value: unknown, path: string): void {
  if (typeof value === 'string' && !isStorable(value)) {
    throw invalidField(path, 'must not hold NUL characters or halves of surrogate pairs');
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    const memberPath = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    // Schemas pass over this one; nothing has a field of that name.
    if (!isStorable(key) || key === '__proto__') throw invalidField(memberPath, 'is no name of a field; remove it');
    refuseUnstorable(member, memberPath);
  }
}
