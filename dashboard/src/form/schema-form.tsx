/** The fields of an object, as its JSON Schema describes them. */
import type { FieldErrors } from './errors.js';
import { SchemaField } from './schema-field.js';
import type { JsonSchema } from './schema.js';
import { withValue, type Values } from './values.js';

interface Props {
  readonly schema: JsonSchema;
  readonly values: Values;
  readonly errors: FieldErrors;
  /** Words to choose from for fields that take any. */
  readonly suggestions?: Readonly<Record<string, readonly string[]>>;
  /** Where the object is in what is sent; empty for the whole. */
  readonly path?: string;
  readonly onChange: (values: Values) => void;
}

export function SchemaForm({ schema, values, errors, suggestions, path = '', onChange }: Props) {
  return (
    <div className="stack">
      {Object.entries(schema.properties ?? {}).map(([name, property]) => (
        <SchemaField
          key={name}
          name={name}
          path={path === '' ? name : `${path}.${name}`}
          schema={property}
          required={schema.required?.includes(name) ?? false}
          value={values[name]}
          errors={errors}
          suggestions={suggestions?.[name]}
          onChange={(value) => onChange(withValue(values, name, value))}
        />
      ))}
    </div>
  );
}
