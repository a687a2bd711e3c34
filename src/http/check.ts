/** Validates parts of a request: first that they can be stored, then that they match a schema. */
import type { z } from 'zod';
import { invalid, invalidField } from './problem.js';

/** Characters that PostgreSQL cannot store (NUL) or would replace (lone surrogates). */
const UNSTORABLE = /[\0\p{Cs}]/u;

/** Returns the validated value. Throws a problem that names every wrong field; `path` is the path of the value. */
export function check<Schema extends z.ZodType>(schema: Schema, value: unknown, path = ''): z.output<Schema> {
  rejectUnstorable(value, path);
  const result = schema.safeParse(value);
  if (!result.success) throw invalid(result.error, path);
  return result.data;
}

/** Whether PostgreSQL can store a text unchanged. */
export function isStorable(text: string): boolean {
  return !UNSTORABLE.test(text);
}

function rejectUnstorable(value: unknown, path: string): void {
  if (typeof value === 'string' && !isStorable(value)) {
    throw invalidField(path, 'must not hold NUL characters or halves of surrogate pairs');
  }
  if (typeof value !== 'object' || value === null) return;
  for (const [key, member] of Object.entries(value)) {
    const memberPath = Array.isArray(value) ? `${path}[${key}]` : path === '' ? key : `${path}.${key}`;
    // Schemas ignore `__proto__`, and no schema has such a field.
    if (!isStorable(key) || key === '__proto__') throw invalidField(memberPath, 'is not a valid field name; remove it');
    rejectUnstorable(member, memberPath);
  }
}
