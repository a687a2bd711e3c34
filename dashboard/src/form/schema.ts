/** JSON Schema as far as contracts use it, and which field of a form each schema becomes. */

export interface JsonSchema {
  readonly type?: string | readonly string[];
  readonly title?: string;
  readonly description?: string;
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: boolean | JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly minimum?: number;
  readonly maximum?: number;
  readonly maxLength?: number;
  /** Whether a form shows the field only on request. */
  readonly 'x-advanced'?: boolean;
}

/** A field of a form. `nullable` says that null is allowed, which removes the value. */
export type Field = { readonly nullable: boolean } & (
  | { readonly kind: 'text'; readonly long: boolean }
  | { readonly kind: 'number'; readonly integer: boolean; readonly minimum?: number; readonly maximum?: number }
  | { readonly kind: 'flag' }
  | { readonly kind: 'choice'; readonly choices: readonly string[] }
  | { readonly kind: 'list'; readonly choices?: readonly string[] }
  | { readonly kind: 'record' }
  | { readonly kind: 'items'; readonly item: JsonSchema }
  | { readonly kind: 'group'; readonly schema: JsonSchema }
  /** What has no field of its own is written as JSON. */
  | { readonly kind: 'json' }
);

/** Texts that may be longer are written in several lines. */
const ONE_LINE = 1_000;

/** The field for a schema. */
export function fieldOf(schema: JsonSchema): Field {
  const { schema: inner, nullable } = withoutNull(schema);
  const type = Array.isArray(inner.type) ? undefined : inner.type;
  if (inner.enum?.every((choice) => typeof choice === 'string'))
    return { nullable, kind: 'choice', choices: inner.enum };
  if (type === 'string') return { nullable, kind: 'text', long: (inner.maxLength ?? 0) > ONE_LINE };
  if (type === 'number' || type === 'integer') {
    const { minimum, maximum } = inner;
    return { nullable, kind: 'number', integer: type === 'integer', minimum, maximum };
  }
  if (type === 'boolean') return { nullable, kind: 'flag' };
  if (type === 'array' && inner.items) return { nullable, ...listOf(inner.items) };
  if (type === 'object' && inner.properties) return { nullable, kind: 'group', schema: inner };
  const values = inner.additionalProperties;
  if (type === 'object' && typeof values === 'object' && values.type === 'string') return { nullable, kind: 'record' };
  return { nullable, kind: 'json' };
}

function listOf(
  items: JsonSchema,
): { kind: 'list'; choices?: readonly string[] } | { kind: 'items'; item: JsonSchema } | { kind: 'json' } {
  const item = fieldOf(items);
  if (item.kind === 'text') return { kind: 'list' };
  if (item.kind === 'choice') return { kind: 'list', choices: item.choices };
  return item.kind === 'group' ? { kind: 'items', item: items } : { kind: 'json' };
}

/** zod writes what may be null as a choice between it and null. */
function withoutNull(schema: JsonSchema): { schema: JsonSchema; nullable: boolean } {
  const { anyOf, type } = schema;
  if (Array.isArray(type) && type.length === 2 && type.includes('null'))
    return { schema: { ...schema, type: (type as string[]).find((name) => name !== 'null') }, nullable: true };
  if (!anyOf) return { schema, nullable: false };
  const others = anyOf.filter((one) => one.type !== 'null');
  const [only] = others;
  const nullable = others.length < anyOf.length;
  return only && others.length === 1
    ? { schema: { ...schema, ...only, anyOf: undefined }, nullable }
    : { schema, nullable };
}
