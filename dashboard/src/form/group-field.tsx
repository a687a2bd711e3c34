/** Objects within a form, one or many. */
import { Button, Fieldset } from '@mantine/core';
import { errorAt } from './errors.js';
import type { FieldProps } from './schema-field.js';
import { SchemaForm } from './schema-form.js';
import type { JsonSchema } from './schema.js';
import type { Values } from './values.js';

/** Given once any of its fields is. */
export function GroupField({ label, schema, path, value, errors, onChange }: FieldProps & { label: string }) {
  return (
    <Fieldset legend={label}>
      <div className="stack">
        {schema.description && <p className="muted">{schema.description}</p>}
        <SchemaForm
          schema={schema}
          path={path}
          values={objectOf(value)}
          errors={errors}
          onChange={(values) => onChange(Object.keys(values).length === 0 ? undefined : values)}
        />
      </div>
    </Fieldset>
  );
}

interface ItemsProps extends FieldProps {
  readonly label: string;
  readonly item: JsonSchema;
}

export function ItemsField({ label, item, schema, path, value, errors, onChange }: ItemsProps) {
  const items: unknown[] = Array.isArray(value) ? value : [];
  const own = items.length === 0 ? errorAt(errors, path) : undefined;
  return (
    <Fieldset legend={label}>
      <div className="stack">
        {schema.description && <p className="muted">{schema.description}</p>}
        {own && <p role="alert">{own}</p>}
        {items.map((element, index) => (
          <div key={index} className="stack">
            <SchemaForm
              schema={item}
              path={`${path}[${index}]`}
              values={objectOf(element)}
              errors={errors}
              onChange={(values) => onChange(items.with(index, values))}
            />
            <div>
              <Button size="xs" variant="default" onClick={() => onChange(items.toSpliced(index, 1))}>
                Remove
              </Button>
            </div>
          </div>
        ))}
        <div>
          <Button size="xs" variant="default" onClick={() => onChange([...items, {}])}>
            Add
          </Button>
        </div>
      </div>
    </Fieldset>
  );
}

function objectOf(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : {};
}
