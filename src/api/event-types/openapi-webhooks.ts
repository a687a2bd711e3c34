/** Reads event types from the `webhooks` of an OpenAPI 3.1 document. Pure; references within the document are bundled. */
import { z } from 'zod';
import type { GivenFields } from './fields.js';

/** An event type that a document describes; absent fields are not described. */
export type DescribedEventType = Pick<GivenFields, 'description' | 'group' | 'schema' | 'examples'>;

/** What a webhook of a document says, or why it cannot be read; `path` is in the document. */
export type WebhookEntry = { readonly name: string } & (
  { readonly fields: DescribedEventType } | { readonly path: string; readonly message: string }
);

type Json = Readonly<Record<string, unknown>>;

/** What is read of a document; everything else may be anything. */
export const openApiDocument = z.looseObject({
  openapi: z.string().regex(/^3\.1\.\d+$/, 'must be 3.1.x, the version of OpenAPI that has JSON Schema 2020-12'),
  webhooks: z.record(z.string(), z.unknown()),
});
export type OpenApiDocument = z.output<typeof openApiDocument>;

const SCHEMAS = '#/components/schemas/';
/** Maximum number of references from one to the next, before the object itself. */
const MAX_HOPS = 10;
/** The fields of the body of Standard Webhooks, of which `data` is the payload. */
const ENVELOPE = ['type', 'timestamp', 'data'];
/** Sizes of what is taken from texts, in characters. */
const MAX_DESCRIPTION = 2_000;
const MAX_GROUP = 100;
const MAX_EXAMPLES = 10;

class Unreadable extends Error {
  constructor(
    readonly path: string,
    message: string,
  ) {
    super(message);
  }
}

/**
 * Every webhook of a document, in its sequence. Of a body with the fields of Standard Webhooks, the payload is its `data`,
 * unless the payload is the whole body.
 */
export function readWebhooks(document: OpenApiDocument, { wholeBody = false } = {}): WebhookEntry[] {
  return Object.entries(document.webhooks).map(([name, item]) => {
    try {
      return { name, fields: readWebhook(document, item, `webhooks.${name}`, wholeBody) };
    } catch (error) {
      if (!(error instanceof Unreadable)) throw error;
      return { name, path: error.path, message: error.message };
    }
  });
}

function readWebhook(document: Json, given: unknown, path: string, wholeBody: boolean): DescribedEventType {
  const item = resolve(document, given, path);
  const operation = resolve(document, item.post, `${path}.post`);
  const body = resolve(document, operation.requestBody, `${path}.post.requestBody`);
  const content = isObject(body.content) ? body.content : {};
  const mediaPath = `${path}.post.requestBody.content.application/json`;
  const media = resolve(document, content['application/json'], mediaPath);
  const described = [operation.description, operation.summary, item.description, item.summary].find(isText);
  const [tag] = Array.isArray(operation.tags) ? (operation.tags as unknown[]) : [];
  const { schema, isEnvelope } = payloadSchema(document, media.schema, `${mediaPath}.schema`, wholeBody);
  const examples = examplesOf(document, media, mediaPath).map((example) =>
    isEnvelope && isObject(example) && 'data' in example ? example.data : example,
  );
  return {
    ...(described !== undefined && { description: described.trim().slice(0, MAX_DESCRIPTION) }),
    ...(isText(tag) && { group: tag.trim().slice(0, MAX_GROUP) }),
    ...(schema && { schema: bundle(document, schema, `${mediaPath}.schema`) }),
    ...(examples.length > 0 && { examples: examples.slice(0, MAX_EXAMPLES) }),
  };
}

/** The schema of the payload: that of the body, or of its `data` where the body has the fields of Standard Webhooks. */
function payloadSchema(
  document: Json,
  given: unknown,
  path: string,
  wholeBody: boolean,
): { schema: Json | undefined; isEnvelope: boolean } {
  if (given === undefined) return { schema: undefined, isEnvelope: false };
  const { properties } = resolve(document, given, path);
  const isEnvelope = !wholeBody && isObject(properties) && ENVELOPE.every((name) => name in properties);
  const schema: unknown = isEnvelope ? properties.data : given;
  if (schema === true) return { schema: {}, isEnvelope };
  if (!isObject(schema)) throw new Unreadable(path, 'must be a schema');
  return { schema, isEnvelope };
}

function examplesOf(document: Json, { example, examples }: Json, path: string): unknown[] {
  if (isObject(examples))
    return Object.entries(examples).flatMap(([name, given]) => {
      const { value } = resolve(document, given, `${path}.examples.${name}`);
      return value === undefined ? [] : [value];
    });
  return example === undefined ? [] : [example];
}

/** A schema with the schemas that it refers to, directly or through others, as its `$defs`. */
function bundle(document: Json, schema: Json, path: string): Record<string, unknown> {
  const definitions = new Map<string, unknown>();
  const waiting: string[] = [];
  const rewrite = (value: unknown): unknown => {
    if (Array.isArray(value)) return value.map(rewrite);
    if (!isObject(value)) return value;
    return Object.fromEntries(
      Object.entries(value).map(([key, member]) => [
        key,
        key === '$ref' && typeof member === 'string' ? local(member) : rewrite(member),
      ]),
    );
  };
  const local = (reference: string): string => {
    if (!reference.startsWith(SCHEMAS))
      throw new Unreadable(path, `refers to ${JSON.stringify(reference)}; only ${SCHEMAS}… is supported`);
    const [token = '', ...inside] = reference.slice(SCHEMAS.length).split('/');
    if (!definitions.has(unescape(token))) {
      definitions.set(unescape(token), undefined);
      waiting.push(reference.slice(0, SCHEMAS.length) + token);
    }
    return ['#/$defs', token, ...inside].join('/');
  };
  const rewritten = rewrite(schema) as Record<string, unknown>;
  for (let reference = waiting.shift(); reference !== undefined; reference = waiting.shift())
    definitions.set(unescape(reference.slice(SCHEMAS.length)), rewrite(lookUp(document, reference, path)));
  return definitions.size === 0 ? rewritten : { ...rewritten, $defs: Object.fromEntries(definitions) };
}

/** An object of the document, after following its reference. */
function resolve(document: Json, given: unknown, path: string): Json {
  let value = given;
  for (let hops = 0; isObject(value) && typeof value.$ref === 'string'; hops += 1) {
    if (hops === MAX_HOPS) throw new Unreadable(path, 'refers to itself');
    value = lookUp(document, value.$ref, path);
  }
  if (!isObject(value)) throw new Unreadable(path, value === undefined ? 'is missing' : 'must be an object');
  return value;
}

function lookUp(document: Json, reference: string, path: string): unknown {
  if (!reference.startsWith('#/'))
    throw new Unreadable(path, `refers to ${JSON.stringify(reference)}, outside of the document; bundle it first`);
  const keys = reference.slice('#/'.length).split('/').map(unescape);
  const found = keys.reduce<unknown>(
    (value, key) => (isObject(value) && Object.hasOwn(value, key) ? value[key] : undefined),
    document,
  );
  if (found === undefined) throw new Unreadable(path, `refers to ${JSON.stringify(reference)}, which is not there`);
  return found;
}

/** A part of a JSON Pointer in a URI as the key that it stands for. */
function unescape(token: string): string {
  const text = /%(?![0-9a-f]{2})/i.test(token) ? token : safeDecode(token);
  return text.replaceAll('~1', '/').replaceAll('~0', '~');
}

function safeDecode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function isObject(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value.trim() !== '';
}
