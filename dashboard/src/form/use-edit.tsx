/** What a form of an object holds: its values, and of what is secret only that it stays, unless it is to be replaced. */
import { Button, Checkbox } from '@mantine/core';
import { useState, type SubmitEvent } from 'react';
import { Failure } from '../parts/page.js';
import { allShown, type FieldErrors } from './errors.js';
import { labelOf } from './schema-field.js';
import type { JsonSchema } from './schema.js';
import { changesOf, valuesOf, type Values } from './values.js';

export interface Edit {
  readonly values: Values;
  readonly setValues: (values: Values) => void;
  /** The names of the fields that have a secret value. */
  readonly masked: readonly string[];
  /** Those of them that stay as they are, for which a form has no field. */
  readonly kept: readonly string[];
  readonly setReplaced: (name: string, isReplaced: boolean) => void;
  /** For the form: hands over what was given or changed. */
  readonly onSubmit: (event: SubmitEvent) => void;
}

/** @param initial values of a new object that differ from those of an empty form */
export function useEdit(
  schema: JsonSchema,
  before: Values,
  submit: (changes: Values) => void,
  initial: Values = {},
): Edit {
  const [{ values: former, masked }] = useState(() => valuesOf(schema, before));
  const [values, setValues] = useState<Values>({ ...initial, ...former });
  const [replaced, setReplaced] = useState<readonly string[]>([]);
  return {
    ...{ values, setValues, masked },
    kept: masked.filter((name) => !replaced.includes(name)),
    setReplaced: (name, isReplaced) =>
      setReplaced(isReplaced ? [...replaced, name] : replaced.filter((one) => one !== name)),
    onSubmit: (event) => {
      event.preventDefault();
      const emptied = Object.fromEntries(replaced.map((name) => [name, name === 'headers' ? {} : null]));
      submit({ ...emptied, ...changesOf(former, values) });
    },
  };
}

/** Of each secret value among these fields, a box that lets it be replaced. */
export function ReplaceSecrets({ edit, names }: { edit: Edit; names?: readonly string[] }) {
  const { masked, kept, setReplaced } = edit;
  return masked
    .filter((name) => names?.includes(name) ?? true)
    .map((name) => (
      <Checkbox
        key={name}
        label={`Replace ${labelOf(name).toLowerCase()}`}
        description="The current value is secret and stays unchanged unless you enter a new one."
        checked={!kept.includes(name)}
        onChange={(event) => setReplaced(name, event.currentTarget.checked)}
      />
    ));
}

interface EndProps {
  readonly submitLabel: string;
  readonly busy: boolean;
  readonly error: unknown;
  readonly errors: FieldErrors;
  /** The fields of the form, which show the errors that are about them. */
  readonly names: readonly string[];
}

/** The end of a form: what went wrong, and its button. */
export function FormEnd({ submitLabel, busy, error, errors, names }: EndProps) {
  const isShown = allShown(errors, names);
  return (
    <>
      {Boolean(error) && !isShown && <Failure error={error} />}
      <div className="row">
        <Button type="submit" loading={busy}>
          {submitLabel}
        </Button>
        {isShown && <span role="alert">See the fields marked above.</span>}
      </div>
    </>
  );
}

/** A schema with only some of its fields. */
export function onlyFields(schema: JsonSchema, has: (name: string) => boolean): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => has(name));
  return { ...schema, properties: Object.fromEntries(properties) };
}
