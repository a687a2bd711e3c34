/** JSON Schemas of event types, draft 2020-12: what may be one, and the check of payloads that it makes. */
import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import type { JsonSchema } from '../../store/event-types/event-types.js';
import { UNKNOWN_FIELD, type FieldError } from '../../http/problem.js';

/** Maximum size of a schema as JSON text, in bytes. */
export const MAX_SCHEMA_BYTES = 64 * 1_024;
/** Maximum nesting depth of a schema. */
const MAX_DEPTH = 40;
/** The only `$schema`, with or without an empty fragment. */
const DRAFT = 'https://json-schema.org/draft/2020-12/schema';
/** Keywords whose value is data, not a schema. */
const DATA = new Set(['const', 'default', 'enum', 'example', 'examples']);
/** Keywords whose value has a schema for each name. */
const BY_NAME = new Set(['$defs', 'definitions', 'dependentSchemas', 'patternProperties', 'properties']);

/** Why a payload breaks a schema: the first wrong field, whose path starts with `path`; undefined when it does not. */
export type PayloadCheck = (payload: unknown, path: string) => FieldError | undefined;

/** A schema that cannot be used; the path is relative to the schema. */
export class UnusableSchema extends Error {
  constructor(
    readonly path: string,
    message: string,
  ) {
    super(message);
  }
}

// Not strict: documents of OpenAPI have keywords of their own, such as `example`. Messages quote no values.
const ajv = addFormats(new Ajv2020({ strict: false, logger: false }));

/** Compiles a schema. Throws UnusableSchema when it is too large, not of the draft or refers to anything outside of it. */
export function compileSchema(schema: JsonSchema): PayloadCheck {
  if (Buffer.byteLength(JSON.stringify(schema)) > MAX_SCHEMA_BYTES)
    throw new UnusableSchema('', `must not have more than ${MAX_SCHEMA_BYTES} bytes`);
  checkDialect(schema);
  checkReferences(schema, '', 0);
  // References to the schema itself are fragments only, so that its own name is of no use.
  const { $id: _, ...unnamed } = schema;
  const check = checkWith(compile(unnamed));
  // Schemas that refer to themselves without an end do so for any payload.
  for (const payload of [null, {}, []]) check(payload, '');
  return check;
}

function compile(schema: JsonSchema): ValidateFunction {
  try {
    return ajv.compile(schema);
  } catch (error) {
    throw new UnusableSchema('', `is not a JSON Schema of draft 2020-12: ${(error as Error).message}`);
  } finally {
    // Ajv keeps every schema that it was ever given.
    ajv.removeSchema(schema);
  }
}

function checkWith(validate: ValidateFunction): PayloadCheck {
  return (payload, path) => {
    if (isValid(validate, payload)) return undefined;
    const [error] = validate.errors ?? [];
    return error && fieldError(error, payload, path);
  };
}

function isValid(validate: ValidateFunction, payload: unknown): boolean {
  try {
    return validate(payload);
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new UnusableSchema('', 'refers to itself without an end');
  }
}

function checkDialect({ $schema }: JsonSchema): void {
  if ($schema === undefined || (typeof $schema === 'string' && $schema.replace(/#$/, '') === DRAFT)) return;
  throw new UnusableSchema('$schema', `must be ${DRAFT}, or absent`);
}

/** Throws when a schema is nested too deep, has a name inside it, is asynchronous or has a reference to elsewhere. */
function checkReferences(value: unknown, path: string, depth: number): void {
  if (typeof value !== 'object' || value === null) return;
  if (depth > MAX_DEPTH) throw new UnusableSchema(path, `is nested more than ${MAX_DEPTH} deep`);
  for (const [key, member] of Object.entries(value as JsonSchema)) {
    const memberPath = Array.isArray(value) ? `${path}[${key}]` : inside(path, key);
    if (!Array.isArray(value)) checkKeyword(key, member, memberPath, depth);
    if (DATA.has(key)) continue;
    if (!BY_NAME.has(key) || typeof member !== 'object' || member === null)
      checkReferences(member, memberPath, depth + 1);
    else
      for (const [name, schema] of Object.entries(member as JsonSchema))
        checkReferences(schema, inside(memberPath, name), depth + 1);
  }
}

function checkKeyword(key: string, value: unknown, path: string, depth: number): void {
  if (key === '$ref' || key === '$dynamicRef') {
    if (typeof value !== 'string' || !value.startsWith('#'))
      throw new UnusableSchema(path, 'must refer to a part of this schema, such as #/$defs/name');
  } else if (key === '$async') throw new UnusableSchema(path, 'is not allowed; remove it');
  else if (key === '$id' && depth > 0) throw new UnusableSchema(path, 'is not allowed inside a schema; remove it');
}

/** The field that an error is about, and what to change. */
function fieldError(
  { keyword, instancePath, params, message }: ErrorObject,
  payload: unknown,
  path: string,
): FieldError {
  const at = pathOf(instancePath, payload, path);
  const {
    missingProperty,
    additionalProperty,
    unevaluatedProperty = additionalProperty,
  } = params as Record<string, string | undefined>;
  if (keyword === 'required' && missingProperty !== undefined)
    return { path: inside(at, missingProperty), message: 'is missing' };
  if (unevaluatedProperty !== undefined) return { path: inside(at, unevaluatedProperty), message: UNKNOWN_FIELD };
  const { allowedValues } = params as { allowedValues?: unknown[] };
  const values =
    allowedValues === undefined ? '' : `: ${allowedValues.map((value) => JSON.stringify(value)).join(', ')}`;
  return { path: at, message: `${message ?? 'is wrong'}${values}` };
}

/** A JSON Pointer as a path like `data.items[0].total`. */
function pathOf(pointer: string, payload: unknown, start: string): string {
  let value = payload;
  let path = start;
  for (const token of pointer.split('/').slice(1)) {
    const key = token.replaceAll('~1', '/').replaceAll('~0', '~');
    path = Array.isArray(value) ? `${path}[${key}]` : inside(path, key);
    value = (value as Record<string, unknown> | undefined)?.[key];
  }
  return path;
}

function inside(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}
