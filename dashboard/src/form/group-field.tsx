/** Objects within a form, one or many. */
import { Button, Fieldset } from '@mantine/core';
import type { ReactNode } from 'react';
import { errorAt } from './errors.js';
import { helpOf, type FieldProps } from './schema-field.js';
import { SchemaForm } from './schema-form.js';
import type { JsonSchema } from './schema.js';
import type { Values } from './values.js';

/** Its fields are there once someone wants to set it: what is required in it is not before. */
export function GroupField({ label, schema, required, path, value, errors, onChange }: FieldProps & { label: string }) {
  const isSet = required || (typeof value === 'object' && value !== null);
  return (
    <Group label={label} description={schema.description}>
      {isSet && <SchemaForm schema={schema} path={path} values={objectOf(value)} errors={errors} onChange={onChange} />}
      {!required && (
        <div>
          <Button size="xs" variant="default" onClick={() => onChange(isSet ? undefined : {})}>
            {isSet ? 'Remove' : 'Set'}
            <span className="hidden"> {label}</span>
          </Button>
        </div>
      )}
    </Group>
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
    <Group label={label} description={schema.description}>
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
              <span className="hidden">
                {' '}
                {label} {index + 1}
              </span>
            </Button>
          </div>
        </div>
      ))}
      <div>
        <Button size="xs" variant="default" onClick={() => onChange([...items, {}])}>
          Add<span className="hidden"> to {label}</span>
        </Button>
      </div>
    </Group>
  );
}

/** Fields that belong together. */
export function Group({ label, description, children }: { label: string; description?: string; children: ReactNode }) {
  return (
    <Fieldset legend={label} radius="md">
      <div className="stack">
        {description && <p className="muted">{helpOf(description)}</p>}
        {children}
      </div>
    </Fieldset>
  );
}

function objectOf(value: unknown): Values {
  return typeof value === 'object' && value !== null ? (value as Values) : {};
}
