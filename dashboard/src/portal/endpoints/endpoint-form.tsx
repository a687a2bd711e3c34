/** The form of an endpoint. */
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
import { withGroups } from '../../pages/subscriptions/type-choices.js';
import { Failure } from '../../parts/page.js';
import { useWords } from '../../parts/words.js';
import styles from '../../pages/subscriptions/subscription-form.module.css';
import { endpointFields, isSet } from './endpoint-fields.js';

interface Props {
  readonly rules: Contract;
  /** The endpoint as it is; empty for a new one. */
  readonly before: Values;
  readonly submitLabel: string;
  readonly busy: boolean;
  readonly error: unknown;
  /** Gets the fields that were given or changed. */
  readonly submit: (changes: Values) => void;
}

export function EndpointForm({ rules, before, submitLabel, busy, error, submit }: Props) {
  const { main, more } = endpointFields(rules.subscriptionSchema, useWords(), rules.openCatalogue);
  const [mainNames, moreNames] = [main, more].map(({ properties }) => Object.keys(properties ?? {})) as [
    string[],
    string[],
  ];
  const names = [...mainNames, ...moreNames];
  const [{ values: former, masked }] = useState(() => {
    const whole = { properties: { ...main.properties, ...more.properties } };
    return valuesOf(whole, before);
  });
  const [values, setValues] = useState<Values>(former);
  const [replaced, setReplaced] = useState<readonly string[]>([]);
  const kept = masked.filter((name) => !replaced.includes(name));
  const suggestions = { eventTypes: withGroups(useTypeNames(rules), rules.openCatalogue) };
  const errors = fieldErrors(error);
  const fields = { values, errors, suggestions, onChange: setValues };
  const isMoreSet = moreNames.some((name) => isSet(before[name]));
  /** Of what is masked, a box that lets it be replaced. */
  const hidden = (among: readonly string[]) =>
    masked
      .filter((name) => among.includes(name))
      .map((name) => (
        <Checkbox
          key={name}
          label={`Replace ${labelOf(name).toLowerCase()}`}
          description="What is set now is secret, and stays unless you enter something new."
          checked={replaced.includes(name)}
          onChange={(event) =>
            setReplaced(event.currentTarget.checked ? [...replaced, name] : replaced.filter((one) => one !== name))
          }
        />
      ));
  return (
    <form
      noValidate
      className={`panel stack ${styles.form}`}
      onSubmit={(event) => {
        event.preventDefault();
        const emptied = Object.fromEntries(replaced.map((name) => [name, name === 'headers' ? {} : null]));
        submit({ ...emptied, ...changesOf(former, values) });
      }}
    >
      <SchemaForm schema={without(main, kept)} {...fields} />
      {hidden(mainNames)}
      {moreNames.length > 0 && (
        <Fold title="More settings" names={moreNames} errors={errors} isOpen={isMoreSet}>
          <SchemaForm schema={without(more, kept)} {...fields} />
          {hidden(moreNames)}
        </Fold>
      )}
      {Boolean(error) && !allShown(errors, names) && <Failure error={error} />}
      <div className="row">
        <Button type="submit" loading={busy}>
          {submitLabel}
        </Button>
        {allShown(errors, names) && <span role="alert">See the fields marked above.</span>}
      </div>
    </form>
  );
}

function without(schema: JsonSchema, names: readonly string[]): JsonSchema {
  const properties = Object.entries(schema.properties ?? {}).filter(([name]) => !names.includes(name));
  return { ...schema, properties: Object.fromEntries(properties) };
}
