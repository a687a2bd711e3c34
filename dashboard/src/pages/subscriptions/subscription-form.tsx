/** The fields of a subscription, by its contract. */
import { Button, Checkbox } from '@mantine/core';
import { useState } from 'react';
import { useTypeNames } from '../../api/event-types.js';
import type { Contract } from '../../api/shapes.js';
import { allShown, fieldErrors } from '../../form/errors.js';
import { Fold } from '../../form/fold.js';
import { SchemaForm } from '../../form/schema-form.js';
import { labelOf } from '../../form/schema-field.js';
import type { JsonSchema } from '../../form/schema.js';
import { changesOf, valuesOf, type Values } from '../../form/values.js';
import { Failure } from '../../parts/page.js';
import { Section } from '../../parts/section.js';
import { withGroups } from './type-choices.js';
import { payloadFields, PayloadFields } from './payload-fields.js';
import styles from './subscription-form.module.css';

interface Props {
  readonly accountId: string;
  readonly contract: Contract;
  /** The subscription as it is; empty for a new one. */
  readonly before: Values;
  readonly submitLabel: string;
  readonly busy: boolean;
  readonly error: unknown;
  /** Gets the fields that were given or changed. */
  readonly submit: (changes: Values) => void;
}

export function SubscriptionForm({ accountId, contract, before, submitLabel, busy, error, submit }: Props) {
  const schema = contract.subscriptionSchema as JsonSchema;
  const [{ values: former, masked }] = useState(() => valuesOf(schema, before));
  const isNew = before.id === undefined;
  const [values, setValues] = useState<Values>(isNew ? { enabled: true } : former);
  const [replaced, setReplaced] = useState<readonly string[]>([]);
  const kept = masked.filter((name) => !replaced.includes(name));
  const suggestions = withGroups(useTypeNames(contract), contract.openCatalogue);
  const errors = fieldErrors(error);
  const names = Object.keys(schema.properties ?? {}).filter((name) => !kept.includes(name));
  const own = names.filter((name) => !(payloadFields as readonly string[]).includes(name));
  const advanced = own.filter((name) => schema.properties?.[name]?.['x-advanced'] === true);
  const form = { values, errors, suggestions: { eventTypes: suggestions }, onChange: setValues };
  return (
    <form
      noValidate
      className={styles.form}
      onSubmit={(event) => {
        event.preventDefault();
        const emptied = Object.fromEntries(replaced.map((name) => [name, name === 'headers' ? {} : null]));
        submit({ ...emptied, ...changesOf(former, values) });
      }}
    >
      <Section title={contract.title} beside={<span className="muted">{contract.summary}</span>}>
        <SchemaForm {...form} schema={only(schema, (name) => own.includes(name) && !advanced.includes(name))} />
        <PayloadFields
          accountId={accountId}
          schema={schema}
          example={contract.events[0]}
          values={values}
          errors={errors}
          onChange={setValues}
        />
        {advanced.length > 0 && (
          <Fold title="Advanced" names={advanced} errors={errors}>
            <SchemaForm {...form} schema={only(schema, (name) => advanced.includes(name))} />
          </Fold>
        )}
        {masked.map((name) => (
          <Checkbox
            key={name}
            label={`Replace ${labelOf(name).toLowerCase()}`}
            description="The current value is secret and stays unchanged unless you enter a new one."
            checked={replaced.includes(name)}
            onChange={(event) =>
              setReplaced(event.currentTarget.checked ? [...replaced, name] : replaced.filter((one) => one !== name))
            }
          />
        ))}
        {Boolean(error) && !allShown(errors, names) && <Failure error={error} />}
        <div className="row">
          <Button type="submit" loading={busy}>
            {submitLabel}
          </Button>
          {allShown(errors, names) && <span role="alert">See the fields marked above.</span>}
        </div>
      </Section>
    </form>
  );
}

/** A schema with only some of its fields. */
function only(schema: JsonSchema, has: (name: string) => boolean): JsonSchema {
  return {
    ...schema,
    properties: Object.fromEntries(Object.entries(schema.properties ?? {}).filter(([name]) => has(name))),
  };
}
